"""Adds the full-text index of the papers, empty: the bot builds it in the background. Questions get more options."""

import sqlalchemy as sa
from alembic import op

from bot.store.column_types import Text

revision = "0020"
down_revision = "0019"

_TABLES = {
    "sqlite": (
        """CREATE TABLE search_documents (
           id INTEGER NOT NULL PRIMARY KEY, arxiv_id TEXT NOT NULL UNIQUE REFERENCES papers (arxiv_id)) STRICT""",
        """CREATE TABLE search_progress (
           version INTEGER NOT NULL PRIMARY KEY, position TEXT, papers INTEGER NOT NULL,
           done INTEGER NOT NULL) STRICT""",
        """CREATE VIRTUAL TABLE search_index USING fts5(
           title, abstract, facts, content='', tokenize="ascii tokenchars '.,_=:-'''")""",
    ),
    "postgresql": (
        """CREATE TABLE search_documents (
           id BIGINT NOT NULL PRIMARY KEY, arxiv_id TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES papers (arxiv_id))""",
        """CREATE TABLE search_progress (
           version INTEGER NOT NULL PRIMARY KEY, position TEXT COLLATE "C", papers INTEGER NOT NULL,
           done INTEGER NOT NULL)""",
        """CREATE TABLE search_index (id BIGINT NOT NULL PRIMARY KEY, terms TSVECTOR NOT NULL)
           WITH (toast_tuple_target = 4080)""",
        "CREATE INDEX search_index_terms ON search_index USING gin (terms) WITH (gin_pending_list_limit = 1024)",
    ),
}


def upgrade() -> None:
    """Creates the tables, and adds two columns without values."""
    connection = op.get_bind()
    for statement in _TABLES[connection.dialect.name]:
        connection.exec_driver_sql(statement)
    op.add_column("questions", sa.Column("sort", Text))
    op.add_column("questions", sa.Column("period", Text))
