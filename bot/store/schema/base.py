"""What the tables have in common."""

from typing import Any, Final

import sqlalchemy as sa

from bot.store.column_types import Id, Text

metadata = sa.MetaData()

# A row of `key_values` with this name: the database is the target of a copy that is not complete.
COPYING: Final = "copy in progress"

# Of a table with nothing but what follows from other tables: a copy of the database does without it.
IS_DERIVED: Final[dict[Any, Any]] = {"is_derived": True}

STRICT: Final[dict[str, Any]] = {"sqlite_strict": True}
# Small rows that are found by their primary key (sqlite.org/withoutrowid.html). A paper takes twice the space in such a
# table, because rows over a quarter of a page continue on other pages.
BY_KEY: Final[dict[str, Any]] = {**STRICT, "sqlite_with_rowid": False}


def channel(*, primary_key: bool = False) -> sa.Column[int]:
    return sa.Column(
        "channel_id",
        Id,
        sa.ForeignKey("channels.channel_id"),
        primary_key=primary_key,
        autoincrement=False,
        nullable=False,
    )


def keyword() -> sa.Column[int]:
    return sa.Column("keyword_id", Id, sa.ForeignKey("keywords.id"), primary_key=True, autoincrement=False)


def paper(*, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column("arxiv_id", Text, sa.ForeignKey("papers.arxiv_id"), primary_key=primary_key, nullable=False)


def partial_index(name: str, condition: sa.ColumnElement[bool], *columns: sa.Column[Any]) -> None:
    sa.Index(name, *columns, sqlite_where=condition, postgresql_where=condition)
