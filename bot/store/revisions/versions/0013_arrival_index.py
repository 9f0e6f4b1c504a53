"""Gives the index of arrivals a condition in words of its own, so that PostgreSQL uses it for no other statement."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Replaces the index, which only has the papers that wait."""
    op.execute("DROP INDEX outbox_by_arrival")
    op.execute(
        "CREATE INDEX outbox_by_arrival ON outbox (arrived_at, due_at) "
        "WHERE state = 'waiting' AND coalesce(post_key, '') = ''"
    )
