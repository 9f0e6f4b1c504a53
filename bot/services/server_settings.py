"""Exports the settings of a server as a file, and imports such files: preview, apply, undo.

It never checks permissions, and never knows whether a channel exists: the cogs do that before they call it.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from bot.config import LimitsSettings
from bot.domain.server_settings.changes import ChannelChange, changes_of, exceeded_quota
from bot.domain.server_settings.model import SettingsFile
from bot.domain.server_settings.reading import read_settings_file
from bot.domain.server_settings.undoing import read_undo
from bot.domain.server_settings.writing import file_text, settings_document
from bot.domain.subscription import QuotaExceeded, Quotas
from bot.runtime.clock import Clock
from bot.store.import_rows import StoredImport
from bot.store.server_settings import (
    PREVIEW_KEPT,
    ApplyOutcome,
    ImportApplied,
    ImportGone,
    ImportUndone,
    ServerSettingsStore,
    SettingsDiffer,
    UndoOutcome,
)

__all__ = [
    "ImportApplied",
    "ImportGone",
    "ImportPlan",
    "ImportUndone",
    "ServerSettingsService",
    "SettingsDiffer",
    "StoredImport",
]

log = logging.getLogger(__name__)

# How often expired previews and undos are deleted.
EXPIRY_INTERVAL_S: Final = 600.0
# A file can have a thousand expressions, which take seconds: one file at a time.
_READING: Final = ThreadPoolExecutor(1, thread_name_prefix="settings-file")


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would change now, the fingerprint of the settings, and the quota that it would exceed, if any."""

    file: SettingsFile
    changes: tuple[ChannelChange, ...]
    seen: str
    exceeded: tuple[ChannelChange, QuotaExceeded] | None


class ServerSettingsService:
    """Exports and imports; `on_change` wakes the loops whose next work depends on settings and keywords."""

    def __init__(
        self, store: ServerSettingsStore, clock: Clock, limits: LimitsSettings, on_change: Callable[[], None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._quotas = Quotas(limits.keywords_per_channel, limits.keywords_per_server)
        self._on_change = on_change

    async def run(self) -> None:
        """Deletes expired previews and undos, also while no one imports anything."""
        while True:
            await self._store.delete_expired(self._clock.now())
            await self._clock.sleep(EXPIRY_INTERVAL_S)

    async def configured(self, guild_id: int, channel_ids: Collection[int]) -> Collection[int]:
        """The channels of a server that have settings or keywords; `channel_ids` are those that Discord lists."""
        return (await self._store.read(guild_id, channel_ids)).channels.keys()

    async def export(self, guild_id: int, names: Mapping[int, str]) -> str:
        """The text of a settings file with these channels."""
        state, now = await self._store.read(guild_id, names.keys()), self._clock.now()
        return await asyncio.to_thread(
            lambda: file_text(settings_document(state, names, server_id=guild_id, exported_at=now))
        )

    async def read_file(self, content: bytes) -> SettingsFile:
        """The content of a settings file; raises InvalidSettingsFile."""
        now, most = self._clock.now(), self._quotas.per_server
        return await asyncio.get_running_loop().run_in_executor(
            _READING, lambda: read_settings_file(content, now, most)
        )

    async def plan(self, file: SettingsFile, guild_id: int, *, removes: bool) -> ImportPlan:
        """What an import would change now."""
        state, now = await self._store.read(guild_id, file.channel_ids), self._clock.now()

        def planned() -> ImportPlan:
            changes = changes_of(file, state, now, removes=removes)
            seen = state.fingerprint(file.channel_ids)
            return ImportPlan(file, changes, seen, exceeded_quota(changes, state, self._quotas))

        return await asyncio.to_thread(planned)

    async def add_preview(self, plan: ImportPlan, content: bytes, guild_id: int, user_id: int, *, removes: bool) -> str:
        """Stores a preview, so that it can be applied, also after a restart; returns its id."""
        now = self._clock.now()
        preview = StoredImport(
            id=secrets.token_hex(8),
            guild_id=guild_id,
            user_id=user_id,
            created_at=now,
            expires_at=now + PREVIEW_KEPT,
            is_applied=False,
            removes=removes,
            seen=plan.seen,
            content=content.decode("utf-8-sig"),
        )
        await self._store.add_preview(preview, now)
        return preview.id

    async def find(self, import_id: str) -> StoredImport | None:
        """A preview or an undo that has not expired."""
        return await self._store.find(import_id, self._clock.now())

    async def discard(self, import_id: str) -> None:
        """Drops a preview."""
        await self._store.discard(import_id)

    async def apply(self, import_id: str, plan: ImportPlan) -> ApplyOutcome:
        """Applies a preview, unless the settings have changed since then."""
        outcome = await self._store.apply(
            import_id, plan.changes, plan.file.channel_ids, self._quotas, self._clock.now()
        )
        if isinstance(outcome, ImportApplied):
            log.info("settings imported", extra={"channels": len(plan.changes)})
            self._on_change()
        return outcome

    async def undo_channels(self, undo: StoredImport) -> tuple[int, ...]:
        """The channels that an undo changes."""
        return tuple(each.channel_id for each in await asyncio.to_thread(read_undo, undo.content))

    async def undo(self, import_id: str) -> UndoOutcome:
        """Restores the settings before an import, unless they have changed since then."""
        outcome = await self._store.undo(import_id, self._clock.now())
        if isinstance(outcome, ImportUndone):
            log.info("import undone", extra={"channels": outcome.channels})
            self._on_change()
        return outcome
