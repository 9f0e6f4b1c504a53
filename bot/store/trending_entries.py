"""The entries of Hugging Face's trending lists, as they were last fetched.

A paper has one row, for the newest day that lists it. Storing a day requests edits of the messages whose votes or code
link changed enough.
"""

import json
import sqlite3
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from bot.domain.paper import ArxivId
from bot.domain.trending.entry import RenderedVotes, TrendingEntry, needs_rerender
from bot.store.codecs import to_datetime, to_text
from bot.store.connection import Connection
from bot.store.database import Database

# How long a day's list is kept after it was last fetched.
TRENDING_KEPT: Final = timedelta(days=60)

_COLUMNS = (
    "arxiv_id, day, title, summary, authors, votes, comments, organization, code_url, stars, ai_summary, thumbnail_url"
)
_VALUES = ", ".join("?" for _ in _COLUMNS.split(", "))
_UPDATES = ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS.split(", ") if column != "arxiv_id")


class TrendingEntries:
    """The stored trending lists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_day(self, day: date, trending_entries: Iterable[TrendingEntry], now: datetime) -> bool:
        """Stores the complete list of a day, fetched at `now`; returns whether messages are to be edited for it.

        A paper that a newer day lists keeps that day's row. Lists that were fetched long ago are deleted.
        """
        entries = tuple(trending_entries)
        ids = json.dumps([trending_entry.arxiv_id.value for trending_entry in entries])
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM trending_entries WHERE day = ? AND arxiv_id NOT IN (SELECT value FROM json_each(?))",
                (day.isoformat(), ids),
            )
            await connection.executemany(
                f"""INSERT INTO trending_entries ({_COLUMNS}) VALUES ({_VALUES})
                    ON CONFLICT (arxiv_id) DO UPDATE SET {_UPDATES} WHERE excluded.day >= trending_entries.day""",
                [_to_row(trending_entry) for trending_entry in entries],
            )
            await connection.execute(
                """INSERT INTO trending_days VALUES (?, ?)
                   ON CONFLICT (day) DO UPDATE SET fetched_at = excluded.fetched_at""",
                (day.isoformat(), to_text(now)),
            )
            await connection.execute("DELETE FROM trending_days WHERE fetched_at < ?", (to_text(now - TRENDING_KEPT),))
            await connection.execute("DELETE FROM trending_entries WHERE day NOT IN (SELECT day FROM trending_days)")
            return await _request_edits(connection, day)

    async def of_day(self, day: date) -> tuple[TrendingEntry, ...]:
        """Returns a day's entries, most votes first; none if the list was not fetched."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"SELECT {_COLUMNS} FROM trending_entries WHERE day = ? ORDER BY votes DESC, arxiv_id DESC",
                (day.isoformat(),),
            )
        return tuple(_to_entry(row) for row in rows)

    async def fetched_at(self, day: date) -> datetime | None:
        """Returns when the day's list was last fetched; None if it is not stored."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                "SELECT fetched_at FROM trending_days WHERE day = ?", (day.isoformat(),)
            )
        return next((to_datetime(row["fetched_at"]) for row in rows), None)

    async def of_papers(self, papers: Iterable[ArxivId]) -> dict[ArxivId, TrendingEntry]:
        """Returns the entries of those of these papers that are listed."""
        async with self._database.reading() as connection:
            return await read_trending_entries(connection, papers)

    async def are_needed(self, now: datetime, posted_within: timedelta) -> bool:
        """Returns whether lists are needed: a channel subscribes to them, or papers were posted recently."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT EXISTS (SELECT 1 FROM channel_settings WHERE trending_min_votes IS NOT NULL)
                       OR EXISTS (SELECT 1 FROM posts WHERE message_id IS NOT NULL AND settled_at >= ?)""",
                (to_text(now - posted_within),),
            )
        return bool(next(iter(rows))[0])


async def read_trending_entries(connection: Connection, papers: Iterable[ArxivId]) -> dict[ArxivId, TrendingEntry]:
    """Returns the entries of those of these papers that are listed, on the caller's connection."""
    rows = await connection.execute_fetchall(
        f"SELECT {_COLUMNS} FROM trending_entries WHERE arxiv_id IN (SELECT value FROM json_each(?))",
        (json.dumps([arxiv_id.value for arxiv_id in papers]),),
    )
    return {trending_entry.arxiv_id: trending_entry for trending_entry in map(_to_entry, rows)}


async def _request_edits(connection: Connection, day: date) -> bool:
    """Requests edits of the messages in which votes or code links of the day's papers are out of date."""
    rows = await connection.execute_fetchall(
        f"SELECT {_COLUMNS}, rendered_votes, rendered_code FROM trending_entries WHERE day = ?", (day.isoformat(),)
    )
    candidates = ((_to_entry(row), RenderedVotes(row["rendered_votes"] or 0, row["rendered_code"])) for row in rows)
    outdated = json.dumps([entry.arxiv_id.value for entry, rendered in candidates if needs_rerender(entry, rendered)])
    await connection.execute(
        """UPDATE trending_entries SET rendered_votes = votes, rendered_code = code_url
           WHERE arxiv_id IN (SELECT value FROM json_each(?))""",
        (outdated,),
    )
    requested = await connection.execute(
        """INSERT INTO edits (post_key)
           SELECT DISTINCT post_key FROM outbox WHERE arxiv_id IN (SELECT value FROM json_each(?))
             AND post_key IS NOT NULL AND state IN ('waiting', 'delivered')
           ON CONFLICT DO UPDATE SET request_count = request_count + 1""",
        (outdated,),
    )
    return requested.rowcount > 0


def _to_row(trending_entry: TrendingEntry) -> tuple[str | int | None, ...]:
    return (
        trending_entry.arxiv_id.value,
        trending_entry.day.isoformat(),
        trending_entry.title,
        trending_entry.summary,
        json.dumps(trending_entry.authors, ensure_ascii=False),
        trending_entry.votes,
        trending_entry.comments,
        trending_entry.organization,
        trending_entry.code_url,
        trending_entry.stars,
        trending_entry.ai_summary,
        trending_entry.thumbnail_url,
    )


def _to_entry(row: sqlite3.Row) -> TrendingEntry:
    return TrendingEntry(
        arxiv_id=ArxivId(row["arxiv_id"]),
        day=date.fromisoformat(row["day"]),
        title=row["title"],
        summary=row["summary"],
        authors=tuple(json.loads(row["authors"])),
        votes=row["votes"],
        comments=row["comments"],
        organization=row["organization"],
        code_url=row["code_url"],
        stars=row["stars"],
        ai_summary=row["ai_summary"],
        thumbnail_url=row["thumbnail_url"],
    )
