"""Reads the page's data: each keyword's matched and backfilled papers, newest first, with their trending entries.

It never writes, and never renders.
"""

import json
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime

from bot.page.model import Section
from bot.store.codecs import PAPER_COLUMNS, row_to_paper, spelling, to_datetime
from bot.store.database import Database
from bot.store.trending_entries import read_trending_entries

# A channel that is gone has no readers.
_SUBSCRIBED = """
    SELECT channel_id, keyword_id FROM subscriptions JOIN channels USING (channel_id)
    WHERE gone_since IS NULL AND (:channels IS NULL OR channel_id IN (SELECT value FROM json_each(:channels)))
"""
_KEYWORDS = f"""
    SELECT id, {spelling(f"SELECT channel_id FROM ({_SUBSCRIBED})")} AS shown, synced_until,
           (SELECT max(fetched_at) FROM backfilled_months WHERE backfilled_months.keyword_id = keywords.id)
               AS backfilled_at
    FROM keywords WHERE id IN (SELECT keyword_id FROM ({_SUBSCRIBED})) ORDER BY shown COLLATE NOCASE
"""
# The inner query selects by date, so that all columns are read for the selected papers only.
_NEWEST = f"""
    SELECT {PAPER_COLUMNS} FROM papers WHERE arxiv_id IN (
        SELECT arxiv_id FROM papers WHERE arxiv_id IN (
            SELECT arxiv_id FROM matches WHERE keyword_id = :keyword
            UNION SELECT arxiv_id FROM backfilled_papers WHERE keyword_id = :keyword)
        ORDER BY updated DESC, arxiv_id DESC LIMIT :limit)
    ORDER BY updated DESC, arxiv_id DESC
"""


@dataclass(frozen=True, slots=True)
class PageKeywords:
    """The keywords of a page in their order, by id and as they were typed.

    `updated` is when arXiv was last read completely, None before the first time.
    """

    updated: datetime | None
    ids: tuple[int, ...]
    shown: tuple[str, ...]


class PageStore:
    """The papers of the page."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def data_version(self) -> int:
        """Returns a number that changes whenever the database is written; cheap."""
        async with self._database.reading() as connection:
            # Counts the commits of all other connections; the reader itself commits nothing.
            rows = await connection.execute_fetchall("PRAGMA data_version")
        return int(next(iter(rows))[0])

    async def channels(self) -> frozenset[int]:
        """Returns the channels with a keyword that are not gone."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"SELECT DISTINCT channel_id FROM ({_SUBSCRIBED})", {"channels": None}
            )
        return frozenset(row["channel_id"] for row in rows)

    async def keywords(self, channels: Collection[int] | None) -> PageKeywords:
        """Returns the keywords of these channels (None: all), each once."""
        selected = None if channels is None else json.dumps(sorted(channels))
        async with self._database.reading() as connection:
            rows = list(await connection.execute_fetchall(_KEYWORDS, {"channels": selected}))
        times = [time for row in rows for time in (row["synced_until"], row["backfilled_at"]) if time is not None]
        return PageKeywords(
            updated=_latest(times), ids=tuple(row["id"] for row in rows), shown=tuple(row["shown"] for row in rows)
        )

    async def sections(self, keywords: PageKeywords, limit: int) -> AsyncIterator[Section]:
        """Yields a section for each keyword, read when it is needed, with at most `limit` of its newest papers.

        Papers are ordered by the date of their latest version, which the page shows. No connection is held between
        two sections.
        """
        for keyword_id, shown in zip(keywords.ids, keywords.shown, strict=True):
            yield await self._section(keyword_id, shown, limit)

    async def _section(self, keyword_id: int, shown: str, limit: int) -> Section:
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(_NEWEST, {"keyword": keyword_id, "limit": limit})
            papers = tuple(row_to_paper(row) for row in rows)
            trending_entries = await read_trending_entries(connection, {paper.arxiv_id for paper in papers})
        return Section(shown, papers, trending_entries)


def _latest(texts: Collection[str]) -> datetime | None:
    return to_datetime(max(texts)) if texts else None
