"""The outbox: the papers to be posted, bound to one message before it is sent, settled by Discord's answer.

`bind` creates a `Post` from entries. Every attempt sends exactly these entries, until the post is delivered, rejected,
or released because the message certainly does not exist.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from bot.domain.history import UNKNOWN_START, SearchStart
from bot.domain.keyword import Keyword
from bot.domain.outgoing import Delivered
from bot.domain.post import NO_HEADER, MessageHeader, OutboxEntry, Post
from bot.domain.posting_limit import PostingShare
from bot.store.binding import Binding, Settlement, bind_all, settle_all
from bot.store.channel_settings import NOT_PAUSED
from bot.store.clock_repair import MAY_SEND, times_of_waits
from bot.store.column_types import Id, Text, Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.effects import count_entries_as_posted, request_edit
from bot.store.expressions import listed
from bot.store.group_commit import GroupCommit
from bot.store.message_search import record_attempt, record_search
from bot.store.newest import EARLIEST, add_newest
from bot.store.papers import skip_withdrawn
from bot.store.posts import read_posts
from bot.store.schema import channel_settings, channels, found_papers, outbox, outbox_keywords, posts, subscriptions
from bot.store.schema.posts import IS_UNBOUND, IS_WAITING
from bot.store.withholding import announce_rest, last_post, unannounce_rest, withhold_excluded, withhold_rest

_CHANNEL: Final = sa.bindparam("channel", type_=Id)
_KEY: Final = sa.bindparam("post", type_=Text)
_AFTER: Final = sa.bindparam("after", type_=Utc)
_IS_OPEN: Final = posts.c.settled_at.is_(None)

# When the first waiting paper of a row's channel is due: one look into an index, however many papers wait.
_WAITING_SINCE: Final = (
    sa.select(sa.func.min(outbox.c.due_at))
    .where(IS_WAITING, outbox.c.channel_id == channels.c.channel_id)
    .correlate(channels)
)
_FIRST_DUE: Final = _WAITING_SINCE.scalar_subquery()
_SENDABLE: Final = sa.select(channels.c.channel_id, _FIRST_DUE.label("due")).where(MAY_SEND, NOT_PAUSED).subquery()
_DUE_CHANNELS: Final = (
    sa.select(_SENDABLE.c.channel_id)
    .where(
        sa.or_(
            _SENDABLE.c.due <= sa.bindparam("now", type_=Utc),
            sa.and_(
                _SENDABLE.c.due.is_not(None), _SENDABLE.c.channel_id.in_(sa.select(posts.c.channel_id).where(_IS_OPEN))
            ),
        )
    )
    .order_by(_SENDABLE.c.due, _SENDABLE.c.channel_id)
)
# A channel that waits until later than `after` is due then, whatever was due before; another with its next paper.
_NEXT: Final = (
    sa.select(
        channels.c.not_before,
        sa.case(
            (channels.c.not_before > _AFTER, _FIRST_DUE),
            else_=_WAITING_SINCE.where(outbox.c.due_at > _AFTER).scalar_subquery(),
        ).label("due"),
    )
    .where(NOT_PAUSED)
    .subquery()
)
_NEXT_DUE: Final = sa.select(
    sa.func.min(sa.func.greatest(_NEXT.c.due, sa.func.coalesce(_NEXT.c.not_before, _NEXT.c.due), type_=Utc), type_=Utc)
).where(_NEXT.c.due.is_not(None))
_UNBLOCKED: Final = sa.select(_FIRST_DUE.label("due")).where(channels.c.blocked_reason.is_(None), NOT_PAUSED).subquery()
_OLDEST_DUE: Final = sa.select(sa.func.min(_UNBLOCKED.c.due, type_=Utc))
_WAITING: Final = (
    sa.select(outbox.c.channel_id, sa.func.count().label("papers")).where(IS_WAITING).group_by(outbox.c.channel_id)
)
_OPEN_POST: Final = (
    sa.select(posts).where(posts.c.channel_id == _CHANNEL, _IS_OPEN).order_by(posts.c.first_attempt).limit(1)
)
_HAS_FOUND_PAPERS: Final = sa.select(
    sa.exists().where(
        outbox.c.post_key == _KEY,
        found_papers.c.channel_id == outbox.c.channel_id,
        found_papers.c.arxiv_id == outbox.c.arxiv_id,
    )
)

_REJECT: Final = (
    sa.update(outbox)
    .where(outbox.c.post_key == _KEY)
    .values(state="refused", rejection_reason=sa.bindparam("reason", type_=Text))
)
_RELEASE: Final = (
    sa.update(outbox)
    .where(outbox.c.post_key == _KEY)
    .values(post_key=None, alone=sa.or_(outbox.c.alone, sa.bindparam("is_alone", type_=outbox.c.alone.type)))
)

# The papers of a message that does not exist are not charged to the limit of its batch.
_GIVE_BACK: Final = (
    sa.update(channel_settings)
    .where(channel_settings.c.channel_id == _CHANNEL, channel_settings.c.papers_left.is_not(None))
    .values(papers_left=channel_settings.c.papers_left + sa.bindparam("papers", type_=sa.Integer))
)

_UNBOUND: Final = sa.select(outbox.c.id).where(IS_UNBOUND, outbox.c.channel_id == _CHANNEL)
# An unbound paper without a subscribed keyword leaves the queue. Where nothing waits any more, the next batch is not
# the backlog.
_DROP_UNMATCHED: Final = (
    sa.delete(outbox_keywords).where(
        outbox_keywords.c.outbox_id.in_(_UNBOUND),
        outbox_keywords.c.keyword_id.not_in(
            sa.select(subscriptions.c.keyword_id).where(subscriptions.c.channel_id == _CHANNEL)
        ),
    ),
    sa.delete(outbox).where(
        IS_UNBOUND, outbox.c.channel_id == _CHANNEL, ~sa.exists().where(outbox_keywords.c.outbox_id == outbox.c.id)
    ),
    sa.update(channel_settings)
    .where(channel_settings.c.channel_id == _CHANNEL, ~sa.exists().where(IS_WAITING, outbox.c.channel_id == _CHANNEL))
    .values(backlog_pending=False),
)


@dataclass(frozen=True, slots=True)
class RestWithheld:
    """How many papers exceeded a channel's limit, and whether the message that announces them is to be edited."""

    papers: int
    requests_edit: bool


