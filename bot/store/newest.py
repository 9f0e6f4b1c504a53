"""Queues the newest papers of some of a channel's keywords, within the caller's transaction."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.domain.keyword import Keyword
from bot.domain.withdrawal import is_withdrawn
from bot.store.author_matches import put_followed_first
from bot.store.codecs import row_to_paper
from bot.store.column_types import Id, Text, Utc
from bot.store.connection import Connection
from bot.store.effects import count_entries_as_posted
from bot.store.expressions import listed
from bot.store.schema import keywords, matches, outbox, outbox_keywords, papers, subscriptions
from bot.store.withholding import is_not_withheld, without_excluded

# Earlier than every stored time.
EARLIEST: Final = datetime.min.replace(tzinfo=UTC)

_SINCE: Final = sa.bindparam("since", type_=Utc)
_COUNT: Final = sa.bindparam("count", type_=sa.Integer)
# The date of the last of a keyword's newest papers, NULL if it has fewer: a read of the first rows of an index.
_LAST_OF_NEWEST: Final = (
    sa.select(matches.c.published)
    .where(matches.c.keyword_id == keywords.c.id)
    .order_by(matches.c.published.desc(), matches.c.arxiv_id.desc())
    .limit(1)
    .offset(_COUNT - 1)
    .correlate(keywords)
    .scalar_subquery()
)


async def add_newest(
    connection: Connection, channel_id: int, wanted: Collection[Keyword], limit: int, now: datetime
) -> int:
    """Queues the newest papers that matched these keywords, due now; returns how many were added.

    Papers that the channel has already had or that were withheld, withdrawn papers, and those that an exclusion of the
    channel matches are not added.
    """
    newest = await _newest_ids(connection, channel_id, wanted, limit)
    rows = sa.select(sa.literal(channel_id, Id), papers.c.arxiv_id, papers.c.published, sa.literal(now, Utc)).where(
        papers.c.arxiv_id.in_(listed(newest, Text)), is_not_withheld(sa.literal(channel_id, Id), papers.c.arxiv_id)
    )
    added = await connection.scalars(
        insert(outbox)
        .from_select(["channel_id", "arxiv_id", "published", "due_at"], rows, include_defaults=False)
        .on_conflict_do_nothing(index_elements=[outbox.c.channel_id, outbox.c.arxiv_id])
        .returning(outbox.c.id)
    )
    await count_entries_as_posted(connection, added)
    await add_reasons(connection, added)
    await put_followed_first(connection, newest)
    return len(added)


async def _newest_ids(connection: Connection, channel_id: int, wanted: Collection[Keyword], limit: int) -> list[str]:
    """Returns the ids of the newest papers that match these keywords, without withdrawn and excluded ones."""
    count = limit
    while True:
        rows = await _newest(connection, channel_id, wanted, count)
        found = [paper for paper in map(row_to_paper, rows) if not is_withdrawn(paper)]
        kept = [paper.arxiv_id.value for paper in await without_excluded(connection, channel_id, found)]
        if len(kept) >= limit or len(rows) < count:
            return kept[:limit]
        count *= 2


async def _newest(
    connection: Connection, channel_id: int, wanted: Collection[Keyword], count: int
) -> Sequence[sa.Row[Any]]:
    """Returns the newest papers that match these keywords of the channel, newest first, at most `count`.

    Of each keyword, it reads the papers since the latest date since when one of them has enough: hardly more than are
    needed, in the order of the index.
    """
    subscribed = (
        sa.select(keywords.c.id)
        .join(subscriptions, subscriptions.c.keyword_id == keywords.c.id)
        .where(
            subscriptions.c.channel_id == channel_id,
            keywords.c.canonical.in_(listed([keyword.canonical for keyword in wanted], Text)),
        )
    )
    keyword_ids = await connection.scalars(subscribed)
    of_keywords = listed(keyword_ids, Id)
    since = await connection.scalar(
        sa.select(sa.func.max(_LAST_OF_NEWEST, type_=Utc)).select_from(keywords).where(keywords.c.id.in_(of_keywords)),
        {"count": count},
    )
    newest = (
        sa.select(matches.c.published, matches.c.arxiv_id)
        .distinct()
        .where(matches.c.keyword_id.in_(of_keywords), matches.c.published >= _SINCE)
        .order_by(matches.c.published.desc(), matches.c.arxiv_id.desc())
        .limit(_COUNT)
        .subquery()
    )
    return await connection.all(
        sa.select(papers)
        .join(newest, newest.c.arxiv_id == papers.c.arxiv_id)
        .order_by(newest.c.published.desc(), newest.c.arxiv_id.desc()),
        {"since": EARLIEST if since is None else since, "count": count},
    )


async def add_reasons(connection: Connection, outbox_ids: Collection[int]) -> None:
    """Stores every keyword of the channel that these queued papers match."""
    rows = (
        sa.select(outbox.c.id, matches.c.keyword_id)
        .join(matches, matches.c.arxiv_id == outbox.c.arxiv_id)
        .join(
            subscriptions,
            sa.and_(
                subscriptions.c.channel_id == outbox.c.channel_id, subscriptions.c.keyword_id == matches.c.keyword_id
            ),
        )
        .where(outbox.c.id.in_(listed(outbox_ids, Id)))
    )
    await connection.write(insert(outbox_keywords).from_select(["outbox_id", "keyword_id"], rows))
