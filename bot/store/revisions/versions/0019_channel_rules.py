"""Adds the days of weekly schedules, the roles of keywords, and the roles that a message mentions for its keywords."""

import sqlalchemy as sa
from alembic import op

from bot.store.column_types import Id, Text, TextList

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Adds columns without values: nothing is copied."""
    op.add_column("channel_settings", sa.Column("posting_days", Text))
    op.add_column("subscriptions", sa.Column("mention_role", Id))
    op.add_column("posts", sa.Column("keyword_roles", TextList))
    op.add_column("posts", sa.Column("earlier_roles", TextList))
