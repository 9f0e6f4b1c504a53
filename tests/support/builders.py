"""Builders of domain values with defaults, so that a test names only the fields that it is about."""

from datetime import UTC, date, datetime

from bot.domain.paper import ArxivId, Paper
from bot.domain.trending.entry import TrendingEntry


def paper(
    arxiv_id: str = "2611.00001",
    *,
    title: str = "A paper",
    abstract: str = "An abstract.",
    version: int = 1,
    authors: tuple[str, ...] = ("Ada Lovelace",),
    primary_category: str = "cs.LG",
    categories: tuple[str, ...] = ("cs.LG",),
    published: datetime = datetime(2026, 11, 18, 12, 0, tzinfo=UTC),
    updated: datetime | None = None,
    comment: str | None = None,
    journal_ref: str | None = None,
    doi: str | None = None,
) -> Paper:
    """Builds a paper."""
    return Paper(
        arxiv_id=ArxivId(arxiv_id),
        version=version,
        title=title,
        abstract=abstract,
        authors=authors,
        primary_category=primary_category,
        categories=categories,
        published=published,
        updated=updated or published,
        comment=comment,
        journal_ref=journal_ref,
        doi=doi,
    )


def trending_entry(
    arxiv_id: str = "2611.00001",
    *,
    day: date = date(2026, 11, 18),
    title: str = "A paper",
    summary: str = "An abstract.",
    authors: tuple[str, ...] = ("Ada Lovelace",),
    votes: int = 1,
    comments: int = 1,
    organization: str | None = None,
    code_url: str | None = None,
    stars: int | None = None,
    ai_summary: str | None = None,
    thumbnail_url: str | None = None,
) -> TrendingEntry:
    """Builds a trending entry."""
    return TrendingEntry(
        arxiv_id=ArxivId(arxiv_id),
        day=day,
        title=title,
        summary=summary,
        authors=authors,
        votes=votes,
        comments=comments,
        organization=organization,
        code_url=code_url,
        stars=stars,
        ai_summary=ai_summary,
        thumbnail_url=thumbnail_url,
    )
