"""Alembic's revisions of the schema, after the SQL scripts of earlier releases."""
