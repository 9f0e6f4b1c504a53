"""How channels spell a keyword: each as in its first subscription, several as the earliest of them."""

import sqlalchemy as sa

from bot.store.columns import Text
from bot.store.schema import keywords, subscriptions


def spelling(channels: sa.ColumnElement[int] | sa.Select[int]) -> sa.ColumnElement[str]:
    """Returns how channels spell the keyword of a row of `keywords`: the earliest of their spellings.

    `channels` is the id of a channel, or a query for ids. A keyword to which none of them subscribes has its general
    spelling.
    """
    spelled = subscriptions.alias()
    is_spelled_by = (
        spelled.c.channel_id.in_(channels) if isinstance(channels, sa.Select) else spelled.c.channel_id == channels
    )
    earliest = (
        sa.select(spelled.c.shown)
        .where(spelled.c.keyword_id == keywords.c.id, is_spelled_by)
        .order_by(spelled.c.added_at, spelled.c.channel_id)
        .limit(1)
        .correlate_except(spelled)
        .scalar_subquery()
    )
    return sa.func.coalesce(earliest, keywords.c.shown, type_=Text)
