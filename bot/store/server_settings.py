"""The settings of a server as a whole: reading them, and imports of settings files with previews and undo.

An import is applied in one transaction, which compares the settings with those that the preview showed. It never checks
permissions, and never parses a file.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import sqlalchemy as sa

from bot.domain.server_settings.changes import ChannelChange, exceeded_quota
from bot.domain.server_settings.model import ServerState
from bot.domain.server_settings.undoing import read_undo
from bot.domain.subscription import QuotaExceeded, Quotas
from bot.store.column_types import Id, Utc
from bot.store.database import Database
from bot.store.import_rows import StoredImport, delete_imports, delete_oldest, find_import, turn_into_undo, write_import
from bot.store.import_writes import read_state, restore, write_changes
from bot.store.schema import settings_imports

# A file has up to 1 MiB: that is how much a server can store.
PREVIEWS_PER_SERVER: Final = 5
UNDOS_PER_SERVER: Final = 5
PREVIEW_KEPT: Final = timedelta(hours=1)
UNDO_KEPT: Final = timedelta(hours=24)

_GUILD: Final = sa.bindparam("guild", type_=Id)
_USER: Final = sa.bindparam("user", type_=Id)
_NOW: Final = sa.bindparam("now", type_=Utc)
# A time that is too late is from a clock that was ahead.
_EXPIRED: Final = sa.select(settings_imports.c.id).where(
    sa.or_(settings_imports.c.expires_at <= _NOW, settings_imports.c.expires_at > sa.bindparam("latest", type_=Utc))
)
_PREVIEWS_OF_PERSON: Final = sa.select(settings_imports.c.id).where(
    settings_imports.c.guild_id == _GUILD,
    settings_imports.c.is_applied == sa.false(),
    settings_imports.c.user_id == _USER,
)


@dataclass(frozen=True, slots=True)
class ImportApplied:
    """Everything was changed; an undo is possible until `undo_until`."""

    undo_until: datetime


@dataclass(frozen=True, slots=True)
class ImportUndone:
    """The previous settings are restored."""

    channels: int


class ImportGone:
    """The preview or the undo has expired, was used, or was replaced by a newer one."""


class SettingsDiffer:
    """The settings have changed since the preview or the import; nothing was changed."""


ApplyOutcome: TypeAlias = ImportApplied | ImportGone | SettingsDiffer | QuotaExceeded
UndoOutcome: TypeAlias = ImportUndone | ImportGone | SettingsDiffer


class ServerSettingsStore:
    """The settings of servers, and their imports; `on_change` is called after each change of subscriptions."""

    def __init__(self, database: Database, on_change: Callable[[], None]) -> None:
        self._database = database
        self._on_change = on_change

    async def read(self, guild_id: int, channel_ids: Collection[int]) -> ServerState:
        """Returns what is stored for the channels of a server; `channel_ids` are those that are known to be in it."""
        async with self._database.reading() as connection:
            return await read_state(connection, guild_id, channel_ids)

    async def add_preview(self, preview: StoredImport, now: datetime) -> None:
        """Stores a preview instead of the person's previous one, and drops the server's oldest beyond the quota."""
        person = {"guild": preview.guild_id, "user": preview.user_id}
        async with self._database.transaction() as connection:
            await delete_imports(connection, await connection.scalars(_EXPIRED, _times(now)))
            await delete_imports(connection, await connection.scalars(_PREVIEWS_OF_PERSON, person))
            await delete_oldest(connection, preview.guild_id, PREVIEWS_PER_SERVER - 1, is_applied=False)
            await write_import(connection, preview)

    async def find(self, import_id: str, now: datetime) -> StoredImport | None:
        """Returns an import that has not expired."""
        async with self._database.reading() as connection:
            return await find_import(connection, import_id, now)

    async def discard(self, import_id: str) -> None:
        """Drops a preview or an undo."""
        async with self._database.transaction() as connection:
            await delete_imports(connection, [import_id])

    async def delete_expired(self, now: datetime) -> None:
        """Drops what has expired; most calls write nothing."""
        async with self._database.reading() as connection:
            expired = await connection.scalars(_EXPIRED, _times(now))
        if expired:
            async with self._database.transaction() as connection:
                await delete_imports(connection, expired)

    async def apply(
        self,
        import_id: str,
        changes: Sequence[ChannelChange],
        channel_ids: Collection[int],
        quotas: Quotas,
        now: datetime,
    ) -> ApplyOutcome:
        """Applies a preview, all of it or nothing; `changes` are those that it showed.

        The settings of `channel_ids`, the channels in the file, must be those of the preview.
        """
        async with self._database.transaction() as connection:
            preview = await find_import(connection, import_id, now)
            if preview is None or preview.is_applied:
                return ImportGone()
            state = await read_state(connection, preview.guild_id, channel_ids)
            if state.fingerprint(channel_ids) != preview.seen:
                return SettingsDiffer()
            exceeded = exceeded_quota(changes, state, quotas)
            if exceeded is not None:
                return exceeded[1]
            await write_changes(connection, preview, changes, now)
            after = await read_state(connection, preview.guild_id, channel_ids)
            undo_until = now + UNDO_KEPT
            seen = after.fingerprint(change.channel_id for change in changes)
            await turn_into_undo(connection, preview, changes, {"seen": seen, "expires_at": undo_until})
            await delete_oldest(connection, preview.guild_id, UNDOS_PER_SERVER, is_applied=True)
        self._on_change()
        return ImportApplied(undo_until)

    async def undo(self, import_id: str, now: datetime) -> UndoOutcome:
        """Restores the settings before an import, unless they have changed since then."""
        async with self._database.transaction() as connection:
            applied = await find_import(connection, import_id, now)
            if applied is None or not applied.is_applied:
                return ImportGone()
            undos = await asyncio.to_thread(read_undo, applied.content)
            channel_ids = [undo.channel_id for undo in undos]
            state = await read_state(connection, applied.guild_id, channel_ids)
            if state.fingerprint(channel_ids) != applied.seen:
                return SettingsDiffer()
            await restore(connection, import_id, undos, now)
            await delete_imports(connection, [import_id])
        self._on_change()
        return ImportUndone(len(undos))


def _times(now: datetime) -> dict[str, datetime]:
    return {"now": now, "latest": now + UNDO_KEPT}
