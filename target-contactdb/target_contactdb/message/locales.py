"""Locales: which one a message is written in, and how it writes money. Pure."""

from __future__ import annotations

import typing as t

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency

if t.TYPE_CHECKING:
    from decimal import Decimal

ENGLISH: t.Final = Locale("en")


def known_locale(code: str | None) -> Locale | None:
    """Return the locale that a code such as `pt-BR` or `de_AT` means; its language alone where the rest is unknown."""
    text = (code or "").strip().replace("-", "_")
    for part in (text, text.split("_", 1)[0]):
        try:
            if part:
                return Locale.parse(part)
        except (ValueError, UnknownLocaleError):
            continue
    return None


def locale_of(*codes: str | None) -> Locale:
    """Return the locale of the first code that means one; English without any."""
    return next((found for found in map(known_locale, codes) if found is not None), ENGLISH)


def folders_of(locale: Locale) -> tuple[str, ...]:
    """Return the names under which a template of this locale is looked for, the closest first; the last is for all."""
    names = [str(locale), locale.language]
    return (*dict.fromkeys(names), "")


def money(amount: Decimal | None, currency: str | None, locale: Locale) -> str | None:
    """Return an amount as people of this locale write it; None without an amount or a currency."""
    if amount is None or not currency:
        return None
    return format_currency(amount, currency, locale=locale)
