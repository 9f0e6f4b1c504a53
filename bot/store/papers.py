"""The papers at their newest known version, and queries for a keyword's or channel's newest papers."""

import asyncio
import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime

from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId, Paper
from bot.domain.withdrawal import is_withdrawn
from bot.store.codecs import PAPER_COLUMNS, paper_to_row, row_to_paper, to_text
from bot.store.connection import Connection
from bot.store.database import Database

_NEWER = ", ".join(f"{column} = excluded.{column}" for column in PAPER_COLUMNS.split(", ") if column != "arxiv_id")
_UPSERT = f"""
    INSERT INTO papers ({PAPER_COLUMNS}) VALUES ({", ".join("?" * 12)})
    ON CONFLICT (arxiv_id) DO UPDATE SET {_NEWER} WHERE excluded.version >= papers.version
"""


async def known_papers(connection: Connection, papers: Iterable[Paper]) -> frozenset[ArxivId]:
    """Returns which of these papers are stored, as the caller's transaction sees it."""
    ids = json.dumps([paper.arxiv_id.value for paper in papers])
    rows = await connection.execute_fetchall(
        "SELECT arxiv_id FROM papers WHERE arxiv_id IN (SELECT value FROM json_each(?))", (ids,)
    )
    return frozenset(ArxivId(row["arxiv_id"]) for row in rows)


async def write_papers(connection: Connection, papers: Iterable[Paper]) -> None:
    """Inserts papers, or updates them to a newer version, within the caller's transaction."""
    written = tuple(papers)
    await connection.executemany(_UPSERT, map(paper_to_row, written))  # on the database's thread: 2,000 take 50 ms
    await skip_withdrawn(connection, [paper.arxiv_id for paper in written])


async def skip_withdrawn(connection: Connection, papers: Iterable[ArxivId]) -> frozenset[str]:
    """Removes withdrawn papers from the queue, within the caller's transaction; returns their ids.

    A paper that is bound to a message stays, because the message may exist.
    """
    unbound = "state = 'waiting' AND post_key IS NULL AND arxiv_id IN (SELECT value FROM json_each(?))"
    rows = await connection.execute_fetchall(
        f"SELECT {PAPER_COLUMNS} FROM papers WHERE arxiv_id IN (SELECT arxiv_id FROM outbox WHERE {unbound})",
        (json.dumps([arxiv_id.value for arxiv_id in papers]),),
    )
    withdrawn = await asyncio.to_thread(_withdrawn_ids, rows)  # 500 papers take 40 ms
    await connection.execute(f"UPDATE outbox SET state = 'withdrawn' WHERE {unbound}", (json.dumps(sorted(withdrawn)),))
    return withdrawn


def _withdrawn_ids(rows: Iterable[sqlite3.Row]) -> frozenset[str]:
    return frozenset(row["arxiv_id"] for row in rows if is_withdrawn(row_to_paper(row)))


class Papers:
    """The stored papers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, papers: Iterable[Paper]) -> None:
        """Stores papers that a lookup found; they do not become new to any channel."""
        async with self._database.transaction() as connection:
            await write_papers(connection, papers)

    async def get(self, arxiv_id: ArxivId) -> Paper | None:
        """Returns a paper at its newest known version; None if it is not stored."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"SELECT {PAPER_COLUMNS} FROM papers WHERE arxiv_id = ?", (arxiv_id.value,)
            )
        return next((row_to_paper(row) for row in rows), None)

    async def get_many(self, ids: Iterable[ArxivId]) -> dict[ArxivId, Paper]:
        """Returns those of these papers that are stored, at their newest known versions."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"SELECT {PAPER_COLUMNS} FROM papers WHERE arxiv_id IN (SELECT value FROM json_each(?))",
                (json.dumps([arxiv_id.value for arxiv_id in ids]),),
            )
        return {paper.arxiv_id: paper for paper in map(row_to_paper, rows)}

    async def newest(self, keyword: Keyword, limit: int, since: datetime | None = None) -> tuple[Paper, ...]:
        """Returns the papers that matched `keyword`, newest first by `published`."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT {PAPER_COLUMNS} FROM papers
                    WHERE published >= ? AND arxiv_id IN (
                        SELECT arxiv_id FROM matches JOIN keywords ON keywords.id = keyword_id WHERE canonical = ?)
                    ORDER BY published DESC, arxiv_id DESC LIMIT ?""",
                ("" if since is None else to_text(since), keyword.canonical, limit),
            )
        return tuple(row_to_paper(row) for row in rows)

    async def titles(self, limit: int) -> tuple[str, ...]:
        """Returns the titles of the newest papers, of stored ones first, then of those on trending lists."""
        async with self._database.reading() as connection:
            # Ids from before 2007 begin with a letter; newer ones sort by month. 3,000 titles take 10 ms.
            rows = await connection.execute_fetchall(
                """SELECT title FROM (SELECT title FROM papers WHERE arxiv_id < 'a' ORDER BY arxiv_id DESC LIMIT :limit)
                   UNION ALL
                   SELECT title FROM (SELECT title FROM trending_entries ORDER BY arxiv_id DESC LIMIT :limit)
                   LIMIT :limit""",
                {"limit": limit},
            )
        return tuple(row["title"] for row in rows)

    async def count_by_category(self, keyword: Keyword, since: datetime) -> tuple[tuple[str, int], ...]:
        """Returns how many papers since `since` that matched `keyword` are in each category, primary or not."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT category.value AS category, count(*) AS papers FROM matches
                   JOIN keywords ON keywords.id = keyword_id JOIN papers USING (arxiv_id)
                   JOIN json_each(papers.categories) AS category
                   WHERE canonical = ? AND published >= ?
                   GROUP BY category.value ORDER BY papers DESC, category.value""",
                (keyword.canonical, to_text(since)),
            )
        return tuple((row["category"], row["papers"]) for row in rows)

    async def newest_in_channel(self, channel_id: int, limit: int) -> tuple[tuple[Paper, tuple[str, ...]], ...]:
        """Returns the newest papers that matched a channel's keywords, with these keywords, oldest paper first."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT {PAPER_COLUMNS}, json_group_array(subscriptions.shown) AS reasons FROM papers
                    JOIN matches USING (arxiv_id) JOIN subscriptions USING (keyword_id)
                    JOIN keywords ON keywords.id = keyword_id
                    WHERE channel_id = ? GROUP BY arxiv_id ORDER BY published DESC, arxiv_id DESC LIMIT ?""",
                (channel_id, limit),
            )
        return tuple((row_to_paper(row), tuple(json.loads(row["reasons"]))) for row in reversed(list(rows)))

    async def count(self, keyword: Keyword, since: datetime) -> int:
        """Returns how many papers since `since` matched `keyword`."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT count(*) FROM matches
                   JOIN keywords ON keywords.id = keyword_id JOIN papers USING (arxiv_id)
                   WHERE canonical = ? AND published >= ?""",
                (keyword.canonical, to_text(since)),
            )
        return int(next(iter(rows))[0])
