"""Writes the results of polls and initial syncs: papers, matches and outbox rows.

This is the durable boundary between ingest and publish. An initial sync writes papers and matches, which are never
posted. A poll writes, per window, papers, matches and the outbox rows of new papers in one transaction; it advances
`synced_until` only after its last window.
"""

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.matching import Match
from bot.domain.paper import Paper
from bot.domain.subscription import WatchedKeyword
from bot.store.codecs import to_text
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.due_times import reschedule
from bot.store.papers import known_papers, skip_withdrawn, write_papers

# The planned keywords that are still watched and whose `synced_until` is unchanged since planning. A keyword that lost
# its last subscription in the meantime has none; one that was subscribed to again waits for its initial sync.
# CROSS JOIN fixes the order: for each keyword, SQLite would read the whole list, 100 s for 10,000 keywords.
_UNCHANGED = """
    SELECT keywords.id FROM json_each(:planned) AS planned
    CROSS JOIN keywords ON keywords.id = json_extract(planned.value, '$.id')
    WHERE synced_until IS json_extract(planned.value, '$.synced_until')
      AND keywords.id IN (SELECT keyword_id FROM subscriptions)
"""
_WRITE_MATCHES = f"""
    INSERT INTO matches (keyword_id, arxiv_id, matched_at)
    SELECT json_extract(value, '$.keyword'), json_extract(value, '$.paper'), :now FROM json_each(:matches)
    WHERE json_extract(value, '$.keyword') IN ({_UNCHANGED})
    ON CONFLICT DO NOTHING RETURNING keyword_id, arxiv_id
"""
_WRITE_OUTBOX = """
    INSERT INTO outbox (channel_id, arxiv_id, arrived_at, due_at)
    SELECT DISTINCT subscriptions.channel_id, papers.arxiv_id, :now, :now
    FROM json_each(:new_matches)
    CROSS JOIN keywords ON keywords.id = json_extract(value, '$.keyword')
    CROSS JOIN papers ON papers.arxiv_id = json_extract(value, '$.paper')
    CROSS JOIN subscriptions ON subscriptions.keyword_id = keywords.id
    WHERE papers.published > keywords.new_since
    ON CONFLICT (channel_id, arxiv_id) DO NOTHING
    RETURNING channel_id, arxiv_id
"""
_WRITE_OUTBOX_KEYWORDS = """
    INSERT INTO outbox_keywords (outbox_id, keyword_id)
    SELECT outbox.id, matches.keyword_id
    FROM outbox JOIN matches USING (arxiv_id) JOIN subscriptions USING (channel_id, keyword_id)
    WHERE outbox.state = 'waiting' AND outbox.post_key IS NULL
      AND outbox.arxiv_id IN (SELECT json_extract(value, '$.paper') FROM json_each(:new_matches))
    ON CONFLICT DO NOTHING
"""
# A message that was sent gets the keywords that match its paper later; earlier matches are not added.
_ADD_KEYWORDS_TO_POSTED = """
    INSERT INTO outbox_keywords (outbox_id, keyword_id)
    SELECT outbox.id, subscriptions.keyword_id
    FROM json_each(:new_matches)
    JOIN subscriptions ON subscriptions.keyword_id = json_extract(value, '$.keyword')
    JOIN outbox ON outbox.arxiv_id = json_extract(value, '$.paper') AND outbox.channel_id = subscriptions.channel_id
    WHERE outbox.state IN ('waiting', 'delivered') AND outbox.post_key IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING outbox_id
"""
_REQUEST_EDITS = """
    INSERT INTO edits (post_key) SELECT DISTINCT post_key FROM outbox WHERE id IN (SELECT value FROM json_each(?))
    ON CONFLICT DO UPDATE SET request_count = request_count + 1
"""


@dataclass(frozen=True, slots=True)
class WindowWritten:
    """How many papers were new to a channel, and how many outbox rows (paper and channel) were added.

    `edits` is True if any edit is pending.
    """

    papers: int
    posts: int
    edits: bool = False


