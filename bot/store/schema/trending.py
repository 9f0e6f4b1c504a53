"""The trending lists, and the messages with them."""

from typing import Final

import sqlalchemy as sa

from bot.store.columns import Id, Text, TextList, Utc
from bot.store.schema.base import BY_KEY, channel, metadata, partial_index

# Hugging Face's trending lists. rendered_votes, rendered_code: what messages were last edited to show; NULL: never.
trending_entries: Final = sa.Table(
    "trending_entries",
    metadata,
    sa.Column("arxiv_id", Text, primary_key=True),
    sa.Column("day", Text, nullable=False),
    sa.Column("title", Text, nullable=False),
    sa.Column("summary", Text, nullable=False),
    sa.Column("authors", TextList, nullable=False),
    sa.Column("votes", sa.Integer, nullable=False),
    sa.Column("comments", sa.Integer, nullable=False),
    sa.Column("organization", Text),
    sa.Column("code_url", Text),
    sa.Column("stars", sa.Integer),
    sa.Column("rendered_votes", sa.Integer),
    sa.Column("rendered_code", Text),
    sa.Column("ai_summary", Text),
    sa.Column("thumbnail_url", Text),
    sa.CheckConstraint("votes >= 0"),
    sa.CheckConstraint("comments >= 0"),
    sa.CheckConstraint("stars >= 0"),
    sa.Index("trending_entries_by_day", "day"),
    **BY_KEY,
)

# The days whose list was fetched completely, and when last.
trending_days: Final = sa.Table(
    "trending_days",
    metadata,
    sa.Column("day", Text, primary_key=True),
    sa.Column("fetched_at", Utc, nullable=False),
    **BY_KEY,
)

# A day's list in a channel: one message. settled_at without a message_id: rejected, deleted since, or no paper for it.
trending_posts: Final = sa.Table(
    "trending_posts",
    metadata,
    channel(primary_key=True),
    sa.Column("day", Text, primary_key=True),
    sa.Column("min_votes", sa.Integer, nullable=False),
    sa.Column("key", Text, nullable=False, unique=True),
    sa.Column("nonce", Text, nullable=False, unique=True),
    sa.Column("first_attempt", Utc, nullable=False),
    sa.Column("last_attempt", Utc, nullable=False),
    sa.Column("message_id", Id),
    sa.Column("thread_id", Id),
    sa.Column("settled_at", Utc),
    sa.Column("search_after", Id),
    sa.Column("attempted_at", Utc),
    sa.CheckConstraint("min_votes >= 0"),
    sa.CheckConstraint("settled_at IS NOT NULL OR message_id IS NULL"),
    **BY_KEY,
)

partial_index("trending_posts_open", trending_posts.c.settled_at.is_(None), trending_posts.c.channel_id)
