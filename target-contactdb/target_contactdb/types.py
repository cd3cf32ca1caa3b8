"""Column types that mean the same on every engine."""

from __future__ import annotations

import datetime as dt
import typing as t
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from typing_extensions import override

if t.TYPE_CHECKING:
    from sqlalchemy.engine import Dialect
    from sqlalchemy.types import TypeEngine


class UtcDateTime(sa.TypeDecorator[dt.datetime]):
    """A moment, always timezone-aware UTC in Python; microseconds are kept."""

    impl = sa.DateTime
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[t.Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        if dialect.name == "mysql":
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(sa.DateTime())

    @override
    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        utc = value.astimezone(dt.UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    @override
    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)


class Money(sa.TypeDecorator[Decimal]):
    """An exact amount, NUMERIC(19,4).

    SQLite has no decimal type: it keeps such a number as REAL, which is exact to 15 digits.
    """

    impl = sa.Numeric
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[t.Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(_SqliteNumeric())
        return dialect.type_descriptor(sa.Numeric(19, 4))

    @override
    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> t.Any:
        # SQLite's driver cannot bind a Decimal; the column's NUMERIC affinity turns its digits into a number.
        return str(value) if value is not None and dialect.name == "sqlite" else value

    @override
    def process_result_value(self, value: t.Any, dialect: Dialect) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        return Decimal(format(value, ".15g"))


class _SqliteNumeric(sa.types.UserDefinedType[t.Any]):
    """A NUMERIC column without SQLAlchemy's own conversion, which goes through floating point."""

    cache_ok = True

    @override
    def get_col_spec(self, **_kwargs: t.Any) -> str:
        return "NUMERIC(19, 4)"


class Json(sa.TypeDecorator[t.Any]):
    """A list or an object; SQL NULL for None."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[t.Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.JSONB(none_as_null=True))
        return dialect.type_descriptor(sa.JSON(none_as_null=True))


class LongText(sa.TypeDecorator[str]):
    """Text of any length: MariaDB's and MySQL's own TEXT ends at 65,535 bytes."""

    impl = sa.Text
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[t.Any]:
        return dialect.type_descriptor(mysql.LONGTEXT() if dialect.name == "mysql" else sa.Text())
