"""The tables of the database, on SQLite and PostgreSQL.

The revisions in `versions/` bring the databases of earlier releases to this schema.
"""

from bot.store.schema.authors import author_keys, author_matches
from bot.store.schema.base import COPYING, metadata
from bot.store.schema.channels import channel_places, channel_settings, channels, known_guilds, subscriptions
from bot.store.schema.papers import (
    backfilled_months,
    backfilled_papers,
    key_values,
    keywords,
    matches,
    month_counts,
    papers,
    polls,
)
from bot.store.schema.posts import edits, found_papers, histories, outbox, outbox_keywords, posts
from bot.store.schema.search import search_documents, search_progress
from bot.store.schema.trending import trending_days, trending_entries, trending_posts

__all__ = [
    "COPYING",
    "author_keys",
    "author_matches",
    "backfilled_months",
    "backfilled_papers",
    "channel_places",
    "channel_settings",
    "channels",
    "edits",
    "found_papers",
    "histories",
    "key_values",
    "keywords",
    "known_guilds",
    "matches",
    "metadata",
    "month_counts",
    "outbox",
    "outbox_keywords",
    "papers",
    "polls",
    "posts",
    "search_documents",
    "search_progress",
    "subscriptions",
    "trending_days",
    "trending_entries",
    "trending_posts",
]
