"""The servers that the bot is in, or left recently: which of them are new and get a greeting.

The servers of the first start are known from then on. A server is recorded before it is greeted, so that it is never
greeted twice; a crash in between leaves it without a greeting.
"""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

import aiosqlite

from bot.store.codecs import to_datetime, to_text
from bot.store.database import Database

# How long a server that removed the bot stays known: adding the bot again within this time causes no greeting.
LEFT_GUILD_KEPT: Final = timedelta(days=30)
_NAME: Final = "known servers"

# When the bot left each server; None while it is in it.
_Known = dict[int, datetime | None]


class KnownGuilds:
    """The known servers, stored as a single value."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def replace(self, guild_ids: Collection[int], now: datetime) -> tuple[int, ...]:
        """Records all servers that the bot is in; returns the new ones, none at the first time."""
        async with self._database.transaction() as connection:
            known = await _read(connection, now)
            new = () if known is None else tuple(guild_id for guild_id in guild_ids if guild_id not in known)
            left = {guild_id: left_at or now for guild_id, left_at in (known or {}).items()}
            await _write(connection, left | dict.fromkeys(guild_ids))
        return new

    async def add(self, guild_id: int, now: datetime) -> bool:
        """Records that the bot is in a server; returns whether it is new, never before `replace` was called once."""
        async with self._database.transaction() as connection:
            known = await _read(connection, now)
            if known is None:
                return False
            await _write(connection, known | {guild_id: None})
            return guild_id not in known

    async def remove(self, guild_id: int, now: datetime) -> None:
        """Records that the bot left a server."""
        async with self._database.transaction() as connection:
            known = await _read(connection, now)
            if known is not None:
                await _write(connection, known | {guild_id: now})


async def _read(connection: aiosqlite.Connection, now: datetime) -> _Known | None:
    """Returns the known servers without those that were left long ago; None if none were ever recorded."""
    rows = list(await connection.execute_fetchall("SELECT value FROM key_values WHERE name = ?", (_NAME,)))
    if not rows:
        return None
    stored: dict[str, str | None] = json.loads(rows[0]["value"])
    known = {
        int(guild_id): None if left_at is None else min(now, to_datetime(left_at))  # the clock may have been ahead
        for guild_id, left_at in stored.items()
    }
    return {guild_id: left for guild_id, left in known.items() if left is None or now - left < LEFT_GUILD_KEPT}


async def _write(connection: aiosqlite.Connection, known: Mapping[int, datetime | None]) -> None:
    stored = {str(guild_id): None if left_at is None else to_text(left_at) for guild_id, left_at in known.items()}
    await connection.execute(
        "INSERT INTO key_values (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        (_NAME, json.dumps(stored)),
    )
