"""SQL that SQLAlchemy has for one of the databases only: lists of values as one parameter, the later of two times.

A list as a single parameter has no limit on its length, and its statement is compiled once.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement, ReturnTypeFromArgs

from bot.store.codecs import to_text
from bot.store.column_types import Text


class greatest(ReturnTypeFromArgs[Any]):  # noqa: N801 -- available as `sa.func.greatest`
    """The greatest of several values, none of which is NULL."""

    inherit_cache = True


class _JsonElements(FunctionElement[Any]):
    """The elements of a JSON list, each in a row with the column `value`."""

    inherit_cache = True


class _JsonField(FunctionElement[str]):
    """A field of a JSON object, as text."""

    inherit_cache = True


def listed(values: Iterable[int] | Iterable[str], kind: sa.types.TypeEngine[Any]) -> sa.Select[tuple[Any]]:
    """Returns a query for these values, for `column.in_()` and joins; its column is named `value`."""
    elements = _elements(list(values))
    return sa.select(sa.cast(elements.c.value, kind).label("value"))


def listed_rows(
    rows: Iterable[Mapping[str, int | str | datetime | None]], columns: Mapping[str, sa.types.TypeEngine[Any]]
) -> sa.CTE:
    """Returns a table with these rows, for a join in one statement; a column that is missing in a row is NULL."""
    elements = _elements([{name: _to_json(value) for name, value in row.items()} for row in rows])
    fields = (
        sa.cast(_JsonField(elements.c.value, sa.literal_column(f"'{name}'")), kind).label(name)
        for name, kind in columns.items()
    )
    return sa.select(*fields).cte()


def _elements(values: list[Any]) -> sa.TableValuedAlias:
    return _JsonElements(sa.bindparam(None, json.dumps(values), Text)).table_valued("value")


def _to_json(value: int | str | datetime | None) -> int | str | None:
    return to_text(value) if isinstance(value, datetime) else value


@compiles(greatest, "sqlite")
def _greatest_on_sqlite(element: greatest, compiler: SQLCompiler, **options: Any) -> str:
    return f"max({compiler.process(element.clauses, **options)})"


@compiles(_JsonElements, "sqlite")
def _elements_on_sqlite(element: _JsonElements, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_JsonElements, "postgresql")
def _elements_on_postgresql(element: _JsonElements, compiler: SQLCompiler, **options: Any) -> str:
    # With `value` as text: that of a JSON object is its source.
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS json))"


@compiles(_JsonField, "sqlite")
def _field_on_sqlite(element: _JsonField, compiler: SQLCompiler, **options: Any) -> str:
    value, name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"json_extract({value}, '$.' || {name})"


@compiles(_JsonField, "postgresql")
def _field_on_postgresql(element: _JsonField, compiler: SQLCompiler, **options: Any) -> str:
    value, name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(CAST({value} AS json) ->> {name})"
