"""Adds exclusions, the papers that are withheld, and the limit of papers per posting."""

import sqlalchemy as sa
from alembic import op

from bot.store.column_types import Id, Text, Utc

revision = "0017"
down_revision = "0016"

_STRICT = {"sqlite_strict": True}


def upgrade() -> None:
    """Creates empty tables and columns: nothing is copied."""
    op.add_column("channel_settings", sa.Column("papers_per_posting", sa.Integer))
    op.add_column("channel_settings", sa.Column("papers_left", sa.Integer))
    op.create_table(
        "exclusions",
        sa.Column("id", Id, primary_key=True),
        sa.Column("channel_id", Id, sa.ForeignKey("channels.channel_id"), nullable=False),
        sa.Column("canonical", Text, nullable=False),
        sa.Column("shown", Text, nullable=False),
        sa.Column("added_by", Id),
        sa.Column("added_at", Utc, nullable=False),
        sa.UniqueConstraint("channel_id", "canonical"),
        **_STRICT,
    )
    op.create_table(
        "withheld",
        sa.Column("channel_id", Id, sa.ForeignKey("channels.channel_id"), primary_key=True, autoincrement=False),
        sa.Column("arxiv_id", Text, sa.ForeignKey("papers.arxiv_id"), primary_key=True),
        sa.Column("reason", Text, nullable=False),
        sa.Column("exclusion_id", Id, sa.ForeignKey("exclusions.id", ondelete="SET NULL")),
        sa.Column("exclusion", Text),
        sa.Column("withheld_at", Utc, nullable=False),
        sa.Column("published", Utc, nullable=False),
        sa.Column("arrived_at", Utc),
        sa.Column("due_at", Utc, nullable=False),
        sa.Column("post_key", Text, sa.ForeignKey("posts.key")),
        sa.CheckConstraint("reason IN ('exclusion', 'limit')"),
        sa.CheckConstraint("(reason = 'exclusion') = (exclusion IS NOT NULL)"),
        sa.CheckConstraint("exclusion_id IS NULL OR exclusion IS NOT NULL"),
        **_STRICT,
        sqlite_with_rowid=False,
    )
    for statement in (
        "CREATE INDEX exclusions_by_person ON exclusions (added_by) WHERE added_by IS NOT NULL",
        "CREATE INDEX withheld_by_paper ON withheld (arxiv_id)",
        "CREATE INDEX withheld_by_time ON withheld (channel_id, withheld_at)",
        "CREATE INDEX withheld_by_exclusion ON withheld (exclusion_id) WHERE exclusion_id IS NOT NULL",
        "CREATE INDEX withheld_by_post ON withheld (post_key, published, arxiv_id) WHERE post_key IS NOT NULL",
        "CREATE INDEX withheld_unannounced ON withheld (channel_id) WHERE reason = 'limit' AND post_key IS NULL",
    ):
        op.execute(statement)
