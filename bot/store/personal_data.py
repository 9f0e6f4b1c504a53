"""What the database has about a person: the only list of columns with people's ids, showing them, and removing them.

A test compares the list with the schema, so that no such column is forgotten.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from bot.store.column_types import Id
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.schema import exclusions, import_removals, questions, settings_imports, subscriptions

PersonalRow: TypeAlias = Mapping[str, str | int | bool | datetime | None]

# Rows of one kind that are shown; more than a server's quota of keywords.
SHOWN_ROWS_MAX: Final = 10_000

_PERSON: Final = sa.bindparam("person", type_=Id)


@dataclass(frozen=True, slots=True)
class PersonalColumn:
    """A column with people's ids, what a person is shown of its rows, and whether a deletion deletes the rows.

    Rows that belong to a server stay: the id is removed from them.
    """

    kind: str
    column: sa.Column[Any]
    shown: Mapping[str, sa.Column[Any]]
    deletes_rows: bool


PERSONAL_COLUMNS: Final = (
    PersonalColumn(
        "keywords_added",
        subscriptions.c.added_by,
        {
            "channel": subscriptions.c.channel_id,
            "keyword": subscriptions.c.shown,
            "added_at": subscriptions.c.added_at,
        },
        deletes_rows=False,
    ),
    PersonalColumn(
        "keywords_in_undos",
        import_removals.c.added_by,
        {
            "channel": import_removals.c.channel_id,
            "keyword": import_removals.c.shown,
            "added_at": import_removals.c.added_at,
        },
        deletes_rows=False,
    ),
    PersonalColumn(
        "exclusions_added",
        exclusions.c.added_by,
        {
            "channel": exclusions.c.channel_id,
            "exclusion": exclusions.c.shown,
            "added_at": exclusions.c.added_at,
        },
        deletes_rows=False,
    ),
    PersonalColumn(
        "questions",
        questions.c.user_id,
        {
            "command": questions.c.command,
            "channel": questions.c.channel_id,
            "answers": questions.c.answers,
            "papers": questions.c.papers,
            "sort": questions.c.sort,
            "period": questions.c.period,
            "role": questions.c.mention_role,
            "asked_at": questions.c.asked_at,
        },
        deletes_rows=True,
    ),
    PersonalColumn(
        "imports",
        settings_imports.c.user_id,
        {
            "server": settings_imports.c.guild_id,
            "applied": settings_imports.c.is_applied,
            "created_at": settings_imports.c.created_at,
            "kept_until": settings_imports.c.expires_at,
        },
        deletes_rows=True,
    ),
)
_DELETE_REMOVALS: Final = sa.delete(import_removals).where(
    import_removals.c.import_id.in_(sa.select(settings_imports.c.id).where(settings_imports.c.user_id == _PERSON))
)


class PersonalData:
    """Everything that the database has about people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, user_id: int) -> Mapping[str, Sequence[PersonalRow]]:
        """Returns what is stored about a person, by kind; kinds without rows have none."""
        async with self._database.reading() as connection:
            return {each.kind: await _rows(connection, each, user_id) for each in PERSONAL_COLUMNS}

    async def delete(self, user_id: int) -> Mapping[str, int]:
        """Deletes a person's rows, and the id from rows that belong to servers; returns how many of each kind."""
        person = {"person": user_id}
        async with self._database.transaction() as connection:
            await connection.write(_DELETE_REMOVALS, person)
            return {each.kind: await connection.write(_deletion(each), person) for each in PERSONAL_COLUMNS}


async def _rows(connection: Connection, kind: PersonalColumn, user_id: int) -> Sequence[PersonalRow]:
    columns = [column.label(name) for name, column in kind.shown.items()]
    statement = sa.select(*columns).where(kind.column == _PERSON).limit(SHOWN_ROWS_MAX)
    return [dict(row._mapping) for row in await connection.all(statement, {"person": user_id})]  # noqa: SLF001 -- public


def _deletion(kind: PersonalColumn) -> sa.Delete | sa.Update:
    if kind.deletes_rows:
        return sa.delete(kind.column.table).where(kind.column == _PERSON)
    return sa.update(kind.column.table).where(kind.column == _PERSON).values({kind.column.name: None})
