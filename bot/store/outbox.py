"""The outbox: the papers to be posted, bound to one message before it is sent, settled by Discord's answer.

`bind` creates a `Post` from entries. Every attempt sends exactly these entries, until the post is delivered, rejected,
or released because the message certainly does not exist.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.domain.channel_settings import Layout
from bot.domain.history import UNKNOWN_START, SearchStart
from bot.domain.keyword import Keyword
from bot.domain.outgoing import Delivered
from bot.domain.post import NO_HEADER, Due, MessageHeader, OutboxEntry, Post
from bot.store.channel_settings import NOT_PAUSED
from bot.store.clock_repair import MAY_SEND, times_of_waits
from bot.store.columns import Id, Text, Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.effects import count_entries_as_posted
from bot.store.expressions import listed
from bot.store.message_search import record_attempt, record_search
from bot.store.newest import newest_of_channel
from bot.store.papers import skip_withdrawn
from bot.store.posts import insert_posts, read_entries, read_posts
from bot.store.schema import (
    channel_settings,
    channels,
    found_papers,
    keywords,
    matches,
    outbox,
    outbox_keywords,
    papers,
    posts,
    subscriptions,
)
from bot.store.schema.posts import IS_UNBOUND, IS_WAITING

_CHANNEL: Final = sa.bindparam("channel", type_=Id)
_NOW: Final = sa.bindparam("now", type_=Utc)
_IS_OPEN: Final = posts.c.settled_at.is_(None)

# When the first waiting paper of each channel is due: one look into an index per channel, however many wait.
_FIRST_DUE: Final = (
    sa.select(sa.func.min(outbox.c.due_at))
    .where(IS_WAITING, outbox.c.channel_id == channels.c.channel_id)
    .correlate(channels)
    .scalar_subquery()
)
_SENDABLE: Final = sa.select(channels.c.channel_id, _FIRST_DUE.label("due")).where(MAY_SEND, NOT_PAUSED).subquery()
_DUE_CHANNELS: Final = (
    sa.select(_SENDABLE.c.channel_id)
    .where(
        sa.or_(
            _SENDABLE.c.due <= _NOW,
            sa.and_(
                _SENDABLE.c.due.is_not(None), _SENDABLE.c.channel_id.in_(sa.select(posts.c.channel_id).where(_IS_OPEN))
            ),
        )
    )
    .order_by(_SENDABLE.c.due, _SENDABLE.c.channel_id)
)
_UNPAUSED: Final = (
    sa.select(channels.c.channel_id, channels.c.not_before, _FIRST_DUE.label("due")).where(NOT_PAUSED).subquery()
)
_NEXT_DUE: Final = sa.select(
    sa.func.min(sa.func.greatest(_UNPAUSED.c.due, sa.func.coalesce(_UNPAUSED.c.not_before, _UNPAUSED.c.due)))
).where(_UNPAUSED.c.due.is_not(None))
_UNBLOCKED: Final = (
    sa.select(_FIRST_DUE.label("due")).select_from(channels).where(channels.c.blocked_reason.is_(None), NOT_PAUSED)
).subquery()
_OLDEST_DUE: Final = sa.select(sa.func.min(_UNBLOCKED.c.due))
_WAITING: Final = sa.select(outbox.c.channel_id, sa.func.count()).where(IS_WAITING).group_by(outbox.c.channel_id)

_IS_DUE: Final = sa.and_(IS_UNBOUND, outbox.c.channel_id == _CHANNEL, outbox.c.due_at <= _NOW)
_DUE: Final = (
    sa.select(outbox.c.id, outbox.c.arxiv_id, outbox.c.alone)
    .join(channels, channels.c.channel_id == outbox.c.channel_id)
    .where(_IS_DUE, NOT_PAUSED)
    .order_by(outbox.c.published, outbox.c.arxiv_id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_COUNT_DUE: Final = sa.select(sa.func.count().label("papers"), sa.func.min(outbox.c.arrived_at).label("arrived")).where(
    _IS_DUE
)
_OWN_SPELLING: Final = (
    sa.select(subscriptions.c.shown)
    .where(subscriptions.c.channel_id == _CHANNEL, subscriptions.c.keyword_id == keywords.c.id)
    .correlate(keywords)
    .scalar_subquery()
)
_DUE_KEYWORDS: Final = (
    sa.select(sa.func.coalesce(_OWN_SPELLING, keywords.c.shown, type_=Text))
    .where(
        keywords.c.id.in_(
            sa.select(outbox_keywords.c.keyword_id)
            .join(outbox, outbox.c.id == outbox_keywords.c.outbox_id)
            .where(_IS_DUE)
        )
    )
    .order_by(keywords.c.id)
)
