"""The names of authors in the stored papers, by the beginnings that people type, and how many papers list each.

Papers are counted in the transaction that stores them. Those that an earlier release stored are counted in parts, in
the order of their ids; a paper whose turn has not come is not counted when it is stored, and so never twice.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.domain.expressions.author_keys import counted_names, stored_keys
from bot.domain.paper import Paper
from bot.store.column_types import Text
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.expressions import listed_rows
from bot.store.schema import author_keys, key_values, papers
from bot.store.schema.authors import IS_FREQUENT

# A row of `key_values`: the id of the last stored paper that was counted. Without it, every stored paper is.
COUNTED_UNTIL: Final = "authors counted until"
# How many papers are counted at once: their transaction takes about 50 ms.
PAPERS_AT_ONCE: Final = 250

_ROWS_AT_ONCE: Final = 2000
# How many names with a beginning are compared: all frequent ones if the beginning has more than one letter, and the
# first of the others.
_FREQUENT_MAX: Final = 20_000
_OTHERS_MAX: Final = 4000
# Follows every character of a key.
_LAST: Final = "\U0010ffff"

_COUNTED: Final = sa.select(key_values.c.value).where(key_values.c.name == COUNTED_UNTIL)
_NEXT: Final = (
    sa.select(papers.c.arxiv_id, papers.c.authors)
    .where(papers.c.arxiv_id > sa.bindparam("after", type_=Text))
    .order_by(papers.c.arxiv_id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_LIMIT: Final = sa.bindparam("limit", type_=sa.Integer)
_COLUMNS: Final[Mapping[str, sa.types.TypeEngine[Any]]] = {
    "key": Text,
    "name": Text,
    "paper": Text,
    "change": sa.Integer(),
}


@dataclass(frozen=True, slots=True)
class AuthorName:
    """A name as papers list it, and how many do."""

    name: str
    papers: int


class AuthorNames:
    """The names of authors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, prefixes: Sequence[str], limit: int) -> tuple[AuthorName, ...]:
        """Returns names with a key that begins with one of the prefixes, those with the most papers first.

        The time is limited, however many names there are: with thousands of names, rare ones may be missing.
        """
        if not prefixes:
            return ()
        async with self._database.reading() as connection:
            found = await connection.all(_ranked(prefixes, IS_FREQUENT, _FREQUENT_MAX), {"limit": limit})
            names = _unique(found)
            if len(names) < limit:
                names |= _unique(await connection.all(_ranked(prefixes, sa.true(), _OTHERS_MAX), {"limit": limit}))
            ranked = sorted(names.items(), key=lambda each: (-each[1], each[0]))
        return tuple(AuthorName(name, count) for name, count in ranked[:limit])

    async def count_next(self, limit: int = PAPERS_AT_ONCE) -> bool:
        """Counts the authors of the next stored papers that are not counted; returns whether there may be more."""
        async with self._database.transaction() as connection:
            position = await connection.scalar(_COUNTED)
            if position is None:
                return False
            rows = await connection.all(_NEXT, {"after": position, "limit": limit})
            if not rows:
                await connection.write(sa.delete(key_values).where(key_values.c.name == COUNTED_UNTIL))
                return False
            last = rows[-1].arxiv_id
            await connection.write(sa.update(key_values).where(key_values.c.name == COUNTED_UNTIL).values(value=last))
            await _write(connection, [(row.arxiv_id, name, 1) for row in rows for name in counted_names(row.authors)])
        return True


async def count_authors(
    connection: Connection, written: Iterable[Paper], stored: Mapping[str, tuple[int, Sequence[str]]]
) -> None:
    """Counts the authors of papers that are written, within the caller's transaction.

    `stored` has the versions and authors of those papers that were stored before.
    """
    changes = await asyncio.to_thread(_changes, written, stored)
    await _write(connection, changes)


_Change = tuple[str, str, int]


def _changes(written: Iterable[Paper], stored: Mapping[str, tuple[int, Sequence[str]]]) -> list[_Change]:
    """Returns the paper, the name, and 1 for one that the paper lists now, or -1 for one that it no longer lists."""
    known = dict(stored)
    found: list[_Change] = []
    for paper in written:
        arxiv_id = paper.arxiv_id.value
        version, before = known.get(arxiv_id, (0, ()))
        if paper.version < version:
            continue
        known[arxiv_id] = paper.version, paper.authors
        if tuple(before) != paper.authors:
            old, new = counted_names(before), counted_names(paper.authors)
            found += [(arxiv_id, name, 1) for name in new if name not in old]
            found += [(arxiv_id, name, -1) for name in old if name not in new]
    return found


async def _write(connection: Connection, changes: Collection[_Change]) -> None:
    rows = iter(await asyncio.to_thread(list, _rows(changes)))
    while part := list(islice(rows, _ROWS_AT_ONCE)):
        await connection.write(await asyncio.to_thread(_upsert, part))
    if gone := list(_rows(each for each in changes if each[2] < 0)):
        table = listed_rows(gone, _COLUMNS)
        key = sa.tuple_(author_keys.c.key, author_keys.c.name)
        is_gone = sa.and_(author_keys.c.papers <= 0, key.in_(sa.select(table.c.key, table.c.name)))
        await connection.write(sa.delete(author_keys).where(is_gone))


def _rows(changes: Iterable[_Change]) -> Iterator[dict[str, str | int]]:
    for arxiv_id, name, change in changes:
        for key in stored_keys(name):
            yield {"key": key, "name": name, "paper": arxiv_id, "change": change}


def _upsert(rows: Sequence[Mapping[str, str | int]]) -> sa.Executable:
    """Returns the statement that adds these numbers of papers, without papers whose turn has not come."""
    table = listed_rows(rows, _COLUMNS)
    until = _COUNTED.scalar_subquery()
    counts = (
        sa.select(table.c.key, table.c.name, sa.func.sum(table.c.change))
        .where(sa.or_(until.is_(None), table.c.paper <= until))
        .group_by(table.c.key, table.c.name)
    )
    statement = insert(author_keys).from_select(["key", "name", "papers"], counts)
    return statement.on_conflict_do_update(
        index_elements=[author_keys.c.key, author_keys.c.name],
        set_={"papers": author_keys.c.papers + statement.excluded.papers},
    )


def _ranked(prefixes: Sequence[str], condition: sa.ColumnElement[bool], compared: int) -> sa.Select[Any]:
    """Selects names by their number of papers: of each prefix, at most `compared` are compared."""
    parts = [
        sa.select(author_keys.c.name, author_keys.c.papers)
        .where(author_keys.c.key >= prefix, author_keys.c.key < prefix + _LAST, condition)
        .limit(compared)
        .subquery()
        .select()
        for prefix in prefixes
    ]
    found = sa.union_all(*parts).subquery()
    return sa.select(found.c.name, found.c.papers).order_by(found.c.papers.desc(), found.c.name).limit(_LIMIT)


def _unique(rows: Iterable[sa.Row[Any]]) -> dict[str, int]:
    return {row.name: row.papers for row in rows}
