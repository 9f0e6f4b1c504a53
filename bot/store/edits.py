"""The posted messages that are to be edited, or published to an announcement channel's followers.

Edits are requested by changed papers, polls and trending lists (`effects`). A finished edit leaves no row.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from bot.domain.post import Post
from bot.store.clock_repair import no_wait, times_of_waits
from bot.store.columns import Text, Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.expressions import listed
from bot.store.posts import read_posts
from bot.store.schema import channels, edits, found_papers, outbox, posts

# How long after posting a message is edited for new versions of its papers.
EDITED_FOR: Final = timedelta(days=30)
# How many messages are read at once, with their papers.
EDITS_READ_MAX: Final = 50

_LIMIT: Final = sa.bindparam("limit", type_=sa.Integer)
# The messages in `edits` that are too old to be edited, or deleted. It looks at no other message.
_EXPIRED: Final = (
    sa.select(edits.c.post_key)
    .join_from(edits, posts, posts.c.key == edits.c.post_key)
    .where(
        sa.or_(
            posts.c.settled_at <= sa.bindparam("expired", type_=Utc),
            sa.and_(posts.c.settled_at.is_not(None), posts.c.message_id.is_(None)),
        )
    )
)
_IS_KNOWN: Final = sa.exists().where(
    outbox.c.post_key == found_papers.c.post_key, outbox.c.arxiv_id == found_papers.c.arxiv_id
)
_IS_INCOMPLETE: Final = sa.exists().where(
    found_papers.c.post_key == edits.c.post_key, ~_IS_KNOWN.correlate_except(outbox)
)
_DUE: Final = (
    sa.select(edits.c.post_key, edits.c.request_count)
    .join_from(edits, posts, posts.c.key == edits.c.post_key)
    .join(channels, channels.c.channel_id == posts.c.channel_id)
    .where(
        posts.c.settled_at.is_not(None),
        no_wait(edits.c.not_before),
        channels.c.blocked_reason.is_(None),
        ~_IS_INCOMPLETE.correlate_except(found_papers),
    )
    .order_by(posts.c.settled_at, posts.c.key)
    .limit(_LIMIT)
)
_later: Final = posts.alias()
_HELD_BACK: Final = sa.select(_later.c.channel_id).where(
    _later.c.publish_at.is_not(None), ~no_wait(_later.c.publish_at)
)
_TO_PUBLISH: Final = (
    sa.select(posts)
    .where(posts.c.publish_at.is_not(None), no_wait(posts.c.publish_at), posts.c.channel_id.not_in(_HELD_BACK))
    .order_by(posts.c.settled_at, posts.c.key)
    .limit(_LIMIT)
)


@dataclass(frozen=True, slots=True)
class Edit:
    """A message to be edited, and how often that was requested."""

    post: Post
    request_count: int


class Edits:
    """The pending edits and publications of posted messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, now: datetime, limit: int = EDITS_READ_MAX) -> tuple[Edit, ...]:
        """Returns the messages to be edited now, oldest first, at most `limit`; drops requests for old, deleted ones.

        Unsettled messages and those of blocked channels wait, and found messages with papers that are not known yet:
        they would lose these papers. Without a request for an edit, nothing is written, and no other table is read.
        """
        async with self._database.reading() as connection:
            if await connection.first(sa.select(edits.c.post_key).limit(1)) is None:
                return ()
            expired = await connection.scalars(_EXPIRED, {"expired": now - EDITED_FOR})
        if expired:
            async with self._database.transaction() as connection:
                await connection.write(sa.delete(edits).where(edits.c.post_key.in_(listed(expired, Text))))
        async with self._database.reading() as connection:
            requests = await connection.all(_DUE, {**times_of_waits(now), "limit": limit})
            by_key = await _read_by_key(connection, [request.post_key for request in requests])
        return tuple(Edit(by_key[request.post_key], request.request_count) for request in requests)

    async def done(self, edit: Edit) -> None:
        """Removes a finished edit, unless it was requested again in the meantime."""
        async with self._database.transaction() as connection:
            await connection.write(
                sa.delete(edits).where(edits.c.post_key == edit.post.key, edits.c.request_count == edit.request_count)
            )

    async def postpone(self, edit: Edit, not_before: datetime, *, now: datetime) -> None:
        """Postpones an edit from `now` until `not_before`."""
        async with self._database.transaction() as connection:
            await connection.write(
                sa.update(edits).where(edits.c.post_key == edit.post.key).values(not_before=not_before, waits_since=now)
            )

    async def to_publish(self, now: datetime, limit: int = EDITS_READ_MAX) -> tuple[Post, ...]:
        """Returns the messages to be published to followers now, oldest first, at most `limit`.

        A postponed message holds back the later ones of its channel.
        """
        async with self._database.reading() as connection:
            rows = await connection.all(_TO_PUBLISH, {**times_of_waits(now), "limit": limit})
            return await read_posts(connection, rows)

    async def published(self, post: Post) -> None:
        """Records that the message is published, or never will be."""
        async with self._database.transaction() as connection:
            await connection.write(sa.update(posts).where(posts.c.key == post.key).values(publish_at=None))

    async def postpone_publishing(self, post: Post, not_before: datetime, *, now: datetime) -> None:
        """Postpones a publication from `now` until `not_before`."""
        async with self._database.transaction() as connection:
            await connection.write(
                sa.update(posts).where(posts.c.key == post.key).values(publish_at=not_before, waits_since=now)
            )


async def _read_by_key(connection: Connection, keys: list[str]) -> dict[str, Post]:
    rows = await connection.all(sa.select(posts).where(posts.c.key.in_(listed(keys, Text))))
    return {post.key: post for post in await read_posts(connection, rows)}
