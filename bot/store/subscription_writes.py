"""Writes subscriptions, many at once: a settings file can have 10,000 of them.

Every function runs within the caller's transaction.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert

from bot.domain.expressions.keywords import stored_keyword
from bot.domain.keyword import Keyword
from bot.domain.subscription import Source
from bot.store.column_types import Flag, Id, Text, Utc
from bot.store.connection import Connection
from bot.store.expressions import listed, listed_rows
from bot.store.outbox import drop_unmatched
from bot.store.schema import channel_settings, channels, keywords, outbox, subscriptions
from bot.store.schema.posts import IS_WAITING
from bot.store.subscription_queries import sources_of

_HAS_SUBSCRIPTION: Final = sa.exists().where(subscriptions.c.keyword_id == keywords.c.id).correlate(keywords)
_WITHOUT: Final[Mapping[Source, dict[str, bool | None]]] = {
    Source.FILE: {"by_file": False},
    Source.COMMAND: {"by_command": False, "added_by": None},
}


async def write_channels(connection: Connection, channel_ids: Iterable[int]) -> None:
    """Stores those of these channels that are unknown; their servers are unknown too."""
    listed_ids = listed(channel_ids, Id).where(sa.true())
    await connection.write(
        insert(channels).from_select(["channel_id"], listed_ids).on_conflict_do_nothing(index_elements=["channel_id"])
    )


async def write_channel(connection: Connection, channel_id: int, guild_id: int) -> None:
    """Stores a channel with its server."""
    inserted = insert(channels).values(channel_id=channel_id, guild_id=guild_id)
    await connection.write(
        inserted.on_conflict_do_update(
            index_elements=["channel_id"],
            set_={"guild_id": inserted.excluded.guild_id},
            where=channels.c.guild_id.is_distinct_from(inserted.excluded.guild_id),
        )
    )


async def add_by_command(
    connection: Connection, channel_id: int, added: Collection[Keyword], added_by: int, now: datetime
) -> None:
    """Subscribes a channel to these keywords by command; the channel must be stored."""
    await add_all_by_command(connection, [(channel_id, keyword) for keyword in added], added_by, now)


async def add_all_by_command(
    connection: Connection, added: Iterable[tuple[int, Keyword]], added_by: int, now: datetime
) -> None:
    """Subscribes channels to keywords by command; the channels must be stored."""
    rows = [_row(channel_id, keyword) for channel_id, keyword in added]
    source = _source(now, by_command=True, added_by=added_by)
    await _write_keywords(connection, rows)
    inserted = _insert(rows, source)
    await connection.write(
        inserted.on_conflict_do_update(
            index_elements=["channel_id", "keyword_id"],
            set_={"by_command": sa.true(), "added_by": inserted.excluded.added_by},
            where=~subscriptions.c.by_command,
        )
    )


async def add_by_file(connection: Connection, added: Iterable[tuple[int, Keyword]], now: datetime) -> None:
    """Subscribes channels to keywords by the settings file; the channels must be stored."""
    rows = [_row(channel_id, keyword) for channel_id, keyword in added]
    if not rows:
        return
    source = _source(now, by_command=False, added_by=None)
    await _write_keywords(connection, rows)
    await connection.write(
        _insert(rows, source).on_conflict_do_update(
            index_elements=["channel_id", "keyword_id"], set_={"by_file": sa.true()}
        )
    )


async def restore_by_command(connection: Connection, rows: Sequence[Mapping[str, int | str | datetime | None]]) -> None:
    """Adds subscriptions again as they were; `rows` have the columns of `import_removals` without the import."""
    spelled = await asyncio.to_thread(
        lambda: [{**row, **spelling_of(str(row["shown"]), str(row["canonical"]))} for row in rows]
    )
    await _write_keywords(connection, spelled)
    kinds: dict[str, sa.types.TypeEngine[Any]] = {
        "channel_id": Id,
        "canonical": Text,
        "shown": Text,
        "label": Text,
        "added_by": Id,
        "added_at": Utc(),
    }
    restored = listed_rows(spelled, kinds)
    column = restored.c
    flags = {"by_file": sa.literal(False, Flag), "by_command": sa.literal(True, Flag)}
    new = sa.select(
        column.channel_id, keywords.c.id, column.shown, column.label, column.added_by, column.added_at, *flags.values()
    ).where(keywords.c.canonical == column.canonical)
    names = ["channel_id", "keyword_id", "shown", "label", "added_by", "added_at", *flags]
    await connection.write(insert(subscriptions).from_select(names, new))


async def drop_source(connection: Connection, source: Source, rows: Collection[sa.Row[Any]]) -> int:
    """Removes a source of subscriptions; returns how many of them ended because it was the only one.

    `rows` have the ids of the channel and the keyword, and the sources.
    """
    kept = [row for row in rows if sources_of(row) != {source}]
    ended = [row for row in rows if sources_of(row) == {source}]
    if kept:
        await connection.write(sa.update(subscriptions).where(_is_one_of(kept)).values(_WITHOUT[source]))
    if ended:
        await _end(connection, ended)
    return len(ended)


async def _end(connection: Connection, ended: Collection[sa.Row[Any]]) -> None:
    """Ends subscriptions, and removes queued papers that no other keyword of their channel matches."""
    await connection.write(sa.delete(subscriptions).where(_is_one_of(ended)))
    for channel_id in await connection.scalars(_queues_of({row.channel_id for row in ended})):
        await drop_unmatched(connection, channel_id)
    keyword_ids = listed({row.keyword_id for row in ended}, Id)
    await connection.write(
        sa.update(keywords)
        .where(keywords.c.id.in_(keyword_ids), keywords.c.synced_until.is_not(None), ~_HAS_SUBSCRIPTION)
        .values(synced_until=None)
    )


def _queues_of(channel_ids: Collection[int]) -> sa.Select[int]:
    """Selects those of these channels that have a queue; the settings may end thousands of subscriptions."""
    in_channel = outbox.c.channel_id == channels.c.channel_id
    has_backlog = sa.and_(channel_settings.c.channel_id == channels.c.channel_id, channel_settings.c.backlog_pending)
    first_due = sa.select(sa.func.min(outbox.c.due_at)).where(IS_WAITING, in_channel).correlate(channels)
    has_queue = sa.or_(
        first_due.scalar_subquery().is_not(None),  # not EXISTS: PostgreSQL may read what waits in all channels
        sa.exists().where(has_backlog).correlate(channels),
    )
    listed_ids = listed(channel_ids, Id)
    return (
        sa.select(channels.c.channel_id)
        .where(channels.c.channel_id.in_(listed_ids), has_queue)
        .order_by(channels.c.channel_id)
    )


def _is_one_of(rows: Iterable[sa.Row[Any]]) -> sa.ColumnElement[bool]:
    pairs = listed_rows(
        [{"channel_id": row.channel_id, "keyword_id": row.keyword_id} for row in rows],
        {"channel_id": Id, "keyword_id": Id},
    )
    key = sa.tuple_(subscriptions.c.channel_id, subscriptions.c.keyword_id)
    return key.in_(sa.select(pairs.c.channel_id, pairs.c.keyword_id))


def _row(channel_id: int, keyword: Keyword) -> dict[str, int | str | None]:
    return {"channel_id": channel_id, "canonical": keyword.canonical, **_spelling(keyword.text, keyword)}


def spelling_of(text: str, canonical: str) -> dict[str, str | None]:
    """Returns what is stored of a spelling; parsing long expressions takes time."""
    return _spelling(text, stored_keyword(text, canonical))


def _spelling(text: str, keyword: Keyword) -> dict[str, str | None]:
    return {"shown": text, "label": None if keyword.label == text else keyword.label}


async def rename(connection: Connection, renamed: Iterable[tuple[int, Keyword]]) -> None:
    """Replaces how channels spell and show these keywords; they must subscribe to them."""
    for channel_id, keyword in renamed:
        row = _row(channel_id, keyword)
        keyword_id = sa.select(keywords.c.id).where(keywords.c.canonical == keyword.canonical).scalar_subquery()
        await connection.write(
            sa.update(subscriptions)
            .where(subscriptions.c.channel_id == channel_id, subscriptions.c.keyword_id == keyword_id)
            .values(shown=row["shown"], label=row["label"])
        )


async def set_roles(connection: Connection, roles: Mapping[tuple[int, str], int | None]) -> None:
    """Sets the roles of subscriptions, by channel and canonical form; those that do not exist are ignored."""
    wanted = listed_rows(
        [
            {"channel_id": channel_id, "canonical": canonical, "mention_role": role}
            for (channel_id, canonical), role in roles.items()
        ],
        {"channel_id": Id, "canonical": Text, "mention_role": Id},
    )
    await connection.write(
        sa.update(subscriptions)
        .where(
            keywords.c.canonical == wanted.c.canonical,
            subscriptions.c.channel_id == wanted.c.channel_id,
            subscriptions.c.keyword_id == keywords.c.id,
        )
        .values(mention_role=wanted.c.mention_role)
    )


async def _write_keywords(connection: Connection, rows: Collection[Mapping[str, int | str | datetime | None]]) -> None:
    """Stores the keywords. The first spelling of each stays while any channel subscribes to it."""
    first_rows = {row["canonical"]: row for row in reversed(list(rows))}
    spelled = listed_rows(reversed(first_rows.values()), {"canonical": Text, "shown": Text, "label": Text})
    new = sa.select(spelled.c.canonical, spelled.c.shown, spelled.c.label).where(sa.true())
    await connection.write(
        insert(keywords)
        .from_select(["canonical", "shown", "label"], new)
        .on_conflict_do_nothing(index_elements=["canonical"])
    )
    await connection.write(
        sa.update(keywords)
        .where(keywords.c.canonical == spelled.c.canonical, keywords.c.shown != spelled.c.shown, ~_HAS_SUBSCRIPTION)
        .values(shown=spelled.c.shown, label=spelled.c.label)
    )


def _source(now: datetime, *, by_command: bool, added_by: int | None) -> dict[str, sa.ColumnElement[Any]]:
    return {
        "by_file": sa.literal(not by_command, Flag),
        "by_command": sa.literal(by_command, Flag),
        "added_by": sa.literal(added_by, Id),
        "added_at": sa.literal(now, Utc),
    }


def _insert(rows: Collection[Mapping[str, int | str | None]], source: Mapping[str, sa.ColumnElement[Any]]) -> Insert:
    added = listed_rows(rows, {"channel_id": Id, "canonical": Text, "shown": Text, "label": Text})
    new = sa.select(added.c.channel_id, keywords.c.id, added.c.shown, added.c.label, *source.values()).where(
        keywords.c.canonical == added.c.canonical
    )
    return insert(subscriptions).from_select(["channel_id", "keyword_id", "shown", "label", *source], new)
