"""The tables of the database, on SQLite and PostgreSQL.

The revisions in `versions/` bring the databases of earlier releases to this schema.
"""

from bot.store.schema.audits import audits
from bot.store.schema.authors import author_keys, author_matches
from bot.store.schema.base import COPYING, metadata
from bot.store.schema.channels import channel_places, channel_settings, channels, known_guilds, subscriptions
from bot.store.schema.discussions import discussions
from bot.store.schema.exclusions import exclusions, withheld
from bot.store.schema.imports import import_removals, settings_imports
from bot.store.schema.papers import (
    backfilled_months,
    backfilled_papers,
    excluded_papers,
    key_values,
    keywords,
    matches,
    month_counts,
    papers,
    polls,
)
from bot.store.schema.posts import edits, found_papers, histories, outbox, outbox_keywords, posts
from bot.store.schema.questions import questions
from bot.store.schema.search import search_documents, search_progress
from bot.store.schema.trending import trending_days, trending_entries, trending_posts

__all__ = [
    "COPYING",
    "audits",
    "author_keys",
    "author_matches",
    "backfilled_months",
    "backfilled_papers",
    "channel_places",
    "channel_settings",
    "channels",
    "discussions",
    "edits",
    "excluded_papers",
    "exclusions",
    "found_papers",
    "histories",
    "import_removals",
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
    "questions",
    "search_documents",
    "search_progress",
    "settings_imports",
    "subscriptions",
    "trending_days",
    "trending_entries",
    "trending_posts",
    "withheld",
]
