"""The rows of imports: previews, and what an undo restores.

Every function runs within the caller's transaction.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from bot.domain.server_settings.changes import ChannelChange
from bot.domain.server_settings.undoing import undo_text
from bot.store.column_types import Text, Utc
from bot.store.connection import Connection
from bot.store.schema import import_removals, settings_imports

_FIND: Final = sa.select(settings_imports).where(
    settings_imports.c.id == sa.bindparam("import_id", type_=Text),
    settings_imports.c.expires_at > sa.bindparam("now", type_=Utc),
)


@dataclass(frozen=True, slots=True)
class StoredImport:
    """A preview that can be applied, or an applied import that can be undone."""

    id: str
    guild_id: int
    user_id: int
    created_at: datetime
    expires_at: datetime
    is_applied: bool
    removes: bool
    seen: str
    content: str


async def find_import(connection: Connection, import_id: str, now: datetime) -> StoredImport | None:
    """Returns an import that has not expired."""
    row = await connection.first(_FIND, {"import_id": import_id, "now": now})
    return None if row is None else StoredImport(**row._mapping)  # noqa: SLF001 -- a public name of SQLAlchemy


async def write_import(connection: Connection, preview: StoredImport) -> None:
    """Stores a preview."""
    values = {column.name: getattr(preview, column.name) for column in settings_imports.columns}
    await connection.write(sa.insert(settings_imports), values)


async def delete_imports(connection: Connection, import_ids: Sequence[str]) -> None:
    """Deletes imports; ids of others are ignored."""
    for import_id in import_ids:
        await connection.write(sa.delete(import_removals).where(import_removals.c.import_id == import_id))
        await connection.write(sa.delete(settings_imports).where(settings_imports.c.id == import_id))


async def delete_oldest(connection: Connection, guild_id: int, kept: int, *, is_applied: bool) -> None:
    """Deletes a server's previews or undos except for the newest ones."""
    table = settings_imports.c
    statement = (
        sa.select(table.id)
        .where(table.guild_id == guild_id, table.is_applied == is_applied)
        .order_by(table.created_at.desc())
    )
    await delete_imports(connection, (await connection.scalars(statement))[kept:])


async def turn_into_undo(
    connection: Connection, preview: StoredImport, changes: Sequence[ChannelChange], values: Mapping[str, object]
) -> None:
    """Makes an undo of a preview that was applied, with these values of its row."""
    content = await asyncio.to_thread(undo_text, changes)
    await connection.write(
        sa.update(settings_imports)
        .where(settings_imports.c.id == preview.id)
        .values(is_applied=True, content=content, **values)
    )
    removed = [
        {
            "import_id": preview.id,
            "channel_id": change.channel_id,
            "canonical": each.canonical,
            "shown": each.shown,
            "added_by": each.added_by,
            "added_at": each.added_at,
        }
        for change in changes
        for each in change.removed
    ]
    if removed:
        await connection.write(sa.insert(import_removals), removed)
