"""Stores the threads for papers and batches, so that each is started once.

A thread that the bot starts by itself is requested in the transaction that binds its message.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.domain.channel_settings import Discussion
from bot.domain.discussion import DiscussionState, PostedMessage, ThreadRequest
from bot.domain.paper import Paper
from bot.domain.post import Post
from bot.store.clock_repair import no_wait, times_of_waits
from bot.store.codecs import row_to_paper
from bot.store.column_types import Id, Text, Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.expressions import listed
from bot.store.schema import channel_settings, channels, discussions, found_papers, outbox, papers, posts
from bot.store.schema.discussions import IS_WANTED

# How many threads are read at once, with their papers.
THREADS_READ_MAX: Final = 50

_KEY: Final = sa.bindparam("post", type_=Text)
_PAPER: Final = sa.bindparam("paper", type_=Text)
_GUILD: Final = sa.bindparam("guild", type_=Id)
_IS_THREAD: Final = sa.and_(discussions.c.post_key == _KEY, discussions.c.arxiv_id == _PAPER)
_GET: Final = sa.select(
    discussions.c.state, discussions.c.thread_id, discussions.c.requested_at, discussions.c.attempted_at
).where(_IS_THREAD)
_SETTLED_AT: Final = sa.select(posts.c.settled_at).where(posts.c.key == _KEY)
_REQUEST: Final = insert(discussions).on_conflict_do_nothing(
    index_elements=[discussions.c.post_key, discussions.c.arxiv_id]
)
_IS_REQUESTED: Final = discussions.c.state == DiscussionState.REQUESTED.value
_ATTEMPT: Final = (
    sa.update(discussions).where(_IS_THREAD, _IS_REQUESTED).values(attempted_at=sa.bindparam("attempt", type_=Utc))
)
_WITHDRAW: Final = sa.delete(discussions).where(_IS_THREAD, _IS_REQUESTED)
# The loop and a click may start the same thread at the same time; the first one to store its completion wins.
_START: Final = (
    sa.update(discussions)
    .where(_IS_THREAD, discussions.c.state != DiscussionState.OPEN.value)
    .values(
        state=sa.bindparam("new_state", type_=Text),
        thread_id=sa.bindparam("thread", type_=Id),
        not_before=None,
        waits_since=None,
        problem=None,
    )
)
_DROP: Final = sa.update(discussions).where(_IS_THREAD, IS_WANTED).values(state=DiscussionState.DROPPED.value)
_POSTPONE: Final = (
    sa.update(discussions)
    .where(_IS_THREAD, IS_WANTED)
    .values(
        not_before=sa.bindparam("until", type_=Utc),
        waits_since=sa.bindparam("now", type_=Utc),
        problem=sa.bindparam("reason", type_=Text),
    )
)
_ANY_WANTED: Final = sa.select(discussions.c.post_key).where(IS_WANTED).limit(1)
_EXPIRED: Final = (
    sa.select(discussions.c.post_key, discussions.c.arxiv_id)
    .join(posts, posts.c.key == discussions.c.post_key)
    .where(IS_WANTED, posts.c.settled_at <= sa.bindparam("before", type_=Utc))
)
# A message that Discord rejected, or that was deleted before its thread was started.
_WITHOUT_MESSAGE: Final = (
    sa.select(discussions.c.post_key, discussions.c.arxiv_id)
    .join(posts, posts.c.key == discussions.c.post_key)
    .where(IS_WANTED, posts.c.settled_at.is_not(None), posts.c.message_id.is_(None))
)
# An admin switched threads off since.
_UNWANTED: Final = (
    sa.select(discussions.c.post_key, discussions.c.arxiv_id)
    .join(channel_settings, channel_settings.c.channel_id == discussions.c.channel_id)
    .where(IS_WANTED, channel_settings.c.threads.is_(None))
)
_DUE: Final = (
    sa.select(discussions.c.post_key, discussions.c.arxiv_id)
    .join(posts, posts.c.key == discussions.c.post_key)
    .where(IS_WANTED, no_wait(discussions.c.not_before), posts.c.message_id.is_not(None))
    .order_by(discussions.c.requested_at, discussions.c.post_key, discussions.c.arxiv_id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_PROBLEM: Final = (
    sa.select(sa.func.max(discussions.c.problem))
    .where(IS_WANTED, discussions.c.channel_id == channel_settings.c.channel_id)
    .correlate(channel_settings)
    .scalar_subquery()
)
_PROBLEMS: Final = (
    sa.select(channel_settings.c.channel_id, _PROBLEM.label("problem"))
    .join(channels, channels.c.channel_id == channel_settings.c.channel_id)
    .where(channels.c.guild_id == _GUILD, channel_settings.c.threads.is_not(None))
    .order_by(channel_settings.c.channel_id)
)


@dataclass(frozen=True, slots=True)
class StoredDiscussion:
    """A thread as it is stored; `thread_id` is None until it is known to exist.

    `attempted_at`: the last attempt after a click whose outcome may be unknown.
    """

    state: DiscussionState
    thread_id: int | None
    requested_at: datetime
    attempted_at: datetime | None = None


class Discussions:
    """The threads that were started, and those that are to be."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def message(self, key: str) -> PostedMessage | None:
        """Returns a message that Discord stored, by its key; None if there is none."""
        async with self._database.reading() as connection:
            return (await _messages(connection, [key])).get(key)

    async def is_being_sent(self, key: str) -> bool:
        """Whether a message may be on Discord although its outcome is not stored."""
        async with self._database.reading() as connection:
            row = await connection.first(_SETTLED_AT, {"post": key})
        return row is not None and row.settled_at is None

    async def get(self, key: str, arxiv_id: str) -> StoredDiscussion | None:
        """Returns the thread of a message for a paper; None if none was requested."""
        async with self._database.reading() as connection:
            return await _get(connection, key, arxiv_id)

    async def request(self, request: ThreadRequest, now: datetime) -> StoredDiscussion | None:
        """Records that a thread is about to be started; returns what was stored before, None if nothing was."""
        message = request.message
        async with self._database.transaction() as connection:
            stored = await _get(connection, message.key, request.arxiv_id)
            if stored is None:
                row = _row(message.key, request.arxiv_id, message.channel_id, DiscussionState.REQUESTED, now)
                await connection.write(_REQUEST, {**row, "attempted_at": now})
            return stored

    async def attempted(self, request: ThreadRequest, at: datetime | None) -> None:
        """Records when the last attempt after a click was made whose outcome may be unknown."""
        async with self._database.transaction() as connection:
            await connection.write(_ATTEMPT, {**_thread(request), "attempt": at})

    async def withdraw(self, request: ThreadRequest) -> None:
        """Removes the record of a thread that certainly does not exist."""
        async with self._database.transaction() as connection:
            await connection.write(_WITHDRAW, _thread(request))

    async def started(self, request: ThreadRequest, thread_id: int, *, is_complete: bool) -> None:
        """Records that a thread exists; `is_complete`: it needs no first message, or has it."""
        state = DiscussionState.OPEN if is_complete else DiscussionState.STARTED
        async with self._database.transaction() as connection:
            await connection.write(_START, {**_thread(request), "new_state": state.value, "thread": thread_id})

    async def drop(self, request: ThreadRequest) -> None:
        """Records that the bot will not start a thread by itself."""
        async with self._database.transaction() as connection:
            await connection.write(_DROP, _thread(request))

    async def postpone(self, request: ThreadRequest, not_before: datetime, problem: str, *, now: datetime) -> None:
        """Postpones a thread from `now` until `not_before`, because of a problem."""
        parameters = {**_thread(request), "until": not_before, "now": now, "reason": problem}
        async with self._database.transaction() as connection:
            await connection.write(_POSTPONE, parameters)

    async def is_any_wanted(self) -> bool:
        """Whether the bot is to start any thread, now or later."""
        async with self._database.reading() as connection:
            return await connection.first(_ANY_WANTED) is not None

    async def drop_expired(self, before: datetime) -> int:
        """Drops the threads that the bot was to start on messages settled before this time; returns how many.

        Those of messages that do not exist, and of channels without threads, are dropped, too, and not counted.
        """
        async with self._database.reading() as connection:
            expired = await connection.all(_EXPIRED, {"before": before})
            others = (*await connection.all(_WITHOUT_MESSAGE), *await connection.all(_UNWANTED))
        dropped = {(row.post_key, row.arxiv_id) for row in (*expired, *others)}
        if dropped:
            rows = [{"post": key, "paper": arxiv_id} for key, arxiv_id in sorted(dropped)]
            async with self._database.transaction() as connection:
                await connection.write(_DROP, rows)
        return len(expired)

    async def due(self, now: datetime, limit: int = THREADS_READ_MAX) -> tuple[ThreadRequest, ...]:
        """Returns the threads that the bot is to start now, the first requested first, at most `limit`."""
        async with self._database.reading() as connection:
            rows = await connection.all(_DUE, {**times_of_waits(now), "limit": limit})
            messages = await _messages(connection, [row.post_key for row in rows])
        found = ((messages.get(row.post_key), row.arxiv_id) for row in rows)
        return tuple(_request(message, arxiv_id) for message, arxiv_id in found if message is not None)

    async def problems(self, guild_id: int) -> dict[int, str | None]:
        """Returns the channels of a server in which threads are started, each with why one waits, if any does."""
        async with self._database.reading() as connection:
            return {row.channel_id: row.problem for row in await connection.all(_PROBLEMS, {"guild": guild_id})}