class IngestStore:
    """Writes fetched papers, and until when each keyword is synced."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_seen(
        self,
        planned: Collection[WatchedKeyword],
        papers: Sequence[Paper],
        matches: Collection[Match],
        now: datetime,
    ) -> None:
        """Writes one window of an initial sync, whose papers count as seen."""
        async with self._database.transaction() as connection:
            await _write_matched(connection, planned, papers, matches, now)

    async def record_window(
        self,
        planned: Collection[WatchedKeyword],
        papers: Sequence[Paper],
        matches: Collection[Match],
        now: datetime,
        *,
        seen: Collection[Match] = (),
    ) -> WindowWritten:
        """Writes one complete window of a poll, and the outbox rows that follow from it, in one transaction.

        `seen` are further matches that count as seen: they are stored, but neither posted nor added to messages.
        """
        async with self._database.transaction() as connection:
            if seen:
                await _write_matched(connection, planned, papers, seen, now)
            new_matches = await _write_matched(connection, planned, papers, matches, now)
            cursor = await connection.execute(_WRITE_OUTBOX, {"new_matches": new_matches, "now": to_text(now)})
            arrived = list(await cursor.fetchall())
            await connection.execute(_WRITE_OUTBOX_KEYWORDS, {"new_matches": new_matches})
            await _add_keywords_to_posted(connection, new_matches)
            withdrawn = await skip_withdrawn(connection, [paper.arxiv_id for paper in papers])
            await reschedule(connection, {row["channel_id"] for row in arrived})
            posts = [row["arxiv_id"] for row in arrived if row["arxiv_id"] not in withdrawn]
            pending = await connection.execute_fetchall("SELECT EXISTS (SELECT * FROM edits) AS edits")
            return WindowWritten(papers=len(set(posts)), posts=len(posts), edits=bool(next(iter(pending))["edits"]))

    async def finish_initial_sync(
        self, planned: Collection[WatchedKeyword], new_since: datetime, synced_until: datetime
    ) -> None:
        """Completes the initial sync of keywords: from now on polls find their new papers."""
        async with self._database.transaction() as connection:
            await connection.execute(
                f"""UPDATE keywords SET new_since = :from, synced_until = :until, previous_matcher_until = NULL
                    WHERE id IN ({_UNCHANGED})""",
                {
                    "from": to_text(new_since),
                    "until": to_text(synced_until),
                    "planned": await asyncio.to_thread(_to_json, planned),
                },
            )

    async def finish_poll(self, planned: Collection[WatchedKeyword], synced_until: datetime) -> None:
        """Advances the keywords of a poll after its last window."""
        async with self._database.transaction() as connection:
            await connection.execute(
                f"UPDATE keywords SET synced_until = :until WHERE id IN ({_UNCHANGED})",
                {"until": to_text(synced_until), "planned": await asyncio.to_thread(_to_json, planned)},
            )


async def _add_keywords_to_posted(connection: Connection, new_matches: str) -> None:
    """Adds newly matched keywords to messages that were sent or are about to be, and requests their edits."""
    cursor = await connection.execute(_ADD_KEYWORDS_TO_POSTED, {"new_matches": new_matches})
    changed = [row["outbox_id"] for row in await cursor.fetchall()]
    await connection.execute(_REQUEST_EDITS, (json.dumps(changed),))


async def _write_matched(
    connection: Connection,
    planned: Collection[WatchedKeyword],
    papers: Sequence[Paper],
    matches: Collection[Match],
    now: datetime,
) -> str:
    """Writes the papers that matched or are known, and the matches; returns the new matches as JSON."""
    relevant = {match.arxiv_id for match in matches} | await known_papers(connection, papers)
    await write_papers(connection, [paper for paper in papers if paper.arxiv_id in relevant])
    values = await asyncio.to_thread(_to_values, planned, matches)
    cursor = await connection.execute(_WRITE_MATCHES, values | {"now": to_text(now)})
    rows = await cursor.fetchall()
    return json.dumps([{"keyword": row["keyword_id"], "paper": row["arxiv_id"]} for row in rows])


def _to_values(planned: Collection[WatchedKeyword], matches: Collection[Match]) -> dict[str, str]:
    """Returns the keywords and the matches as JSON. Runs in a thread, because 10,000 keywords take 50 ms."""
    ids = {watched.keyword: watched.id for watched in planned}
    pairs = [{"keyword": ids[match.keyword], "paper": match.arxiv_id.value} for match in matches]
    return {"planned": _to_json(planned), "matches": json.dumps(pairs)}


def _to_json(planned: Collection[WatchedKeyword]) -> str:
    return json.dumps(
        [
            {"id": watched.id, "synced_until": None if watched.synced_until is None else to_text(watched.synced_until)}
            for watched in planned
        ]
    )
