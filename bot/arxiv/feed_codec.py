"""What the parsing process gets and returns, as bytes. It never parses a feed.

It gets the digests of known entries, and the body. It returns a line with everything but the papers, then lines of
papers. Each line is JSON, so that the bot decodes it in short steps.
"""

import json
from array import array
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final

from bot.domain.feed import FeedPage, Rejection
from bot.domain.paper import ArxivId, Paper
from bot.runtime.errors import InvalidFeed, QueryRejected

# A line takes less than a millisecond to decode, in which nothing else runs.
_PAPERS_PER_LINE: Final = 50

_LENGTH_BYTES: Final = 4
_DIGEST_TYPE: Final = "Q"  # 8 bytes, unsigned

_ERRORS: Final = {"invalid feed": InvalidFeed, "query rejected": QueryRejected}
_NAMES: Final = {error: name for name, error in _ERRORS.items()}


def encode_request(body: bytes, known: Collection[int]) -> bytes:
    """Returns what the process reads."""
    digests = array(_DIGEST_TYPE, known)
    return len(digests).to_bytes(_LENGTH_BYTES, "big") + digests.tobytes() + body


def decode_request(request: bytes) -> tuple[bytes, frozenset[int]]:
    """Returns the body and the digests of known entries."""
    digests = array(_DIGEST_TYPE)
    body_at = _LENGTH_BYTES + int.from_bytes(request[:_LENGTH_BYTES], "big") * digests.itemsize
    digests.frombytes(request[_LENGTH_BYTES:body_at])
    return request[body_at:], frozenset(digests)


def encode_page(page: FeedPage) -> Iterator[str]:
    """Yields the lines of a parsed page."""
    rejected = [(rejection.entry, rejection.reason) for rejection in page.rejected]
    unchanged = [arxiv_id.value for arxiv_id in page.unchanged]
    yield json.dumps(
        {
            "total": page.total,
            "start": page.start,
            "rejected": rejected,
            "unchanged": unchanged,
            "digests": page.digests,
        }
    )
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
    unchanged = tuple(map(ArxivId, result["unchanged"]))
    return FeedPage(papers, rejected, result["total"], result["start"], unchanged, tuple(result["digests"]))


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
