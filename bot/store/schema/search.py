"""The full-text index of the papers: derived from the table `papers`, and built again where it is missing."""

from typing import Final

import sqlalchemy as sa

from bot.store.column_types import Id, Text
from bot.store.schema.base import IS_DERIVED, STRICT, metadata

# The papers in the index. id: the later a paper was published, the greater; see `bot.domain.search.documents`.
search_documents: Final = sa.Table(
    "search_documents",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("arxiv_id", Text, sa.ForeignKey("papers.arxiv_id"), nullable=False, unique=True),
    info=IS_DERIVED,
    **STRICT,
)

# One row, once building the index has begun. version: of the terms; position: the last paper of the table `papers` that
# is in the index, NULL once all are; papers: how many there were when building began; done: how many of them are.
search_progress: Final = sa.Table(
    "search_progress",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", Text),
    sa.Column("papers", sa.Integer, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    info=IS_DERIVED,
    **STRICT,
)

# The terms themselves. SQLite: without the words as they are written, which `papers` has (sqlite.org/fts5.html,
# contentless tables). PostgreSQL: new entries wait in a list of at most 1 MB, which each search reads.
CREATE_INDEX: Final = {
    "sqlite": (
        """CREATE VIRTUAL TABLE search_index USING fts5(
           title, abstract, facts, content='', tokenize="ascii tokenchars '.,_=:-'''")""",
    ),
    "postgresql": (
        """CREATE TABLE search_index (id BIGINT NOT NULL PRIMARY KEY, terms TSVECTOR NOT NULL)
           WITH (toast_tuple_target = 4080)""",
        "CREATE INDEX search_index_terms ON search_index USING gin (terms) WITH (gin_pending_list_limit = 1024)",
    ),
}
