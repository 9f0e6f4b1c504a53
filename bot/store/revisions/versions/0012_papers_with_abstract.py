"""Adds the index by which the papers with old abstracts are found."""

from alembic import context, op

from bot.store.progress import MigrationProgress

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Creates the index."""
    progress: MigrationProgress = context.config.attributes["progress"]
    progress.step("indexes", iter([0]))
    op.get_bind().exec_driver_sql(
        "CREATE INDEX papers_with_abstract ON papers (updated, arxiv_id) WHERE abstract != ''"
    )
