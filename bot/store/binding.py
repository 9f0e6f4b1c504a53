"""Binds queued papers to messages, and settles messages that Discord stored, for several channels at once.

Every function runs within the caller's transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from bot.domain.outgoing import Delivered
from bot.domain.post import Post
from bot.domain.posting_limit import PostingShare
from bot.store.column_types import Id, Text, Utc
from bot.store.connection import Connection
from bot.store.discussions import want_threads
from bot.store.expressions import listed
from bot.store.posts import insert_posts
from bot.store.schema import channel_settings, outbox, posts
from bot.store.schema.posts import IS_QUEUED
from bot.store.withholding import announce_rest

_KEY: Final = sa.bindparam("post", type_=Text)
_CHANNEL: Final = sa.bindparam("channel", type_=Id)
_BIND: Final = sa.update(outbox).where(outbox.c.id == sa.bindparam("entry", type_=Id)).values(post_key=_KEY)
_LEAVE: Final = (
    sa.update(channel_settings)
    .where(channel_settings.c.channel_id == _CHANNEL)
    .values(papers_left=sa.bindparam("left", type_=sa.Integer))
)
_SETTLE: Final = (
    sa.update(posts)
    .where(posts.c.key == _KEY)
    .values(
        message_id=sa.bindparam("message", type_=Id),
        settled_at=sa.bindparam("now", type_=Utc),
        thread_id=sa.func.coalesce(sa.bindparam("thread", type_=Id), posts.c.thread_id),
        publish_at=sa.bindparam("publish", type_=Utc),
    )
)


@dataclass(frozen=True, slots=True)
class Binding:
    """A message that is about to be sent, and its share of the limit of its channel, if that has one."""

    post: Post
    share: PostingShare | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """The outcome of a post that Discord stored."""

    post: Post
    delivered: Delivered
    now: datetime


async def bind_all(connection: Connection, new: Sequence[Binding]) -> Sequence[Post | None]:
    """Binds each message's entries to it; returns None for those with an entry that was removed or bound."""
    ids = [entry.id for binding in new for entry in binding.post.entries]
    unbound = set(await connection.scalars(sa.select(outbox.c.id).where(outbox.c.id.in_(listed(ids, Id)), IS_QUEUED)))
    bound: list[Binding | None] = []
    for binding in new:
        own = {entry.id for entry in binding.post.entries}
        bound.append(binding if own <= unbound else None)
        unbound -= own
    written = [binding.post for binding in bound if binding is not None]
    await insert_posts(connection, written)
    await want_threads(connection, written)
    await connection.write(_BIND, [{"entry": entry.id, "post": post.key} for post in written for entry in post.entries])
    return [None if binding is None else await _take_share(connection, binding) for binding in bound]


async def _take_share(connection: Connection, binding: Binding) -> Post:
    """Records how many papers may follow the message, and which withheld papers it announces; returns it with these."""
    post, share = binding.post, binding.share
    if share is None:
        return post
    await connection.write(_LEAVE, {"channel": post.channel_id, "left": share.papers_left})
    return replace(post, rest=await announce_rest(connection, post.channel_id, post.key)) if share.is_last else post


async def settle_all(connection: Connection, settlements: Sequence[Settlement]) -> Sequence[bool]:
    """Settles posts as delivered; returns which are to be published."""
    channel_ids = listed([each.post.channel_id for each in settlements], Id)
    publishing = await connection.scalars(
        sa.select(channel_settings.c.channel_id).where(
            channel_settings.c.channel_id.in_(channel_ids), channel_settings.c.publish
        )
    )
    published = [each.post.channel_id in publishing and each.delivered.message_id is not None for each in settlements]
    keys = listed([each.post.key for each in settlements], Text)
    await connection.write(sa.update(outbox).where(outbox.c.post_key.in_(keys)).values(state="delivered"))
    await connection.write(
        _SETTLE,
        [
            {
                "post": each.post.key,
                "message": each.delivered.message_id,
                "now": each.now,
                "thread": each.delivered.thread_id,
                "publish": each.now if is_published else None,
            }
            for each, is_published in zip(settlements, published, strict=True)
        ],
    )
    return published