async def want_threads(connection: Connection, new: Iterable[Post]) -> None:
    """Requests the threads of messages that are being bound, within the caller's transaction."""
    rows = [
        _row(post.key, _only_paper(post), post.channel_id, DiscussionState.WANTED, post.first_attempt)
        for post in new
        if post.header.discussion is Discussion.THREAD
    ]
    if rows:
        await connection.write(_REQUEST, rows)


def _only_paper(post: Post) -> str:
    return post.entries[0].paper.arxiv_id.value if len(post.entries) == 1 else ""


def _row(key: str, arxiv_id: str, channel_id: int, state: DiscussionState, now: datetime) -> dict[str, object]:
    return {"post_key": key, "arxiv_id": arxiv_id, "channel_id": channel_id, "state": state.value, "requested_at": now}


def _thread(request: ThreadRequest) -> dict[str, object]:
    return {"post": request.message.key, "paper": request.arxiv_id}


def _request(message: PostedMessage, arxiv_id: str) -> ThreadRequest:
    return ThreadRequest(message, next((each for each in message.papers if each.arxiv_id.value == arxiv_id), None))


async def _get(connection: Connection, key: str, arxiv_id: str) -> StoredDiscussion | None:
    row = await connection.first(_GET, {"post": key, "paper": arxiv_id})
    if row is None:
        return None
    return StoredDiscussion(DiscussionState(row.state), row.thread_id, row.requested_at, row.attempted_at)