class Outbox:
    """The papers that wait to be posted, and those that were.

    Messages of several channels are bound and settled in one transaction of `commits`.
    """

    def __init__(self, database: Database, commits: GroupCommit | None = None) -> None:
        self._database = database
        self._commits = commits or GroupCommit(database)

    async def due_channels(self, now: datetime) -> tuple[int, ...]:
        """Returns the channels with a paper that is due or bound and no reason to wait, the longest due first.

        It looks at one row per channel, however many papers wait.
        """
        async with self._database.reading() as connection:
            return tuple(await connection.scalars(_DUE_CHANNELS, times_of_waits(now)))

    async def next_due(self, after: datetime | None = None) -> datetime | None:
        """Returns when the next paper can be posted, later than `after`; None if none waits."""
        async with self._database.reading() as connection:
            due: datetime | None = await connection.scalar(_NEXT_DUE, {"after": EARLIEST if after is None else after})
        return due

    async def bind(
        self,
        channel_id: int,
        entries: Sequence[OutboxEntry],
        header: MessageHeader = NO_HEADER,
        *,
        key: str,
        nonce: str,
        now: datetime,
        search: SearchStart = UNKNOWN_START,
        share: PostingShare | None = None,
    ) -> Post | None:
        """Binds entries to a new message; returns None if one was removed or bound in the meantime.

        With `share`, the channel's limit is charged, and the last message of a batch announces what it withheld.
        """
        post = Post(
            key=key,
            channel_id=channel_id,
            nonce=nonce,
            first_attempt=now,
            last_attempt=now,
            entries=tuple(entries),
            header=header,
            search=search,
        )
        return await self._commits.write(bind_all, Binding(post, share))

    async def withhold_rest(self, channel_id: int, allowed: int, now: datetime) -> RestWithheld:
        """Withholds what is due after the first `allowed` papers.

        If no message follows, the channel's last one, which is the last of the batch, is edited to announce it.
        """
        async with self._database.transaction() as connection:
            withheld = await withhold_rest(connection, channel_id, allowed, now)
            key = await last_post(connection, channel_id) if withheld and not allowed else None
            if key is None:
                return RestWithheld(withheld, requests_edit=False)
            await announce_rest(connection, channel_id, key)
            await request_edit(connection, key)
            return RestWithheld(withheld, requests_edit=True)

    async def unsettled_post(self, channel_id: int) -> Post | None:
        """Returns the channel's message that may have been sent and is not settled, if there is one."""
        async with self._database.reading() as connection:
            row = await connection.first(_OPEN_POST, {"channel": channel_id})
            return None if row is None else (await read_posts(connection, [row]))[0]

    async def has_found_papers(self, post: Post) -> bool:
        """Whether another message with a paper of this one was found in the channel."""
        async with self._database.reading() as connection:
            return bool(await connection.scalar(_HAS_FOUND_PAPERS, {"post": post.key}))

    async def record_attempt(self, post: Post, now: datetime, attempted_at: datetime | None = None) -> None:
        """Records that the message is about to be sent again; `attempted_at` is the time by Discord's clock."""
        async with self._database.transaction() as connection:
            await record_attempt(connection, posts, post.key, now, attempted_at)

    async def record_search(self, post: Post, after: int) -> None:
        """Records that the history up to this message id does not contain the message."""
        async with self._database.transaction() as connection:
            await record_search(connection, posts, post.key, after)

    async def delivered(self, post: Post, delivered: Delivered, now: datetime) -> bool:
        """Settles the post as delivered; returns whether it is to be published to the channel's followers."""
        return await self._commits.write(settle_all, Settlement(post, delivered, now))

    async def rejected(self, post: Post, reason: str, now: datetime) -> None:
        """Settles the post as rejected by Discord for this reason; its papers are never sent again."""
        async with self._database.transaction() as connection:
            await connection.write(_REJECT, {"post": post.key, "reason": reason})
            await unannounce_rest(connection, post.key)
            await connection.write(sa.update(posts).where(posts.c.key == post.key).values(settled_at=now))

    async def release(self, post: Post, *, alone: bool = False) -> None:
        """Releases the entries of a message that certainly does not exist; `alone`: each gets its own message."""
        async with self._database.transaction() as connection:
            await connection.write(_RELEASE, {"post": post.key, "is_alone": alone})
            await count_entries_as_posted(connection, [entry.id for entry in post.entries])
            await unannounce_rest(connection, post.key)
            await connection.write(_GIVE_BACK, {"channel": post.channel_id, "papers": len(post.entries)})
            await connection.write(sa.delete(posts).where(posts.c.key == post.key))
            # A subscription that ended while the message was bound kept these entries.
            await drop_unmatched(connection, post.channel_id)
            await skip_withdrawn(connection, [entry.paper.arxiv_id for entry in post.entries])
            # So did an exclusion that was added.
            ids = listed([entry.id for entry in post.entries], Id)
            await withhold_excluded(connection, post.last_attempt, outbox.c.id.in_(ids))

    async def add_newest(self, channel_id: int, keywords: Collection[Keyword], limit: int, now: datetime) -> int:
        """Queues the newest papers that matched these keywords, due now; returns how many were added.

        Papers that the channel has already had, and withdrawn papers, are not added.
        """
        async with self._database.transaction() as connection:
            return await add_newest(connection, channel_id, keywords, limit, now)

    async def oldest_due(self) -> datetime | None:
        """Returns the earliest due time in channels that are neither blocked nor paused; None if none waits."""
        async with self._database.reading() as connection:
            due: datetime | None = await connection.scalar(_OLDEST_DUE)
        return due

    async def waiting(self) -> dict[int, int]:
        """Returns how many papers wait to be posted, by channel."""
        async with self._database.reading() as connection:
            return {row.channel_id: row.papers for row in await connection.all(_WAITING)}


async def drop_unmatched(connection: Connection, channel_id: int) -> None:
    """Removes a channel's unbound papers without a subscribed keyword, within the caller's transaction."""
    for statement in _DROP_UNMATCHED:
        await connection.write(statement, {"channel": channel_id})
