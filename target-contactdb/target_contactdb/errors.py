"""Everything that can go wrong, as one tree.

ContactDbError
├── ConfigError           the settings are wrong: fix them; nothing was written
├── DatabaseError         the database cannot be used: fix it or its URL; nothing was written
│   └── DatabaseUnavailable   it does not answer, or not as it should: ask again later; nothing was written
├── StreamError           the messages do not fit together: fix the tap
│   └── StreamCutShort    the input ended before a stream did: see why the tap stopped; what came is written
├── StateError            the state is ahead of the database: read again, or set the state back; nothing was written
├── OutputError           standard output cannot be written: see who reads it; what was not said counts as not said
├── StatusLimitError      too many statuses would change: look, then accept; only opt-outs and erasures were written
└── Interrupted           a signal ended the run: run again

No message ever carries a value of a person; a record is named by its stream and key.
"""

from __future__ import annotations


class ContactDbError(Exception):
    """Base of all errors of this program. Its text is one line for a person to act on."""


class ConfigError(ContactDbError):
    """One or more settings are wrong.

    Attributes:
        problems: One text per wrong setting, each naming it.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


class DatabaseError(ContactDbError):
    """The contact database cannot be opened, migrated or written."""


class DatabaseUnavailable(DatabaseError):
    """The contact database cannot be reached, or broke off: what was asked was not answered."""


class StreamError(ContactDbError):
    """The incoming messages cannot be understood."""


class StreamCutShort(StreamError):
    """The input ended before a stream had come to its end; what had come is written, and its states are passed on."""


class StateError(ContactDbError):
    """The tap starts later than this database has come: what lies between would be missing."""


class OutputError(ContactDbError):
    """Standard output is closed, full, or read by nobody any more."""


class StatusLimitError(ContactDbError):
    """An import would change more statuses than may change before a person has looked."""


class Interrupted(ContactDbError):
    """A signal asked the run to end."""
