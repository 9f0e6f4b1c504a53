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


class _JsonValues(FunctionElement[Any]):
    """The numbers or texts of a JSON list, each in a row with the column `value`."""

    inherit_cache = True


class _JsonObjects(FunctionElement[Any]):
    """The objects of a JSON list, each in a row with the column `value`."""

    inherit_cache = True


class _JsonField(FunctionElement[str]):
    """A field of a JSON object, as text."""

    inherit_cache = True


class _JsonList(FunctionElement[str]):
    """The values of all rows, as a JSON list; NULL or an empty list without rows."""

    type = sa.Text()
    inherit_cache = True


def listed(values: Iterable[int] | Iterable[str], kind: sa.types.TypeEngine[Any]) -> sa.Select[tuple[Any]]:
    """Returns a query for these values, for `column.in_()` and joins; its column is named `value`."""
    elements = _JsonValues(_json(list(values))).table_valued("value")
    return sa.select(sa.cast(elements.c.value, kind).label("value"))


def listed_rows(
    rows: Iterable[Mapping[str, int | str | datetime | None]], columns: Mapping[str, sa.types.TypeEngine[Any]]
) -> sa.CTE:
    """Returns a table with these rows, for a join in one statement; a column that is missing in a row is NULL."""
    objects = [{name: _to_json(value) for name, value in row.items()} for row in rows]
    elements = _JsonObjects(_json(objects)).table_valued("value")
    fields = (
        sa.cast(_JsonField(elements.c.value, sa.literal_column(f"'{name}'")), kind).label(name)
        for name, kind in columns.items()
    )
    return sa.select(*fields).cte()


def collected(rows: sa.Select[tuple[int]]) -> sa.ScalarSelect[str | None]:
    """Returns a query for the column of these rows as one value, for `uncollected`.

    PostgreSQL runs it for each row of the statement that contains it, and can turn it into no other join.
    """
    (column,) = rows.subquery().c
    return sa.select(_JsonList(column)).scalar_subquery()


def uncollected(value: str | None) -> list[int]:
    """Returns the values of `collected`, in any order."""
    return [] if value is None else json.loads(value)


def _json(values: list[Any]) -> sa.BindParameter[str]:
    return sa.bindparam(None, json.dumps(values), Text)


def _to_json(value: int | str | datetime | None) -> int | str | None:
    return to_text(value) if isinstance(value, datetime) else value


def _render_as(template: str, element: type[FunctionElement[Any]], dialect: str) -> None:
    """Renders an element with its arguments in the places of a template."""

    @compiles(element, dialect)
    def render(element: FunctionElement[Any], compiler: SQLCompiler, **options: Any) -> str:
        return template.format(*(compiler.process(clause, **options) for clause in element.clauses))


_render_as("max({}, {})", greatest, "sqlite")
_render_as("json_each({})", _JsonValues, "sqlite")
_render_as("jsonb_array_elements_text(CAST({} AS jsonb))", _JsonValues, "postgresql")
_render_as("json_each({})", _JsonObjects, "sqlite")
# Not as json, whose text would be parsed again for each field.
_render_as("jsonb_array_elements(CAST({} AS jsonb))", _JsonObjects, "postgresql")
_render_as("json_group_array({})", _JsonList, "sqlite")
_render_as("CAST(json_agg({}) AS text)", _JsonList, "postgresql")
_render_as("json_extract({}, '$.' || {})", _JsonField, "sqlite")
_render_as("({} ->> {})", _JsonField, "postgresql")
