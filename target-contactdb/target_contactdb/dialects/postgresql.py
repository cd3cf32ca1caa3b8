"""PostgreSQL: rows go in by COPY, ids come from the column's own sequence."""

from __future__ import annotations

import typing as t

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import REGCLASS
from typing_extensions import override

from target_contactdb.dialects.base import Loader, Row, own_words

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence


# What batches and flows are looked up in, with the columns that the look-ups go by.
_LOOKED_UP: t.Final = {
    "contacts": ("contact_id", "user_code", "email_address_hash", "sms_address_hash"),
    "contact_sources": ("shop", "customer_id", "contact_id"),
    "suppressions": ("channel", "address_hash"),
    "checkouts": ("shop", "id", "customer_id", "contact_id"),
    "flow_entries": ("flow", "subject", "contact_id"),
}
_GROWN: t.Final = 2
# A tenth of the usual: keys hardly repeat, which a small sample shows as well.
_SAMPLED: t.Final = "10"


class PostgresqlLoader(Loader):
    """Loads into PostgreSQL through psycopg."""

    @override
    def append_ready(
        self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Iterable[Row]
    ) -> None:
        prepare = connection.dialect.identifier_preparer
        columns = ", ".join(prepare.quote(name) for name in names)
        statement = f"COPY {prepare.format_table(table)} ({columns}) FROM STDIN"
        with (
            own_words(connection, statement),
            connection.connection.driver_connection.cursor() as cursor,  # type: ignore[union-attr]
            cursor.copy(statement) as copy,
        ):
            write = copy.write_row
            for row in rows:
                write(row)

    @staticmethod
    @override
    def moment(value: dt.datetime) -> dt.datetime:
        return value

    @classmethod
    @override
    def moment_of(cls, text: str) -> str:
        # The server reads such a text as it is, whatever its settings, and faster than the driver writes a time.
        return text

    @override
    def look_up_by_keys(self, connection: sa.Connection) -> None:
        # By default the planner counts four pages in order for one at a place of its own, as of a disk that turns: it
        # would rather read a whole table than look a batch up in it. And no such plan is worth compiling.
        settings = {"random_page_cost": "1.1", "jit": "off", "default_statistics_target": _SAMPLED}
        connection.execute(sa.select(*(sa.func.set_config(name, value, True) for name, value in settings.items())))
        self._tell_planner(connection)

    @staticmethod
    def _tell_planner(connection: sa.Connection) -> None:
        """Let the planner look at the tables that have doubled since it did: it comes by itself a minute late.

        A first load would meanwhile read more of them with every batch, and a new flow with every call.
        """
        tables = sa.table("pg_class", sa.column("oid"), sa.column("relname"), sa.column("relpages"))
        pages = sa.func.pg_relation_size(tables.c.oid) / sa.cast(sa.func.current_setting("block_size"), sa.Integer)
        grown = sa.select(tables.c.relname).where(
            tables.c.oid.in_([sa.func.to_regclass(name) for name in _LOOKED_UP]),
            pages > _GROWN * tables.c.relpages,
        )
        for name in connection.execute(grown).scalars().all():
            connection.exec_driver_sql(f"ANALYZE {name} ({', '.join(_LOOKED_UP[name])})")

    @override
    def new_contact_ids(self, connection: sa.Connection, count: int) -> list[int]:
        # Asked in the same place as `nextval`, the sequence would be looked for once for each number.
        named = sa.func.pg_get_serial_sequence("contacts", "contact_id").cast(REGCLASS)
        sequence = sa.select(named.label("number")).offset(0).subquery()
        numbers = sa.select(sa.func.array_agg(sa.func.nextval(sequence.c.number), type_=sa.ARRAY(sa.BigInteger)))
        each = sa.func.generate_series(1, count).table_valued("place")
        return list(connection.execute(numbers.select_from(sequence.join(each, sa.true()))).scalar_one() or ())
