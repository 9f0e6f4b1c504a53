"""How a keyword is shown: with its label in the channel, or as its channel spells it.

A channel spells it as in its first subscription, several channels as the earliest of these.
"""

from typing import Final

import sqlalchemy as sa

from bot.store.column_types import Text
from bot.store.schema import keywords, subscriptions

# What the subscription of a row shows, and what a row of both tables does if the subscription may be missing.
SUBSCRIPTION_LABEL: Final[sa.ColumnElement[str]] = sa.func.coalesce(
    subscriptions.c.label, subscriptions.c.shown, type_=Text
)
KEYWORD_LABEL: Final[sa.ColumnElement[str]] = sa.func.coalesce(
    subscriptions.c.label, subscriptions.c.shown, keywords.c.label, keywords.c.shown, type_=Text
)


def spelling(channels: sa.Select[int]) -> sa.ColumnElement[str]:
    """Returns how channels show the keyword of a row of `keywords`: the earliest of their spellings.

    `channels` is a query for ids. A keyword to which none of them subscribes has its general spelling.
    """
    spelled = subscriptions.alias()
    earliest = (
        sa.select(sa.func.coalesce(spelled.c.label, spelled.c.shown, type_=Text))
        .where(spelled.c.keyword_id == keywords.c.id, spelled.c.channel_id.in_(channels))
        .order_by(spelled.c.added_at, spelled.c.channel_id)
        .limit(1)
        .correlate_except(spelled)
        .scalar_subquery()
    )
    return sa.func.coalesce(earliest, keywords.c.label, keywords.c.shown, type_=Text)
