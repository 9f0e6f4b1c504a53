"""What people were asked about the text that they typed."""

from typing import Final

import sqlalchemy as sa

from bot.store.column_types import Id, Text, Utc
from bot.store.schema.base import STRICT, metadata

# The answers are buttons; answers: the keywords of each, as JSON. channel_id: the channel of a subscription, NULL for
# other commands; mention_role: the role to ping for its papers. Of a lookup or a search, papers: how many a page shows;
# sort: the value of this option; period: the first and the last day as an ISO 8601 interval, NULL for any time.
questions: Final = sa.Table(
    "questions",
    metadata,
    sa.Column("key", Text, primary_key=True),
    sa.Column("user_id", Id, nullable=False),
    sa.Column("asked_at", Utc, nullable=False),
    sa.Column("command", Text, nullable=False),
    sa.Column("channel_id", Id),
    sa.Column("papers", sa.Integer),
    sa.Column("answers", Text, nullable=False),
    sa.Column("sort", Text),
    sa.Column("period", Text),
    sa.Column("mention_role", Id),
    sa.Index("questions_by_user", "user_id", "asked_at"),
    sa.Index("questions_by_time", "asked_at"),
    **STRICT,
)
