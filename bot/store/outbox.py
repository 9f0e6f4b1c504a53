"""The outbox: the papers to be posted, bound to one message before it is sent, settled by Discord's answer.

`bind` creates a `Post` from entries. Every attempt sends exactly these entries, until the post is delivered, rejected,
or released because the message certainly does not exist.
"""

from typing import Final

import sqlalchemy as sa

from bot.store.channel_settings import NOT_PAUSED
from bot.store.clock_repair import MAY_SEND
from bot.store.columns import Id, Text, Utc
from bot.store.schema import (
    channels,
    keywords,
    outbox,
    outbox_keywords,
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
