"""The entries of Hugging Face's trending lists, as they were last fetched.

A paper has one row, for the newest day that lists it. Storing a day requests edits of the messages whose votes or code
link changed enough.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.domain.paper import ArxivId
from bot.domain.trending.entry import RenderedVotes, TrendingEntry, needs_rerender
from bot.store.column_types import Text, Utc
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.effects import request_edits_of_papers
from bot.store.expressions import listed
from bot.store.schema import channel_settings, posts, trending_days, trending_entries

# How long a day's list is kept after it was last fetched.
TRENDING_KEPT: Final = timedelta(days=60)

_COLUMNS: Final = [
    column for column in trending_entries.columns if column.name not in {"rendered_votes", "rendered_code"}
]
_INSERT: Final = insert(trending_entries)
_UPSERT: Final = _INSERT.on_conflict_do_update(
    index_elements=[trending_entries.c.arxiv_id],
    set_={column.name: _INSERT.excluded[column.name] for column in _COLUMNS if column.name != "arxiv_id"},
    where=_INSERT.excluded.day >= trending_entries.c.day,
)
_INSERT_DAY: Final = insert(trending_days)
_UPSERT_DAY: Final = _INSERT_DAY.on_conflict_do_update(
    index_elements=[trending_days.c.day], set_={"fetched_at": _INSERT_DAY.excluded.fetched_at}
)
_OF_DAY: Final = trending_entries.c.day == sa.bindparam("day", type_=Text)
_LAST_POST: Final = sa.select(sa.func.max(posts.c.settled_at)).where(posts.c.message_id.is_not(None)).scalar_subquery()
_ARE_NEEDED: Final = sa.select(
    sa.or_(
        sa.exists().where(channel_settings.c.trending_min_votes.is_not(None)),
        # Not EXISTS: PostgreSQL would read the table up to the first recent post, which is at its end.
        sa.func.coalesce(sa.bindparam("since", type_=Utc) <= _LAST_POST, sa.false()),
    )
)


class TrendingEntries:
    """The stored trending lists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_day(self, day: date, day_entries: Iterable[TrendingEntry], now: datetime) -> bool:
        """Stores the complete list of a day, fetched at `now`; returns whether messages are to be edited for it.

        A paper that a newer day lists keeps that day's row. Lists that were fetched long ago are deleted.
        """
        entries = tuple(day_entries)
        ids = [entry.arxiv_id.value for entry in entries]
        async with self._database.transaction() as connection:
            await connection.write(
                sa.delete(trending_entries).where(
                    trending_entries.c.day == day.isoformat(), trending_entries.c.arxiv_id.not_in(listed(ids, Text))
                )
            )
            await connection.write(_UPSERT, [_to_row(entry) for entry in entries])
            await connection.write(_UPSERT_DAY, {"day": day.isoformat(), "fetched_at": now})
            await connection.write(sa.delete(trending_days).where(trending_days.c.fetched_at < now - TRENDING_KEPT))
            await connection.write(
                sa.delete(trending_entries).where(trending_entries.c.day.not_in(sa.select(trending_days.c.day)))
            )
            return await _request_edits(connection, day)

    async def of_day(self, day: date) -> tuple[TrendingEntry, ...]:
        """Returns a day's entries, most votes first; none if the list was not fetched."""
        newest_first = trending_entries.c.votes.desc(), trending_entries.c.arxiv_id.desc()
        async with self._database.reading() as connection:
            rows = await connection.all(
                sa.select(*_COLUMNS).where(_OF_DAY).order_by(*newest_first), {"day": day.isoformat()}
            )
        return tuple(_to_entry(row) for row in rows)

    async def fetched_at(self, day: date) -> datetime | None:
        """Returns when the day's list was last fetched; None if it is not stored."""
        async with self._database.reading() as connection:
            fetched_at: datetime | None = await connection.scalar(
                sa.select(trending_days.c.fetched_at).where(trending_days.c.day == day.isoformat())
            )
        return fetched_at

    async def of_papers(self, papers: Iterable[ArxivId]) -> dict[ArxivId, TrendingEntry]:
        """Returns the entries of those of these papers that are listed."""
        async with self._database.reading() as connection:
            return await read_trending_entries(connection, papers)

    async def are_needed(self, now: datetime, posted_within: timedelta) -> bool:
        """Returns whether lists are needed: a channel subscribes to them, or papers were posted recently."""
        async with self._database.reading() as connection:
            return bool(await connection.scalar(_ARE_NEEDED, {"since": now - posted_within}))


async def read_trending_entries(connection: Connection, papers: Iterable[ArxivId]) -> dict[ArxivId, TrendingEntry]:
    """Returns the entries of those of these papers that are listed, on the caller's connection."""
    ids = listed([arxiv_id.value for arxiv_id in papers], Text)
    rows = await connection.all(sa.select(*_COLUMNS).where(trending_entries.c.arxiv_id.in_(ids)))
    return {entry.arxiv_id: entry for entry in map(_to_entry, rows)}


async def _request_edits(connection: Connection, day: date) -> bool:
    """Requests edits of the messages in which votes or code links of the day's papers are out of date."""
    rows = await connection.all(sa.select(trending_entries).where(_OF_DAY), {"day": day.isoformat()})
    outdated = [
        row.arxiv_id
        for row in rows
        if needs_rerender(_to_entry(row), RenderedVotes(row.rendered_votes or 0, row.rendered_code))
    ]
    await connection.write(
        sa.update(trending_entries)
        .where(trending_entries.c.arxiv_id.in_(listed(outdated, Text)))
        .values(rendered_votes=trending_entries.c.votes, rendered_code=trending_entries.c.code_url)
    )
    return await request_edits_of_papers(connection, outdated) > 0


def _to_row(entry: TrendingEntry) -> dict[str, object]:
    return {
        "arxiv_id": entry.arxiv_id.value,
        "day": entry.day.isoformat(),
        "title": entry.title,
        "summary": entry.summary,
        "authors": entry.authors,
        "votes": entry.votes,
        "comments": entry.comments,
        "organization": entry.organization,
        "code_url": entry.code_url,
        "stars": entry.stars,
        "ai_summary": entry.ai_summary,
        "thumbnail_url": entry.thumbnail_url,
    }


def _to_entry(row: sa.Row[Any]) -> TrendingEntry:
    return TrendingEntry(
        arxiv_id=ArxivId(row.arxiv_id),
        day=date.fromisoformat(row.day),
        title=row.title,
        summary=row.summary,
        authors=row.authors,
        votes=row.votes,
        comments=row.comments,
        organization=row.organization,
        code_url=row.code_url,
        stars=row.stars,
        ai_summary=row.ai_summary,
        thumbnail_url=row.thumbnail_url,
    )
