"""Messages of the bot that were found in a channel and that the database does not have: their papers count as posted.

How far each channel's history was read is stored with them.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.domain.found import FoundMessage, HistoryPage
from bot.store.column_types import Id, Text
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.effects import count_papers_as_posted
from bot.store.expressions import listed
from bot.store.message_search import MESSAGE_TABLES, record_page
from bot.store.schema import (
    channel_settings,
    found_papers,
    histories,
    posts,
    subscriptions,
    trending_posts,
)

_CHANNEL: Final = sa.bindparam("channel", type_=Id)
# The known messages of a channel. The key of a found message is stored as its nonce.
_KNOWN: Final = sa.union_all(
    sa.select(histories.c.read_until.label("id")).where(histories.c.channel_id == _CHANNEL),
    sa.select(sa.func.max(posts.c.message_id)).where(
        posts.c.channel_id == _CHANNEL, posts.c.message_id.is_not(None), posts.c.nonce != posts.c.key
    ),
    sa.select(sa.func.max(trending_posts.c.message_id)).where(
        trending_posts.c.channel_id == _CHANNEL, trending_posts.c.nonce != trending_posts.c.key
    ),
).subquery()
_READ_UNTIL: Final = sa.select(sa.func.max(_KNOWN.c.id))
_SINCE: Final = sa.union_all(
    sa.select(subscriptions.c.added_at.label("since")).where(subscriptions.c.channel_id == _CHANNEL),
    sa.select(channel_settings.c.trending_since).where(channel_settings.c.channel_id == _CHANNEL),
).subquery()
_SUBSCRIBED_SINCE: Final = sa.select(sa.func.min(_SINCE.c.since))

_INSERT_HISTORY: Final = insert(histories)
_RECORD_HISTORY: Final = _INSERT_HISTORY.on_conflict_do_update(
    index_elements=[histories.c.channel_id],
    set_={"read_until": sa.func.greatest(histories.c.read_until, _INSERT_HISTORY.excluded.read_until)},
)
_INSERT_POST: Final = insert(posts).on_conflict_do_nothing(index_elements=[posts.c.key])
_INSERT_PAPERS: Final = insert(found_papers).on_conflict_do_nothing(
    index_elements=[found_papers.c.channel_id, found_papers.c.arxiv_id]
)
_INSERT_TRENDING_POST: Final = insert(trending_posts)
# It replaces an unsettled one of the same day, which was released since.
_RECORD_TRENDING_POST: Final = _INSERT_TRENDING_POST.on_conflict_do_update(
    index_elements=[trending_posts.c.channel_id, trending_posts.c.day],
    set_={
        name: _INSERT_TRENDING_POST.excluded[name] for name in ("key", "nonce", "message_id", "thread_id", "settled_at")
    },
    where=trending_posts.c.settled_at.is_(None),
)


class FoundMessages:
    """What is known about the messages in the channels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read_until(self, channel_id: int) -> int | None:
        """Returns the last message id of the channel that is known; None if none is.

        Of the messages that were found, `histories` knows better: in a forum, older ones may still be unread.
        """
        async with self._database.reading() as connection:
            found: int | None = await connection.scalar(_READ_UNTIL, {"channel": channel_id})
        return found

    async def subscribed_since(self, channel_id: int) -> datetime | None:
        """Returns since when the channel has had subscriptions or trending lists; None if it has none."""
        async with self._database.reading() as connection:
            since: datetime | None = await connection.scalar(_SUBSCRIBED_SINCE, {"channel": channel_id})
        return since

    async def unknown(self, messages: Collection[FoundMessage]) -> tuple[FoundMessage, ...]:
        """Returns those of the messages that the database does not have."""
        keys = [message.key for message in messages]
        stored = (sa.select(table.c.key).where(table.c.key.in_(listed(keys, Text))) for table in MESSAGE_TABLES)
        async with self._database.reading() as connection:
            known = frozenset(await connection.scalars(sa.union_all(*stored)))
        return tuple(message for message in messages if message.key not in known)

    async def record(self, channel_id: int, page: HistoryPage, start: int, unknown: Collection[FoundMessage]) -> None:
        """Records the page of the history after `start`, and the unknown messages in it as delivered."""
        async with self._database.transaction() as connection:
            for table in MESSAGE_TABLES:
                await record_page(connection, table, channel_id, page, start)
            for message in unknown:
                if message.day is None:
                    await _record_post(connection, channel_id, message)
                else:
                    await _record_trending_post(connection, channel_id, message)
            await connection.write(_RECORD_HISTORY, {"channel_id": channel_id, "read_until": page.read_until})


async def _record_post(connection: Connection, channel_id: int, message: FoundMessage) -> None:
    """Records a post, and settles the outbox rows of its papers; `effects` settles those that are added later.

    Its nonce is unknown, so that its key is stored as the nonce; no message of this bot has such a nonce. Which roles
    earlier messages of its batch pinged is unknown, too.
    """
    await connection.write(
        _INSERT_POST,
        {
            "key": message.key,
            "channel_id": channel_id,
            "nonce": message.key,
            "layout": message.layout.value,
            "heading": message.headline,
            "mention_role": message.mention_role,
            "keyword_roles": tuple(map(str, message.keyword_roles)),
            "thread_id": message.thread_id,
            "first_attempt": message.sent_at,
            "last_attempt": message.sent_at,
            "message_id": message.message_id,
            "settled_at": message.sent_at,
            "discussion": None if message.discussion is None else message.discussion.value,
        },
    )
    await connection.write(
        _INSERT_PAPERS,
        [{"channel_id": channel_id, "arxiv_id": arxiv_id, "post_key": message.key} for arxiv_id in message.arxiv_ids],
    )
    await count_papers_as_posted(connection, channel_id, message.arxiv_ids)


async def _record_trending_post(connection: Connection, channel_id: int, message: FoundMessage) -> None:
    """Records a trending post."""
    await connection.write(
        _RECORD_TRENDING_POST,
        {
            "channel_id": channel_id,
            "day": None if message.day is None else message.day.isoformat(),
            "min_votes": 0,
            "key": message.key,
            "nonce": message.key,
            "first_attempt": message.sent_at,
            "last_attempt": message.sent_at,
            "message_id": message.message_id,
            "thread_id": message.thread_id,
            "settled_at": message.sent_at,
        },
    )
