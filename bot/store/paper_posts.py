"""Reads in which of a server's messages a paper was posted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.paper import ArxivId
from bot.store.column_types import Id, Text
from bot.store.database import Database
from bot.store.schema import channels, found_papers, outbox, posts

_GUILD: Final = sa.bindparam("guild", type_=Id)
_PAPER: Final = sa.bindparam("paper", type_=Text)


def _posted(table: sa.Table) -> sa.Select[Any]:
    """Returns the query for the messages in which rows of this table were posted.

    It finds the row of each channel of the server by its key: a paper can be in the channels of thousands of servers.
    """
    in_channel = sa.and_(table.c.channel_id == channels.c.channel_id, table.c.arxiv_id == _PAPER)
    return (
        sa.select(table.c.channel_id, posts.c.message_id, posts.c.thread_id, posts.c.settled_at)
        .select_from(channels.join(table, in_channel).join(posts, posts.c.key == table.c.post_key))
        .where(channels.c.guild_id == _GUILD, posts.c.message_id.is_not(None))
    )


_IN_SERVER: Final = sa.union_all(
    _posted(outbox).where(outbox.c.state == sa.literal("delivered", Text)), _posted(found_papers)
)


@dataclass(frozen=True, slots=True)
class PaperPost:
    """A message with a paper; `thread_id` is its forum post."""

    channel_id: int
    message_id: int
    thread_id: int | None
    posted_at: datetime


class PaperPosts:
    """The messages with a paper."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def in_server(self, guild_id: int, arxiv_id: ArxivId) -> tuple[PaperPost, ...]:
        """Returns the messages of a server's channels with a paper, oldest first."""
        async with self._database.reading() as connection:
            rows = await connection.all(_IN_SERVER, {"guild": guild_id, "paper": arxiv_id.value})
        found = {PaperPost(row.channel_id, row.message_id, row.thread_id, row.settled_at) for row in rows}
        return tuple(sorted(found, key=lambda post: post.message_id))
