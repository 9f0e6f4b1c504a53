"""How channels spell a keyword: each as in its first subscription, several as the earliest of them."""

import sqlalchemy as sa

from bot.store.column_types import Text
from bot.store.schema import keywords, subscriptions


def spelling(channels: sa.Select[int]) -> sa.ColumnElement[str]:
    """Returns how channels spell the keyword of a row of `keywords`: the earliest of their spellings.

    `channels` is a query for ids. A keyword to which none of them subscribes has its general spelling.
    """
    spelled = subscriptions.alias()
    earliest = (
        sa.select(spelled.c.shown)
        .where(spelled.c.keyword_id == keywords.c.id, spelled.c.channel_id.in_(channels))
        .order_by(spelled.c.added_at, spelled.c.channel_id)
        .limit(1)
        .correlate_except(spelled)
        .scalar_subquery()
    )
    return sa.func.coalesce(earliest, keywords.c.shown, type_=Text)
