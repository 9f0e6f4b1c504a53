"""Reads a server's settings, and writes what an import changes or an undo restores.

Every function runs within the caller's transaction. It decides nothing.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.server_settings.changes import ChannelChange
from bot.domain.server_settings.model import ChannelState, ServerState, StoredKeyword
from bot.domain.server_settings.undoing import ChannelUndo
from bot.domain.subscription import Source
from bot.store.channel_settings import replace_settings, to_settings
from bot.store.column_types import Id, Text
from bot.store.connection import Connection
from bot.store.expressions import listed, listed_rows
from bot.store.import_rows import StoredImport
from bot.store.schema import channel_settings, channels, import_removals, keywords, subscriptions
from bot.store.subscription_writes import (
    add_all_by_command,
    drop_source,
    restore_by_command,
    set_roles,
    spelling_of,
    write_channel,
)

_KEYWORDS: Final = sa.select(
    subscriptions.c.channel_id,
    subscriptions.c.shown,
    subscriptions.c.by_file,
    subscriptions.c.by_command,
    subscriptions.c.added_by,
    subscriptions.c.added_at,
    subscriptions.c.mention_role,
    keywords.c.canonical,
).join_from(subscriptions, keywords, subscriptions.c.keyword_id == keywords.c.id)
_CHANNELS_OF_GUILD: Final = sa.select(channels.c.channel_id).where(
    channels.c.guild_id == sa.bindparam("guild", type_=Id)
)
_SETTINGS: Final = sa.select(channel_settings)
_REMOVALS: Final = sa.select(import_removals).where(
    import_removals.c.import_id == sa.bindparam("import_id", type_=Text)
)


async def read_state(connection: Connection, guild_id: int, channel_ids: Collection[int]) -> ServerState:
    """Returns what is stored for the channels of a server.

    `channel_ids` are channels of the server whose server may not be recorded: settings alone do not record it.
    """
    ids = await connection.scalars(_CHANNELS_OF_GUILD, {"guild": guild_id})
    listed_ids = listed({*ids, *channel_ids}, Id)
    stored = await connection.all(_KEYWORDS.where(subscriptions.c.channel_id.in_(listed_ids)))
    settings = await connection.all(_SETTINGS.where(channel_settings.c.channel_id.in_(listed_ids)))
    return await asyncio.to_thread(_to_state, stored, settings)


def _to_state(stored: Iterable[sa.Row[Any]], settings: Iterable[sa.Row[Any]]) -> ServerState:
    by_channel: dict[int, dict[str, StoredKeyword]] = {}
    for row in stored:
        keyword = StoredKeyword(
            row.canonical, row.shown, row.by_file, row.by_command, row.added_by, row.added_at, row.mention_role
        )
        by_channel.setdefault(row.channel_id, {})[row.canonical] = keyword
    found = {row.channel_id: to_settings(row) for row in settings}
    default = ChannelState()
    return ServerState(
        {
            channel_id: ChannelState(found.get(channel_id, default.settings), by_channel.get(channel_id, {}))
            for channel_id in sorted({*by_channel, *found})
        }
    )


async def write_changes(
    connection: Connection, preview: StoredImport, changes: Sequence[ChannelChange], now: datetime
) -> None:
    """Applies the changes of a preview."""
    for change in changes:
        await write_channel(connection, change.channel_id, preview.guild_id)
        await replace_settings(connection, change.channel_id, change.after, now)
    removed = [(change.channel_id, each.canonical) for change in changes for each in change.removed]
    await _drop(connection, removed)
    added = [(change.channel_id, keyword) for change in changes for keyword in change.added]
    if added:
        await add_all_by_command(connection, added, preview.user_id, now)
    await _respell(
        connection,
        {(change.channel_id, old.canonical): new.text for change in changes for old, new in change.respelled},
    )
    roles = {(change.channel_id, each.canonical): each.after for change in changes for each in change.roles}
    if roles:
        await set_roles(connection, roles)


async def restore(connection: Connection, import_id: str, undos: Sequence[ChannelUndo], now: datetime) -> None:
    """Restores what an import changed."""
    await _drop(connection, [(undo.channel_id, canonical) for undo in undos for canonical in undo.added])
    removals = await connection.all(_REMOVALS, {"import_id": import_id})
    names = ("channel_id", "canonical", "shown", "added_by", "added_at")
    if removals:
        await restore_by_command(connection, [{name: getattr(row, name) for name in names} for row in removals])
    await _respell(
        connection,
        {(undo.channel_id, canonical): shown for undo in undos for canonical, shown in undo.respelled.items()},
    )
    roles = {(undo.channel_id, canonical): role for undo in undos for canonical, role in undo.roles.items()}
    if roles:
        await set_roles(connection, roles)
    for undo in undos:
        await replace_settings(connection, undo.channel_id, undo.settings, now)


async def _rows(connection: Connection, pairs: Iterable[tuple[int, str]]) -> Sequence[sa.Row[Any]]:
    """Returns the subscriptions of these channels to these keywords."""
    wanted = listed_rows(
        [{"channel_id": channel_id, "canonical": canonical} for channel_id, canonical in pairs],
        {"channel_id": Id, "canonical": Text},
    )
    column = subscriptions.c
    return await connection.all(
        sa.select(column.channel_id, column.keyword_id, column.by_file, column.by_command, keywords.c.canonical)
        .select_from(wanted)
        .join(keywords, keywords.c.canonical == wanted.c.canonical)
        .join(
            subscriptions,
            sa.and_(column.channel_id == wanted.c.channel_id, column.keyword_id == keywords.c.id),
        )
    )


async def _drop(connection: Connection, pairs: Sequence[tuple[int, str]]) -> None:
    if pairs:
        await drop_source(connection, Source.COMMAND, await _rows(connection, pairs))


async def _respell(connection: Connection, spellings: Mapping[tuple[int, str], str]) -> None:
    if not spellings:
        return
    rows = await _rows(connection, spellings)
    respelled = await asyncio.to_thread(
        lambda: [
            {
                "channel_id": row.channel_id,
                "keyword_id": row.keyword_id,
                **spelling_of(spellings[row.channel_id, row.canonical], row.canonical),
            }
            for row in rows
        ]
    )
    values = listed_rows(respelled, {"channel_id": Id, "keyword_id": Id, "shown": Text, "label": Text})
    is_respelled = sa.and_(
        subscriptions.c.channel_id == values.c.channel_id, subscriptions.c.keyword_id == values.c.keyword_id
    )
    await connection.write(
        sa.update(subscriptions).where(is_respelled).values(shown=values.c.shown, label=values.c.label)
    )
