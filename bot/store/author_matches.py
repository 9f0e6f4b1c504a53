"""The authors for whom papers matched keywords: stored with the match, so that every message names the same ones.

Every function runs within the caller's transaction.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert

from bot.domain.expressions.authors import MatchedAuthor, matched_authors
from bot.domain.paper import Paper
from bot.domain.subscription import WatchedKeyword
from bot.store.column_types import Text
from bot.store.connection import Connection
from bot.store.expressions import listed
from bot.store.schema import author_matches, outbox, outbox_keywords
from bot.store.schema.posts import IS_QUEUED


def _upsert() -> Insert:
    statement = insert(author_matches)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[author_matches.c.arxiv_id, author_matches.c.keyword_id],
        set_={"certain": new.certain, "possible": new.possible},
    )


_UPSERT: Final = _upsert()
_HAS_AUTHOR: Final = (
    sa.exists()
    .where(
        outbox_keywords.c.outbox_id == outbox.c.id,
        author_matches.c.arxiv_id == outbox.c.arxiv_id,
        author_matches.c.keyword_id == outbox_keywords.c.keyword_id,
    )
    .correlate(outbox)
)


async def write_author_matches(
    connection: Connection, found: Collection[tuple[WatchedKeyword, str]], papers: Iterable[Paper]
) -> Sequence[str]:
    """Stores the authors of these matches; returns the papers with any. A newer version replaces the authors."""
    rows = await asyncio.to_thread(_rows, found, papers)
    await connection.write(_UPSERT, rows)
    return [row["arxiv_id"] for row in rows]


def _rows(found: Iterable[tuple[WatchedKeyword, str]], papers: Iterable[Paper]) -> list[dict[str, Any]]:
    # A poll has a hundred thousand matches, nearly all of which are of phrases.
    of_expressions = [pair for pair in found if pair[0].keyword.expression is not None]
    by_id = {paper.arxiv_id.value: paper for paper in papers} if of_expressions else {}
    rows = []
    for watched, arxiv_id in of_expressions:
        if authors := matched_authors(watched.keyword, by_id[arxiv_id]):
            certain = tuple(each.name for each in authors if not each.is_possible)
            possible = tuple(each.name for each in authors if each.is_possible)
            rows.append({"arxiv_id": arxiv_id, "keyword_id": watched.id, "certain": certain, "possible": possible})
    return rows


async def put_followed_first(connection: Connection, arxiv_ids: Collection[str]) -> None:
    """Puts those of these queued papers first that wait in a channel because of their authors."""
    if arxiv_ids:
        await connection.write(
            sa.update(outbox)
            .where(outbox.c.arxiv_id.in_(listed(arxiv_ids, Text)), IS_QUEUED, _HAS_AUTHOR)
            .values(by_followed=True)
        )


def authors_of(rows: Iterable[sa.Row[Any]]) -> tuple[MatchedAuthor, ...]:
    """Returns the authors of rows with the columns of `author_matches`; certain ones first, each once."""
    listed_rows = list(rows)
    found: dict[str, MatchedAuthor] = {}
    for name in (name for row in listed_rows for name in row.certain or ()):
        found[name] = MatchedAuthor(name)
    for name in (name for row in listed_rows for name in row.possible or ()):
        found.setdefault(name, MatchedAuthor(name, is_possible=True))
    return tuple(found.values())
