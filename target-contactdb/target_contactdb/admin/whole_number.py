"""Options and arguments that are whole numbers, as large as a database holds them."""

from __future__ import annotations

import typing as t

import click
from typing_extensions import override

_MOST: t.Final = 2**63 - 1


class WholeNumber(click.IntRange):
    """A whole number from some least one on, of at most 64 bits."""

    def __init__(self, least: int = 1) -> None:
        """Define the type.

        Args:
            least: The least that the number may be.
        """
        super().__init__(least)

    @override
    def convert(self, value: t.Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number: int = super().convert(value, param, ctx)
        if number > _MOST:
            self.fail("the number has more than 64 bits", param, ctx)
        return number
