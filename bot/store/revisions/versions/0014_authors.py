"""Adds the tables of authors, and the column by which papers of followed authors are posted first.

The names of the authors of stored papers are counted later, in the background.
"""

import sqlalchemy as sa
from alembic import context, op

from bot.store.column_types import Flag, Id, Text
from bot.store.progress import MigrationProgress

revision = "0014"
down_revision = "0013"

_KEY_OPTIONS = {"sqlite_strict": True, "sqlite_with_rowid": False}


def upgrade() -> None:
    """Creates the tables, the column and its index."""
    progress: MigrationProgress = context.config.attributes["progress"]
    op.create_table(
        "author_keys",
        sa.Column("key", Text, primary_key=True),
        sa.Column("name", Text, primary_key=True),
        sa.Column("papers", sa.Integer, nullable=False),
        **_KEY_OPTIONS,
    )
    op.execute("CREATE INDEX author_keys_frequent ON author_keys (key, papers, name) WHERE papers >= 10")
    op.create_table(
        "author_matches",
        sa.Column("arxiv_id", Text, sa.ForeignKey("papers.arxiv_id"), primary_key=True),
        sa.Column("keyword_id", Id, sa.ForeignKey("keywords.id"), primary_key=True, autoincrement=False),
        sa.Column("certain", sa.Text, nullable=False),
        sa.Column("possible", sa.Text, nullable=False),
        **_KEY_OPTIONS,
    )
    progress.step("queue", iter([0]))
    op.add_column("outbox", sa.Column("by_followed", Flag, nullable=False, server_default=sa.false()))
    progress.step("indexes", iter([0]))
    is_true = "by_followed = true" if op.get_bind().dialect.name == "postgresql" else "by_followed = 1"
    op.execute(
        "CREATE INDEX outbox_by_followed ON outbox (channel_id, published, arxiv_id, due_at) "
        f"WHERE CASE WHEN (state = 'waiting' AND post_key IS NULL AND {is_true}) THEN 1 ELSE 0 END = 1"
    )
    op.execute(
        "INSERT INTO key_values (name, value) SELECT 'authors counted until', '' FROM papers ORDER BY arxiv_id LIMIT 1"
    )
