"""Adds what found a match: a poll, a poll's older window, or an initial sync."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Adds the column. A condition on its values would make SQLite read the whole table."""
    op.execute("ALTER TABLE matches ADD COLUMN found_by TEXT")
