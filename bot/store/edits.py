"""Messages to be touched again after they were posted: drawn anew, or published to an announcement channel's followers.

Wishes come from a trigger on changed papers, from passes (`readings`) and from lists (`listings`); what is done leaves
no trace.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.post import Post
from bot.store.codecs import to_text
from bot.store.database import Database
from bot.store.posts import read_post

# How long a posted message follows its papers' new versions.
EDITED_FOR: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Edit:
    """A message to be drawn anew, and how often that was asked for."""

    post: Post
    request_count: int


class Edits:
    """What is to be done to messages that Discord holds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, now: datetime) -> tuple[Edit, ...]:
        """The messages to be drawn anew now, the oldest first; wishes for old or lost messages are forgotten.

        Those that are on their way, or in a channel that nothing can be done in, wait.
        """
        async with self._database.transaction() as connection:
            await connection.execute(
                """DELETE FROM edits WHERE post_key IN (
                       SELECT key FROM posts WHERE settled_at <= ? OR settled_at IS NOT NULL AND message_id IS NULL)""",
                (to_text(now - EDITED_FOR),),
            )
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT posts.*, request_count
                   FROM posts JOIN edits ON post_key = key JOIN channels USING (channel_id)
                   WHERE settled_at IS NOT NULL AND coalesce(edits.not_before, '') <= ? AND blocked_reason IS NULL
                   ORDER BY settled_at, key""",
                (to_text(now),),
            )
            return tuple([Edit(await read_post(connection, row), row["request_count"]) for row in rows])

    async def done(self, edit: Edit) -> None:
        """The message is as its papers were; a change that came meanwhile is still to be drawn."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM edits WHERE post_key = ? AND request_count = ?", (edit.post.key, edit.request_count)
            )

    async def postpone(self, edit: Edit, not_before: datetime) -> None:
        """Try to draw the message anew no earlier than that."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE edits SET not_before = ? WHERE post_key = ?", (to_text(not_before), edit.post.key)
            )

    async def to_publish(self, now: datetime) -> tuple[Post, ...]:
        """The messages that their announcement channel's followers are to get now, the oldest first.

        A message that has to wait holds up those that were posted after it.
        """
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(
                """SELECT * FROM posts WHERE publish_at <= :now
                     AND channel_id NOT IN (SELECT channel_id FROM posts WHERE publish_at > :now)
                   ORDER BY settled_at, key""",
                {"now": to_text(now)},
            )
            return tuple([await read_post(connection, row) for row in rows])

    async def published(self, post: Post) -> None:
        """The followers have the message, or never will."""
        async with self._database.transaction() as connection:
            await connection.execute("UPDATE posts SET publish_at = NULL WHERE key = ?", (post.key,))

    async def postpone_publishing(self, post: Post, not_before: datetime) -> None:
        """Publish the message no earlier than that."""
        async with self._database.transaction() as connection:
            await connection.execute("UPDATE posts SET publish_at = ? WHERE key = ?", (to_text(not_before), post.key))
