"""Conditions: one grammar for import filters and segments.

An object of a setting or the text of `--where` becomes one tree (`objects`, `text`). The tree is checked against the
fields that there are (`check`), and the checked tree becomes a Python predicate (`predicate`) or one SQL expression
(`sql`). Both mean the same:

- A condition is true or false, never unknown. A test of an empty field is false, except `is_empty`, `ne` and
  `not_in`: these are the exact opposites of `is_set`, `eq` and `in`.
- Empty is: no value, text of nothing but spaces, a list or an object of nothing.
- The letters A to Z are equal to a to z, in text, addresses, domains and tags; other letters are not folded.
- A date without a time is the whole day in the shop's time zone.
"""
