"""SQL that each engine writes differently, as SQLAlchemy elements."""

from __future__ import annotations

import string
import typing as t

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from target_contactdb.dialects.mysql_session import collation

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


@compiles(folded, "sqlite")
def _folded_sqlite(element: folded, compiler: SQLCompiler, **kwargs: t.Any) -> str:
    # SQLite's own `lower` knows A to Z only.
    return f"lower({element.arguments(compiler, **kwargs)[0]})"


@compiles(folded, "postgresql")
def _folded_postgresql(element: folded, compiler: SQLCompiler, **kwargs: t.Any) -> str:
    return f'lower({element.arguments(compiler, **kwargs)[0]} COLLATE "C")'


@compiles(folded, "mysql")
def _folded_mysql(element: folded, compiler: SQLCompiler, **kwargs: t.Any) -> str:
    # `lower` would fold every letter of Unicode; `replace` minds the case whatever the collation is.
    return _fold_by_replacing(element.arguments(compiler, **kwargs)[0])


def _fold_by_replacing(text: str) -> str:
    for letter in string.ascii_uppercase:
        text = f"replace({text}, '{letter}', '{letter.lower()}')"
    return text


class has_part(_Element):  # noqa: N801 - used like a function of SQL
    """Whether the second text is somewhere in the first."""

    name = "has_part"
    inherit_cache = True


@compiles(has_part, "sqlite")
def _has_part_sqlite(element: has_part, compiler: SQLCompiler, **kwargs: t.Any) -> str:
    text, part = element.arguments(compiler, **kwargs)
    return f"(instr({text}, {part}) > 0)"


@compiles(has_part, "postgresql")
def _has_part_postgresql(element: has_part, compiler: SQLCompiler, **kwargs: t.Any) -> str:
    text, part = element.arguments(compiler, **kwargs)
    return f"(strpos({text}, {part}) > 0)"


@compiles(has_part, "mysql")
def _has_part_mysql(element: has_part, compiler: SQLCompiler, **kwargs: t.Any) -> str:
    text, part = element.arguments(compiler, **kwargs)
    return f"(locate({part}, {text}) > 0)"


class ending(_Element):  # noqa: N801 - used like a function of SQL
    """The last characters of a text; the second argument says how many."""

    name = "ending"
    inherit_cache = True
    type = sa.Text()


@compiles(ending)
def _ending(element: ending, compiler: SQLCompiler, **kwargs: t.Any) -> str:
    text, length = element.arguments(compiler, **kwargs)
    return f"right({text}, {length})"


@compiles(ending, "sqlite")
def _ending_sqlite(element: ending, compiler: SQLCompiler, **kwargs: t.Any) -> str:
    text, length = element.arguments(compiler, **kwargs)
    return f"substr({text}, -{length})"


class has_content(_Element):  # noqa: N801 - used like a function of SQL
    """Whether a JSON list or object has anything in it."""

    name = "has_content"
    inherit_cache = True


@compiles(has_content, "sqlite")
def _has_content_sqlite(element: has_content, compiler: SQLCompiler, **kwargs: t.Any) -> str:
    return _exists(f"json_each({element.arguments(compiler, **kwargs)[0]})", "1 = 1")


@compiles(has_content, "postgresql")
def _has_content_postgresql(element: has_content, compiler: SQLCompiler, **kwargs: t.Any) -> str:
    return f"({element.arguments(compiler, **kwargs)[0]} NOT IN ('[]'::jsonb, '{{}}'::jsonb))"


@compiles(has_content, "mysql")
def _has_content_mysql(element: has_content, compiler: SQLCompiler, **kwargs: t.Any) -> str:
    return f"(json_length({element.arguments(compiler, **kwargs)[0]}) > 0)"


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
    columns = "place FOR ORDINALITY, value LONGTEXT PATH '$'"
    is_text = f"json_type(json_extract({array}, concat('$[', item.place - 1, ']'))) = 'STRING'"
    return _exists(
        f"json_table({array}, '$[*]' COLUMNS ({columns})) AS item", f"{text} IN ({', '.join(values)}) AND {is_text}"
    )
