"""Adds labels of keywords, the papers that expressions exclude, and the questions about what someone typed."""

import sqlalchemy as sa
from alembic import op

from bot.store.column_types import Id, Text, Utc

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Adds two columns without values and two empty tables."""
    op.add_column("subscriptions", sa.Column("label", Text))
    op.add_column("keywords", sa.Column("label", Text))
    op.create_table(
        "excluded_papers",
        sa.Column("keyword_id", Id, sa.ForeignKey("keywords.id"), primary_key=True, autoincrement=False),
        sa.Column("published", Utc, primary_key=True),
        sa.Column("arxiv_id", Text, sa.ForeignKey("papers.arxiv_id"), primary_key=True),
        sa.Column("excluded_by", Text, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("excluded_papers_by_paper", "excluded_papers", ["arxiv_id", "keyword_id"], unique=True)
    op.create_index("excluded_papers_by_date", "excluded_papers", ["published"])
    op.create_table(
        "questions",
        sa.Column("key", Text, primary_key=True),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("asked_at", Utc, nullable=False),
        sa.Column("command", Text, nullable=False),
        sa.Column("channel_id", Id),
        sa.Column("papers", sa.Integer),
        sa.Column("answers", Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("questions_by_user", "questions", ["user_id", "asked_at"])
    op.create_index("questions_by_time", "questions", ["asked_at"])
