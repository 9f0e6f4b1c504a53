"""The posted messages that are to be edited, or published to an announcement channel's followers.

Edits are requested by a trigger on changed papers, by polls (`ingest`) and by trending lists (`trending_entries`). A
finished edit leaves no row.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.post import Post
from bot.store.clock_repair import no_wait, times_of_waits
from bot.store.codecs import to_text
from bot.store.database import Database
from bot.store.posts import read_posts

# How long after posting a message is edited for new versions of its papers.
EDITED_FOR: Final = timedelta(days=30)
# How many messages are read at once, with their papers.
EDITS_READ_MAX: Final = 50

_MAY_PUBLISH: Final = no_wait("publish_at", "posts")
_IS_INCOMPLETE: Final = """EXISTS (
    SELECT * FROM found_papers WHERE found_papers.post_key = posts.key AND NOT EXISTS (
        SELECT * FROM outbox WHERE outbox.post_key = posts.key AND outbox.arxiv_id = found_papers.arxiv_id))"""


@dataclass(frozen=True, slots=True)
class Edit:
    """A message to be edited, and how often that was requested."""

    post: Post
    request_count: int


class Edits:
    """The pending edits and publications of posted messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, now: datetime, limit: int = EDITS_READ_MAX) -> tuple[Edit, ...]:
        """Returns the messages to be edited now, oldest first, at most `limit`; drops requests for old, deleted ones.

        Unsettled messages and those of blocked channels wait, and found messages with papers that are not known yet:
        they would lose these papers. Without a request for an edit, nothing is written, and no other table is read.
        """
        if not await self._drop_expired(now):
            return ()
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT posts.*, request_count
                    FROM edits CROSS JOIN posts ON key = post_key JOIN channels USING (channel_id)
                    WHERE settled_at IS NOT NULL AND {no_wait("not_before", "edits")} AND blocked_reason IS NULL
                      AND NOT {_IS_INCOMPLETE}
                    ORDER BY settled_at, key LIMIT :limit""",
                times_of_waits(now) | {"limit": limit},
            )
            rows = tuple(rows)
            posts = await read_posts(connection, rows)
        return tuple(Edit(post, row["request_count"]) for post, row in zip(posts, rows, strict=True))

    async def _drop_expired(self, now: datetime) -> bool:
        """Drops the requests for old and deleted messages; returns whether there are other requests."""
        expired = "settled_at <= ? OR settled_at IS NOT NULL AND message_id IS NULL"
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT count(*) AS requests, coalesce(sum(CASE WHEN {expired} THEN 1 ELSE 0 END), 0) AS expired
                    FROM edits CROSS JOIN posts ON key = post_key""",
                (to_text(now - EDITED_FOR),),
            )
        counted = next(iter(rows))
        if counted["expired"]:
            async with self._database.transaction() as connection:
                await connection.execute(
                    f"DELETE FROM edits WHERE post_key IN (SELECT key FROM posts WHERE key = post_key AND ({expired}))",
                    (to_text(now - EDITED_FOR),),
                )
        return bool(counted["requests"] > counted["expired"])

    async def done(self, edit: Edit) -> None:
        """Removes a finished edit, unless it was requested again in the meantime."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM edits WHERE post_key = ? AND request_count = ?", (edit.post.key, edit.request_count)
            )

    async def postpone(self, edit: Edit, not_before: datetime, *, now: datetime) -> None:
        """Postpones an edit from `now` until `not_before`."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE edits SET not_before = ?, waits_since = ? WHERE post_key = ?",
                (to_text(not_before), to_text(now), edit.post.key),
            )

    async def to_publish(self, now: datetime, limit: int = EDITS_READ_MAX) -> tuple[Post, ...]:
        """Returns the messages to be published to followers now, oldest first, at most `limit`.

        A postponed message holds back the later ones of its channel.
        """
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                f"""SELECT * FROM posts WHERE publish_at IS NOT NULL AND {_MAY_PUBLISH} AND channel_id NOT IN (
                        SELECT channel_id FROM posts WHERE publish_at IS NOT NULL AND NOT {_MAY_PUBLISH})
                    ORDER BY settled_at, key LIMIT :limit""",
                times_of_waits(now) | {"limit": limit},
            )
            return await read_posts(connection, rows) if rows else ()

    async def published(self, post: Post) -> None:
        """Records that the message is published, or never will be."""
        async with self._database.transaction() as connection:
            await connection.execute("UPDATE posts SET publish_at = NULL WHERE key = ?", (post.key,))

    async def postpone_publishing(self, post: Post, not_before: datetime, *, now: datetime) -> None:
        """Postpones a publication from `now` until `not_before`."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE posts SET publish_at = ?, waits_since = ? WHERE key = ?",
                (to_text(not_before), to_text(now), post.key),
            )
