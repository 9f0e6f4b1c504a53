"""What a write to one table changes in others: which messages are to be edited, and which papers count as posted.

Every function runs within the caller's transaction.
"""

from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert

from bot.store.column_types import Id, Text
from bot.store.connection import Connection
from bot.store.expressions import listed
from bot.store.schema import edits, found_papers, outbox
from bot.store.schema.posts import IS_QUEUED

# A message to edit was sent, or may have been.
_IN_MESSAGE: Final = sa.and_(
    outbox.c.post_key.is_not(None),
    outbox.c.state.in_([sa.literal_column("'waiting'"), sa.literal_column("'delivered'")]),
)
# The message in which a paper was found.
_FOUND_IN: Final = (
    sa.select(found_papers.c.post_key)
    .where(found_papers.c.channel_id == outbox.c.channel_id, found_papers.c.arxiv_id == outbox.c.arxiv_id)
    .correlate(outbox)
)
_HAS_FOUND_PAPERS: Final = sa.select(sa.exists(sa.select(found_papers.c.arxiv_id)))


async def request_edits_of_papers(connection: Connection, arxiv_ids: Iterable[str]) -> int:
    """Requests edits of the messages with any of these papers; returns how many messages."""
    return await _request_edits(connection, outbox.c.arxiv_id.in_(listed(arxiv_ids, Text)))


async def request_edits_of_entries(connection: Connection, outbox_ids: Iterable[int]) -> int:
    """Requests edits of the messages with any of these outbox rows; returns how many messages."""
    return await _request_edits(connection, outbox.c.id.in_(listed(outbox_ids, Id)))


async def request_edit(connection: Connection, post_key: str) -> None:
    """Requests an edit of this message."""
    await _write_requests(connection, insert(edits).values(post_key=post_key))


async def _request_edits(connection: Connection, condition: sa.ColumnElement[bool]) -> int:
    keys = sa.select(outbox.c.post_key).distinct().where(condition, _IN_MESSAGE)
    return await _write_requests(connection, insert(edits).from_select(["post_key"], keys, include_defaults=False))


async def _write_requests(connection: Connection, request: Insert) -> int:
    return await connection.write(
        request.on_conflict_do_update(
            index_elements=[edits.c.post_key], set_={"request_count": edits.c.request_count + 1}
        )
    )


async def count_entries_as_posted(connection: Connection, outbox_ids: Iterable[int]) -> None:
    """Settles those of these outbox rows that are unbound and whose paper was found in a message of the channel.

    To be called for rows that were inserted or released.
    """
    if await connection.scalar(_HAS_FOUND_PAPERS):  # none in most databases, and a poll inserts many rows
        await _count_as_posted(connection, outbox.c.id.in_(listed(outbox_ids, Id)))


async def count_papers_as_posted(connection: Connection, channel_id: int, arxiv_ids: Iterable[str]) -> None:
    """Settles the unbound outbox rows of papers that were found in messages of the channel."""
    await _count_as_posted(
        connection, outbox.c.channel_id == channel_id, outbox.c.arxiv_id.in_(listed(arxiv_ids, Text))
    )


async def _count_as_posted(connection: Connection, *conditions: sa.ColumnElement[Any]) -> None:
    await connection.write(
        sa.update(outbox)
        .where(*conditions, IS_QUEUED, _FOUND_IN.exists())
        .values(state="delivered", post_key=_FOUND_IN.scalar_subquery())
    )
