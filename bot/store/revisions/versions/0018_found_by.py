"""Adds what found a match (a poll, its older window, or an initial sync), and the audits of servers."""

import sqlalchemy as sa
from alembic import op

from bot.store.column_types import Id, Text, Utc

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Adds a column and an empty table. A condition on the column's values would make SQLite read the whole table."""
    op.add_column("matches", sa.Column("found_by", Text))
    op.create_table(
        "audits",
        sa.Column("guild_id", Id, primary_key=True, autoincrement=False),
        sa.Column("started_at", Utc, nullable=False),
        sa.Column("token", Text),
        sqlite_strict=True,
    )
