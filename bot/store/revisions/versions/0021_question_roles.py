"""Adds the role of a subscription to questions."""

import sqlalchemy as sa
from alembic import op

from bot.store.column_types import Id

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Adds a column without values."""
    op.add_column("questions", sa.Column("mention_role", Id))
