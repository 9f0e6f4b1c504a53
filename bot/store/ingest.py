"""What a reading of arXiv leaves behind: the durable line between the two halves.

A first reading writes papers and matches: a keyword's past. A pass writes, slice by slice, papers, matches and the
outbox rows of what is new; the marks move when all of its slices are complete.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import aiosqlite

from bot.domain.matching import Match
from bot.domain.paper import Paper
from bot.domain.subscription import WatchedKeyword
from bot.store.channel_settings import reschedule
from bot.store.codecs import to_text
from bot.store.database import Database
from bot.store.papers import known_papers, skip_withdrawn, write_papers

# The planned keywords whose mark is as it was when the reading was planned, and that somebody still watches: a
# keyword that ended meanwhile has no mark, one that ended and came back waits for its first reading.
_UNCHANGED = """
    SELECT keywords.id FROM keywords
    JOIN json_each(:planned) AS planned ON keywords.id = json_extract(planned.value, '$.id')
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
    FROM json_each(:fresh)
    JOIN keywords ON keywords.id = json_extract(value, '$.keyword')
    JOIN papers ON papers.arxiv_id = json_extract(value, '$.paper')
    JOIN subscriptions ON subscriptions.keyword_id = keywords.id
    WHERE papers.published > keywords.new_since
    ON CONFLICT (channel_id, arxiv_id) DO NOTHING
    RETURNING channel_id, arxiv_id
"""
_WRITE_REASONS = """
    INSERT INTO outbox_keywords (outbox_id, keyword_id)
    SELECT outbox.id, matches.keyword_id
    FROM outbox JOIN matches USING (arxiv_id) JOIN subscriptions USING (channel_id, keyword_id)
    WHERE outbox.state = 'waiting' AND outbox.post_key IS NULL
      AND outbox.arxiv_id IN (SELECT json_extract(value, '$.paper') FROM json_each(:fresh))
    ON CONFLICT DO NOTHING
"""
# A message that has left names a keyword that matched its paper only later; of earlier matches it was never asked.
_ADD_REASONS = """
    INSERT INTO outbox_keywords (outbox_id, keyword_id)
    SELECT outbox.id, subscriptions.keyword_id
    FROM json_each(:fresh)
    JOIN subscriptions ON subscriptions.keyword_id = json_extract(value, '$.keyword')
    JOIN outbox ON outbox.arxiv_id = json_extract(value, '$.paper') AND outbox.channel_id = subscriptions.channel_id
    WHERE outbox.state IN ('waiting', 'delivered') AND outbox.post_key IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING outbox_id
"""
_ASK_FOR_EDITS = """
    INSERT INTO edits (post_key) SELECT DISTINCT post_key FROM outbox WHERE id IN (SELECT value FROM json_each(?))
    ON CONFLICT DO UPDATE SET request_count = request_count + 1
"""


@dataclass(frozen=True, slots=True)
class WindowWritten:
    """How many papers were new to some channel, and how many posts (paper and channel) wait because of it.

    `edits` says that messages wait to be drawn anew.
    """

    papers: int
    posts: int
    edits: bool = False


class IngestStore:
    """Writes what was read, and how far."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_seen(
        self,
        planned: Collection[WatchedKeyword],
        papers: Sequence[Paper],
        matches: Collection[Match],
        now: datetime,
    ) -> None:
        """Write one slice of a first reading: nothing of it is new to anybody."""
        async with self._database.transaction() as connection:
            await _write_matched(connection, planned, papers, matches, now)

    async def record_window(
        self,
        planned: Collection[WatchedKeyword],
        papers: Sequence[Paper],
        matches: Collection[Match],
        now: datetime,
    ) -> WindowWritten:
        """Write one complete slice of a pass, and what it brings to each channel, at once."""
        async with self._database.transaction() as connection:
            fresh = await _write_matched(connection, planned, papers, matches, now)
            cursor = await connection.execute(_WRITE_OUTBOX, {"fresh": fresh, "now": to_text(now)})
            arrived = list(await cursor.fetchall())
            await connection.execute(_WRITE_REASONS, {"fresh": fresh})
            await _add_reasons(connection, fresh)
            withdrawn = await skip_withdrawn(connection, [paper.arxiv_id for paper in papers])
            await reschedule(connection, {row["channel_id"] for row in arrived})
            posts = [row["arxiv_id"] for row in arrived if row["arxiv_id"] not in withdrawn]
            asked = await connection.execute_fetchall("SELECT EXISTS (SELECT * FROM edits) AS edits")
            return WindowWritten(papers=len(set(posts)), posts=len(posts), edits=bool(next(iter(asked))["edits"]))

    async def finish_initial_sync(
        self, planned: Collection[WatchedKeyword], new_since: datetime, synced_until: datetime
    ) -> None:
        """The keywords' past is read: from now on a pass brings what is new."""
        async with self._database.transaction() as connection:
            await connection.execute(
                f"UPDATE keywords SET new_since = :from, synced_until = :until WHERE id IN ({_UNCHANGED})",
                {"from": to_text(new_since), "until": to_text(synced_until), "planned": _planned(planned)},
            )

    async def finish_poll(self, planned: Collection[WatchedKeyword], synced_until: datetime) -> None:
        """All slices of a pass are complete: move the marks of its keywords."""
        async with self._database.transaction() as connection:
            await connection.execute(
                f"UPDATE keywords SET synced_until = :until WHERE id IN ({_UNCHANGED})",
                {"until": to_text(synced_until), "planned": _planned(planned)},
            )


async def _add_reasons(connection: aiosqlite.Connection, fresh: str) -> None:
    """A match for another keyword of the channel adds itself to the message that was posted or is about to be."""
    cursor = await connection.execute(_ADD_REASONS, {"fresh": fresh})
    named = [row["outbox_id"] for row in await cursor.fetchall()]
    await connection.execute(_ASK_FOR_EDITS, (json.dumps(named),))


async def _write_matched(
    connection: aiosqlite.Connection,
    planned: Collection[WatchedKeyword],
    papers: Sequence[Paper],
    matches: Collection[Match],
    now: datetime,
) -> str:
    """Write the papers that matched or are known, and the matches; returns those not seen before, as JSON."""
    matched = {match.arxiv_id for match in matches} | await known_papers(connection, papers)
    await write_papers(connection, [paper for paper in papers if paper.arxiv_id in matched])
    ids = {watched.keyword: watched.id for watched in planned}
    pairs = [{"keyword": ids[match.keyword], "paper": match.arxiv_id.value} for match in matches]
    cursor = await connection.execute(
        _WRITE_MATCHES, {"planned": _planned(planned), "matches": json.dumps(pairs), "now": to_text(now)}
    )
    rows = await cursor.fetchall()
    return json.dumps([{"keyword": row["keyword_id"], "paper": row["arxiv_id"]} for row in rows])


def _planned(planned: Collection[WatchedKeyword]) -> str:
    return json.dumps(
        [
            {"id": watched.id, "synced_until": None if watched.synced_until is None else to_text(watched.synced_until)}
            for watched in planned
        ]
    )
