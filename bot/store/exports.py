"""Reads which papers of a keyword were submitted in a period, newest first; matched and backfilled ones."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bot.store.column_types import Id, Text, Utc
from bot.store.database import Database
from bot.store.schema import backfilled_papers, keywords, matches, papers

_KEYWORD: Final = sa.bindparam("keyword", type_=Id)
_SINCE: Final = sa.bindparam("since", type_=Utc)
_UNTIL: Final = sa.bindparam("until", type_=Utc)
_LIMIT: Final = sa.bindparam("limit", type_=sa.Integer)

_MATCHED: Final = (
    sa.select(matches.c.published, matches.c.arxiv_id)
    .where(matches.c.keyword_id == _KEYWORD, matches.c.published >= _SINCE, matches.c.published < _UNTIL)
    .order_by(matches.c.published.desc(), matches.c.arxiv_id.desc())
    .limit(_LIMIT)
)
# In the order of their index: a paper is not updated before it is submitted, so that none of the period is left out.
_BACKFILLED: Final = (
    sa.select(papers.c.published, papers.c.arxiv_id)
    .join_from(backfilled_papers, papers, papers.c.arxiv_id == backfilled_papers.c.arxiv_id)
    .where(
        backfilled_papers.c.keyword_id == _KEYWORD,
        backfilled_papers.c.updated >= _SINCE,
        papers.c.published >= _SINCE,
        papers.c.published < _UNTIL,
    )
    .order_by(backfilled_papers.c.updated.desc(), backfilled_papers.c.arxiv_id.desc())
    .limit(_LIMIT)
)
_ID: Final = sa.select(keywords.c.id).where(keywords.c.canonical == sa.bindparam("canonical", type_=Text))


class Exports:
    """The papers of an export, by keyword."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keyword_id(self, canonical: str) -> int | None:
        """Returns the id of a keyword; None if it was never watched."""
        async with self._database.reading() as connection:
            found: int | None = await connection.scalar(_ID, {"canonical": canonical})
        return found

    async def newest(
        self, keyword_id: int, since: datetime, until: datetime, limit: int
    ) -> Sequence[tuple[datetime, str]]:
        """Returns dates and ids of a keyword's newest papers from `since` to before `until`, `limit` of each kind."""
        values: dict[str, Any] = {"keyword": keyword_id, "since": since, "until": until, "limit": limit}
        async with self._database.reading() as connection:
            matched = await connection.all(_MATCHED, values)
            backfilled = await connection.all(_BACKFILLED, values)
        return [(row.published, row.arxiv_id) for row in (*matched, *backfilled)]
