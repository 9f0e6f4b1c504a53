"""The servers that the bot is in, or left recently: which of them are new and get a greeting.

The servers of the first start are known from then on. A server is recorded before it is greeted, so that it is never
greeted twice; a crash in between leaves it without a greeting.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.store.columns import Id, Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.expressions import listed
from bot.store.schema import key_values, known_guilds

# How long a server that removed the bot stays known: adding the bot again within this time causes no greeting.
LEFT_GUILD_KEPT: Final = timedelta(days=30)

# The name of a single value, which is set once the servers of the first start are recorded.
_RECORDED: Final = "known servers"
_NOW: Final = sa.bindparam("now", type_=Utc)
_GUILD: Final = sa.bindparam("guild", type_=Id)
_IS_RECORDED: Final = sa.select(sa.exists().where(key_values.c.name == _RECORDED))
_SET_RECORDED: Final = (
    insert(key_values).values(name=_RECORDED, value="recorded").on_conflict_do_nothing(index_elements=["name"])
)
_FORGET: Final = sa.delete(known_guilds).where(known_guilds.c.left_at <= sa.bindparam("forgotten", type_=Utc))
# The clock may have been ahead.
_CORRECT: Final = sa.update(known_guilds).where(known_guilds.c.left_at > _NOW).values(left_at=_NOW)
_LEAVE: Final = sa.update(known_guilds).where(known_guilds.c.left_at.is_(None)).values(left_at=_NOW)


class KnownGuilds:
    """The known servers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def replace(self, guild_ids: Collection[int], now: datetime) -> tuple[int, ...]:
        """Records all servers that the bot is in; returns the new ones, none at the first time."""
        async with self._database.transaction() as connection:
            is_first = not await connection.scalar(_IS_RECORDED)
            await connection.write(_SET_RECORDED)
            await _forget(connection, now)
            new = await _write(connection, guild_ids)
            await connection.write(_LEAVE.where(known_guilds.c.guild_id.not_in(listed(guild_ids, Id))), {"now": now})
        return () if is_first else tuple(guild_id for guild_id in guild_ids if guild_id in new)

    async def add(self, guild_id: int, now: datetime) -> bool:
        """Records that the bot is in a server; returns whether it is new, never before `replace` was called once."""
        async with self._database.transaction() as connection:
            if not await connection.scalar(_IS_RECORDED):
                return False
            await _forget(connection, now)
            return guild_id in await _write(connection, [guild_id])

    async def remove(self, guild_id: int, now: datetime) -> None:
        """Records that the bot left a server."""
        async with self._database.transaction() as connection:
            if await connection.scalar(_IS_RECORDED):
                left = insert(known_guilds).values(guild_id=_GUILD, left_at=_NOW)
                await connection.write(
                    left.on_conflict_do_update(index_elements=["guild_id"], set_={"left_at": left.excluded.left_at}),
                    {"guild": guild_id, "now": now},
                )


async def _forget(connection: Connection, now: datetime) -> None:
    """Deletes the servers that were left long ago."""
    await connection.write(_CORRECT, {"now": now})
    await connection.write(_FORGET, {"forgotten": now - LEFT_GUILD_KEPT})


async def _write(connection: Connection, guild_ids: Collection[int]) -> set[int]:
    """Records that the bot is in these servers; returns those that were unknown."""
    known = set(
        await connection.scalars(
            sa.select(known_guilds.c.guild_id).where(known_guilds.c.guild_id.in_(listed(guild_ids, Id)))
        )
    )
    present = insert(known_guilds).from_select(["guild_id"], listed(guild_ids, Id).where(sa.true()))
    await connection.write(
        present.on_conflict_do_update(
            index_elements=["guild_id"], set_={"left_at": None}, where=known_guilds.c.left_at.is_not(None)
        )
    )
    return {guild_id for guild_id in guild_ids if guild_id not in known}
