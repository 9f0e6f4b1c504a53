"""Converts between domain values and columns: times as sortable text, papers as rows."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from bot.domain.paper import ArxivId, Paper


def to_text(time: datetime) -> str:
    """Returns ISO 8601 in UTC with microseconds, which sorts as text in chronological order."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


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


def row_to_paper(row: sa.Row[Any]) -> Paper:
    """Returns the paper of a row with the columns of the table `papers`."""
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
