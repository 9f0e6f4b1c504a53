"""Converts between domain values and columns: times as sortable text, tuples as JSON, papers as rows."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from bot.domain.paper import ArxivId, Paper


def to_text(time: datetime) -> str:
    """Returns ISO 8601 in UTC with microseconds, which sorts as text in chronological order."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def to_text_or_none(time: datetime | None) -> str | None:
    """Returns the value of a column that may be NULL."""
    return None if time is None else to_text(time)


def to_datetime(text: str) -> datetime:
    """Returns the aware datetime that `to_text` wrote."""
    return datetime.fromisoformat(text)


def to_datetime_or_none(text: str | None) -> datetime | None:
    """Returns the datetime of a column that may be NULL."""
    return None if text is None else to_datetime(text)


def one_of(values: Sequence[object]) -> str:
    """Returns SQL for a list with a parameter for each value; NULL, which equals nothing, if there are none."""
    return f"({', '.join('?' * len(values)) or 'NULL'})"


def spelling(channels: str) -> str:
    """Returns SQL for how channels spell the keyword of a row of `keywords`: the earliest of their spellings.

    `channels` is SQL for a list of channel ids. A keyword to which they do not subscribe has its general spelling.
    """
    return (
        "coalesce((SELECT subscriptions.shown FROM subscriptions WHERE subscriptions.keyword_id = keywords.id"
        f" AND subscriptions.channel_id IN ({channels}) ORDER BY added_at, subscriptions.channel_id LIMIT 1),"
        " keywords.shown)"
    )


PAPER_COLUMNS = (
    "papers.arxiv_id, papers.version, papers.title, papers.abstract, papers.authors, papers.primary_category, "
    "papers.categories, papers.published, papers.updated, papers.comment, papers.journal_ref, papers.doi"
)


def paper_to_row(paper: Paper) -> dict[str, object]:
    """Returns the values of the table `papers`."""
    return {
        "arxiv_id": paper.arxiv_id.value,
        "version": paper.version,
        "title": paper.title,
        "abstract": paper.abstract,
        "authors": paper.authors,
        "primary_category": paper.primary_category,
        "categories": paper.categories,
        "published": paper.published,
        "updated": paper.updated,
        "comment": paper.comment,
        "journal_ref": paper.journal_ref,
        "doi": paper.doi,
    }


def row_to_paper(row: sa.Row[Any] | sqlite3.Row) -> Paper:
    """Returns the paper of a row with the columns of the table `papers`."""
    if isinstance(row, sqlite3.Row):
        return _text_row_to_paper(row)
    return Paper(
        arxiv_id=ArxivId(row.arxiv_id),
        version=row.version,
        title=row.title,
        abstract=row.abstract,
        authors=row.authors,
        primary_category=row.primary_category,
        categories=row.categories,
        published=row.published,
        updated=row.updated,
        comment=row.comment,
        journal_ref=row.journal_ref,
        doi=row.doi,
    )


def _text_row_to_paper(row: sqlite3.Row) -> Paper:
    return Paper(
        arxiv_id=ArxivId(row["arxiv_id"]),
        version=row["version"],
        title=row["title"],
        abstract=row["abstract"],
        authors=tuple(json.loads(row["authors"])),
        primary_category=row["primary_category"],
        categories=tuple(json.loads(row["categories"])),
        published=to_datetime(row["published"]),
        updated=to_datetime(row["updated"]),
        comment=row["comment"],
        journal_ref=row["journal_ref"],
        doi=row["doi"],
    )
