"""The papers of the page: what matched each keyword and what a backfill found of its past, the newest first.

Channels enter; a `Page` leaves. It only reads, and knows nothing of how a page looks.
"""

import json
from collections.abc import Collection
from datetime import datetime

from bot.domain.paper import Paper
from bot.page.model import Page, Section
from bot.store.codecs import PAPER_COLUMNS, row_to_paper, to_datetime
from bot.store.database import Database

# A channel that is gone has no readers any more.
_SUBSCRIBED = """
    SELECT channel_id, keyword_id FROM subscriptions JOIN channels USING (channel_id)
    WHERE gone_since IS NULL AND (:channels IS NULL OR channel_id IN (SELECT value FROM json_each(:channels)))
"""
_KEYWORDS = f"""
    SELECT id, shown, synced_until,
           (SELECT max(fetched_at) FROM backfilled_months WHERE backfilled_months.keyword_id = keywords.id)
               AS backfilled_at
    FROM keywords WHERE id IN (SELECT keyword_id FROM ({_SUBSCRIBED})) ORDER BY canonical
"""
# Only of the papers that the dates choose is everything read.
_NEWEST = f"""
    SELECT {PAPER_COLUMNS} FROM papers WHERE arxiv_id IN (
        SELECT arxiv_id FROM papers WHERE arxiv_id IN (
            SELECT arxiv_id FROM matches WHERE keyword_id = :keyword
            UNION SELECT arxiv_id FROM backfilled_papers WHERE keyword_id = :keyword)
        ORDER BY updated DESC, arxiv_id DESC LIMIT :limit)
    ORDER BY updated DESC, arxiv_id DESC
"""


class PageStore:
    """The papers of the store, as they stand on the page."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def data_version(self) -> int:
        """A number that is another one after anybody has written to the database; cheap to ask for."""
        async with self._database.reading() as connection:
            # Counts the commits of all connections but the reader's own, which makes none.
            rows = await connection.execute_fetchall("PRAGMA data_version")
        return int(next(iter(rows))[0])

    async def channels(self) -> frozenset[int]:
        """The channels that watch a keyword and are not gone."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"SELECT DISTINCT channel_id FROM ({_SUBSCRIBED})", {"channels": None}
            )
        return frozenset(row["channel_id"] for row in rows)

    async def page(self, channels: Collection[int] | None, limit: int) -> Page:
        """The keywords of these channels (None: of all), each once, with their newest papers, at most `limit` each.

        Newest by the latest version: that is the date that the page shows.
        """
        wanted = None if channels is None else json.dumps(sorted(channels))
        async with self._database.reading() as connection:
            keywords = list(await connection.execute_fetchall(_KEYWORDS, {"channels": wanted}))
        read = [
            moment for row in keywords for moment in (row["synced_until"], row["backfilled_at"]) if moment is not None
        ]
        return Page(
            updated=_latest(read),
            sections=tuple([Section(row["shown"], await self._newest(row["id"], limit)) for row in keywords]),
        )

    async def _newest(self, keyword_id: int, limit: int) -> tuple[Paper, ...]:
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(_NEWEST, {"keyword": keyword_id, "limit": limit})
        return tuple(row_to_paper(row) for row in rows)


def _latest(texts: Collection[str]) -> datetime | None:
    return to_datetime(max(texts)) if texts else None