async def _messages(connection: Connection, keys: Collection[str]) -> Mapping[str, PostedMessage]:
    """Returns the messages that Discord stored, by key, with the papers that are known of them."""
    rows = await connection.all(
        sa.select(posts.c.key, posts.c.channel_id, posts.c.message_id, posts.c.heading).where(
            posts.c.key.in_(listed(keys, Text)), posts.c.message_id.is_not(None)
        )
    )
    contained: dict[str, dict[str, Paper]] = {}
    for table in (outbox, found_papers):
        for row in await _papers(connection, table, keys):
            contained.setdefault(row.post_key, {})[row.arxiv_id] = row_to_paper(row)
    return {row.key: _message(row, contained.get(row.key, {}).values()) for row in rows}


async def _papers(connection: Connection, table: sa.Table, keys: Collection[str]) -> Sequence[sa.Row[Any]]:
    return await connection.all(
        sa.select(table.c.post_key, papers)
        .join(papers, papers.c.arxiv_id == table.c.arxiv_id)
        .where(table.c.post_key.in_(listed(keys, Text)))
    )


def _message(row: sa.Row[Any], contained: Iterable[Paper]) -> PostedMessage:
    in_order = sorted(contained, key=lambda paper: (paper.published, paper.arxiv_id.value))
    return PostedMessage(row.key, row.channel_id, row.message_id, row.heading, tuple(in_order))
