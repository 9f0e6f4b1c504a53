"""Adds the setting for threads, how each message is discussed, and the threads."""

import sqlalchemy as sa
from alembic import op

from bot.store.column_types import Id, Text, Utc

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Creates an empty table and columns without values: nothing is copied."""
    op.add_column("channel_settings", sa.Column("threads", Text))
    op.add_column("posts", sa.Column("discussion", Text))
    op.create_table(
        "discussions",
        sa.Column("post_key", Text, sa.ForeignKey("posts.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("arxiv_id", Text, primary_key=True),
        sa.Column("channel_id", Id, sa.ForeignKey("channels.channel_id"), nullable=False),
        sa.Column("state", Text, nullable=False),
        sa.Column("thread_id", Id),
        sa.Column("requested_at", Utc, nullable=False),
        sa.Column("attempted_at", Utc),
        sa.Column("not_before", Utc),
        sa.Column("waits_since", Utc),
        sa.Column("problem", Text),
        sa.CheckConstraint("state IN ('wanted', 'requested', 'started', 'open', 'dropped')"),
        sa.CheckConstraint("(thread_id IS NOT NULL) = (state IN ('started', 'open'))"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.execute(
        "CREATE INDEX discussions_wanted ON discussions (requested_at, post_key, arxiv_id) WHERE state = 'wanted'"
    )
