"""Runs Alembic's revisions on the connection of the caller, within its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
