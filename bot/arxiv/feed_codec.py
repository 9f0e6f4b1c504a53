"""The result of the parsing process as text: a line with everything but the papers, then lines of papers.

Each line is JSON, so that the bot decodes it in short steps. It never parses a feed.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from bot.domain.feed import FeedPage, Rejection
from bot.domain.paper import ArxivId, Paper
from bot.runtime.errors import InvalidFeed, QueryRejected

# A line takes less than a millisecond to decode, in which nothing else runs.
_PAPERS_PER_LINE: Final = 50

_ERRORS: Final = {"invalid feed": InvalidFeed, "query rejected": QueryRejected}
_NAMES: Final = {error: name for name, error in _ERRORS.items()}


def encode_page(page: FeedPage) -> Iterator[str]:
    """Yields the lines of a parsed page."""
    rejected = [(rejection.entry, rejection.reason) for rejection in page.rejected]
    yield json.dumps({"total": page.total, "start": page.start, "rejected": rejected})
    for first in range(0, len(page.papers), _PAPERS_PER_LINE):
        yield json.dumps([_values(paper) for paper in page.papers[first : first + _PAPERS_PER_LINE]])


def encode_error(error: InvalidFeed | QueryRejected) -> str:
    """Returns the only line for a body that is not a page."""
    return json.dumps({"error": _NAMES[type(error)], "message": str(error)})


def decode(text: bytes) -> FeedPage:
    """Returns the page. Raises InvalidFeed or QueryRejected if the process did."""
    first, *lines = text.splitlines()
    result = json.loads(first)
    if "error" in result:
        raise _ERRORS[result["error"]](result["message"])
    papers = tuple(_paper(*values) for line in lines for values in json.loads(line))
    rejected = tuple(Rejection(entry, reason) for entry, reason in result["rejected"])
    return FeedPage(papers, rejected, result["total"], result["start"])


def _values(paper: Paper) -> tuple[object, ...]:
    return (
        paper.arxiv_id.value,
        paper.version,
        paper.title,
        paper.abstract,
        paper.authors,
        paper.primary_category,
        paper.categories,
        paper.published.isoformat(),
        paper.updated.isoformat(),
        paper.comment,
        paper.journal_ref,
        paper.doi,
    )


def _paper(
    arxiv_id: str,
    version: int,
    title: str,
    abstract: str,
    authors: list[str],
    primary_category: str,
    categories: list[str],
    published: str,
    updated: str,
    comment: str | None,
    journal_ref: str | None,
    doi: str | None,
) -> Paper:
    return Paper(
        ArxivId(arxiv_id),
        version,
        title,
        abstract,
        tuple(authors),
        primary_category,
        tuple(categories),
        datetime.fromisoformat(published),
        datetime.fromisoformat(updated),
        comment,
        journal_ref,
        doi,
    )
