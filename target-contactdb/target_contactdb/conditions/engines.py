"""SQL that each engine writes differently, as SQLAlchemy elements."""

from __future__ import annotations

import string
import typing as t

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from target_contactdb.conditions.phones import PART_MARKS
from target_contactdb.dialects.mysql_session import collation
from target_contactdb.keys import PHONE_MARKS

if t.TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler


_FEW: t.Final = 4


class _Element(FunctionElement[t.Any]):
    """An element whose arguments are its clauses."""

    inherit_cache = True
    type: sa.types.TypeEngine[t.Any] = sa.Boolean()

    def arguments(self, compiler: SQLCompiler, **kwargs: t.Any) -> list[str]:
        """Return the SQL of each argument."""
        return [compiler.process(clause, **kwargs) for clause in self.clauses]


def _exists(rows: str, condition: str) -> str:
    return f"EXISTS (SELECT 1 FROM {rows} WHERE {condition})"  # noqa: S608 - columns are ours and values are bound


class folded(_Element):  # noqa: N801 - used like a function of SQL
    """Text with A to Z as a to z, and nothing else changed."""

    name = "folded"
    inherit_cache = True
    type = sa.Text()


class has_part(_Element):  # noqa: N801 - used like a function of SQL
    """Whether the second text is somewhere in the first."""

    name = "has_part"
    inherit_cache = True


class ending(_Element):  # noqa: N801 - used like a function of SQL
    """The last characters of a text; the second argument says how many."""

    name = "ending"
    inherit_cache = True
    type = sa.Text()


class whole_number(_Element):  # noqa: N801 - used like a function of SQL
    """A phone number without the marks in it, as `phones.whole_number` makes it."""

    name = "whole_number"
    inherit_cache = True
    type = sa.Text()


class part_of_number(_Element):  # noqa: N801 - used like a function of SQL
    """A phone number as its parts are looked for, as `phones.part_of_number` makes it."""

    name = "part_of_number"
    inherit_cache = True
    type = sa.Text()


class has_content(_Element):  # noqa: N801 - used like a function of SQL
    """Whether a JSON list or object has anything in it."""

    name = "has_content"
    inherit_cache = True


def _fold_by_replacing(text: str) -> str:
    for letter in string.ascii_uppercase:
        text = f"replace({text}, '{letter}', '{letter.lower()}')"
    return text


def _without(marks: str) -> dict[str, str]:
    replaced = "{0}"
    for mark in marks:
        replaced = f"replace({replaced}, '{mark}', '')"
    return {"sqlite": replaced, "postgresql": f"translate({{0}}, '{marks}', '')", "mysql": replaced}


# By element and engine, with the arguments by number.
_WRITTEN: t.Final[dict[type[_Element], dict[str, str]]] = {
    folded: {
        # SQLite's own `lower` knows A to Z only.
        "sqlite": "lower({0})",
        "postgresql": 'lower({0} COLLATE "C")',
        # `lower` would fold every letter of Unicode; `replace` minds the case whatever the collation is.
        "mysql": _fold_by_replacing("{0}"),
    },
    has_part: {
        "sqlite": "(instr({0}, {1}) > 0)",
        "postgresql": "(strpos({0}, {1}) > 0)",
        "mysql": "(locate({1}, {0}) > 0)",
    },
    ending: {
        "sqlite": "substr({0}, -{1})",
        "postgresql": "right({0}, {1})",
        "mysql": "right({0}, {1})",
    },
    whole_number: _without(PHONE_MARKS),
    part_of_number: _without(PART_MARKS),
    has_content: {
        "sqlite": _exists("json_each({0})", "1 = 1"),
        "postgresql": "({0} NOT IN ('[]'::jsonb, '{{}}'::jsonb))",
        "mysql": "(json_length({0}) > 0)",
    },
}


def _write(kind: type[_Element], dialect: str, template: str) -> None:
    @compiles(kind, dialect)
    def written(element: _Element, compiler: SQLCompiler, **kwargs: t.Any) -> str:
        return template.format(*element.arguments(compiler, **kwargs))


for _kind, _templates in _WRITTEN.items():
    for _dialect, _template in _templates.items():
        _write(_kind, _dialect, _template)


class has_element(_Element):  # noqa: N801 - used like a function of SQL
    """Whether a JSON list has a text that, folded, is one of the values; the list comes first, then the values."""

    name = "has_element"
    inherit_cache = True


@compiles(has_element, "sqlite")
def _has_element_sqlite(element: has_element, compiler: SQLCompiler, **kwargs: t.Any) -> str:
    array, *values = element.arguments(compiler, **kwargs)
    return _exists(f"json_each({array}) AS item", f"item.type = 'text' AND lower(item.value) IN ({', '.join(values)})")


@compiles(has_element, "postgresql")
def _has_element_postgresql(element: has_element, compiler: SQLCompiler, **kwargs: t.Any) -> str:
    array, *values = element.arguments(compiler, **kwargs)
    listed = f"CASE jsonb_typeof({array}) WHEN 'array' THEN {array} ELSE '[]'::jsonb END"
    text = "lower((item #>> '{}') COLLATE \"C\")"
    found = _exists(
        f"jsonb_array_elements({listed}) AS item", f"jsonb_typeof(item) = 'string' AND {text} IN ({', '.join(values)})"
    )
    if len(values) > _FEW:
        return found
    # Looking into the whole as text rules most lists out, three times faster than taking each apart.
    whole = f'lower({array}::text COLLATE "C")'
    likely = " OR ".join(f"strpos({whole}, to_json({value}::text)::text) > 0" for value in values)
    return f"(({likely}) AND {found})"


@compiles(has_element, "mysql")
def _has_element_mysql(element: has_element, compiler: SQLCompiler, **kwargs: t.Any) -> str:
    array, *values = element.arguments(compiler, **kwargs)
    text = f"{_fold_by_replacing('item.value')} COLLATE {collation(compiler.dialect)}"
    # A number or an object of the list would come as text as well, so its JSON type is asked.
    # Without a character set, MariaDB takes that of the database, which others have made.
    columns = "place FOR ORDINALITY, value LONGTEXT CHARACTER SET utf8mb4 PATH '$'"
    # MySQL compares what it says of JSON by another collation, and refuses to choose between the two.
    type_of_item = f"json_type(json_extract({array}, concat('$[', item.place - 1, ']')))"
    is_text = f"{type_of_item} = 'STRING' COLLATE utf8mb4_bin"
    return _exists(
        f"json_table({array}, '$[*]' COLUMNS ({columns})) AS item", f"{text} IN ({', '.join(values)}) AND {is_text}"
    )
