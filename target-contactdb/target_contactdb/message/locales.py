"""Locales: which one a message is written in, and how it writes money. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency

if t.TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Tongue:
    """What a message is written in.

    Attributes:
        code: As it was written, such as `zh-TW`.
        locale: What that means.
    """

    code: str
    locale: Locale


ENGLISH: t.Final = Tongue("en", Locale("en"))


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


def tongue_of(*codes: str | None) -> Tongue:
    """Return what the first code that means a locale means; English without any."""
    for code in codes:
        locale = known_locale(code)
        if code is not None and locale is not None:
            return Tongue(code.strip(), locale)
    return ENGLISH


def folded(code: str) -> str:
    """Return a code so that two spellings of it are equal: `fr-CA`, `fr_ca`."""
    return code.replace("-", "_").lower()


def folded_names_of(tongue: Tongue) -> tuple[str, ...]:
    """Return the names of folders that templates are looked for in, folded, the closest first.

    The code as it is written goes first: `zh_TW` means `zh_Hant_TW`, and people name their folders like Shopify.
    """
    locale = tongue.locale
    script = f"{locale.language}_{locale.script}" if locale.script else locale.language
    return tuple(dict.fromkeys(folded(name) for name in (tongue.code, str(locale), script, locale.language)))


def language_tag(locale: Locale) -> str:
    """Return a locale as HTML writes it, such as `pt-BR`."""
    return str(locale).replace("_", "-")


def colon(locale: Locale) -> str:
    """Return a colon as it stands behind a word: in French a no-break space goes before it."""
    return "\N{NO-BREAK SPACE}:" if locale.language == "fr" else ":"


def money(amount: Decimal | None, currency: str | None, locale: Locale) -> str | None:
    """Return an amount as people of this locale write it; None without an amount or a currency."""
    if amount is None or not currency:
        return None
    return format_currency(amount, currency, locale=locale)
