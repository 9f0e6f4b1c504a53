"""Parses the Atom feeds of arXiv's query API.

A body that is not one complete, valid feed is an error, never "no papers". An invalid entry is rejected alone, with a
reason. The papers' texts are on one line and without control characters, but not escaped.

Parsing takes about half a millisecond and 200 objects per entry: `bot/arxiv/feed_parser.py` does it off the event loop.
"""

import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import feedparser

from bot.domain.feed_document import FeedDocument, check_document
from bot.domain.paper import ArxivId, Paper, split_version
from bot.runtime.errors import InvalidFeed, QueryRejected

# Far beyond what arXiv accepts (abstracts: 1,920 characters, info.arxiv.org/help/prep.html; older ones are longer).
PAPER_TITLE_MAX: Final = 1000
PAPER_ABSTRACT_MAX: Final = 20_000
PAPER_FIELD_MAX: Final = 2000

_NONCHARACTERS: Final = "\ufdd0-\ufdef" + "".join(
    chr(plane + 0xFFFE) + chr(plane + 0xFFFF) for plane in range(0, 0x110000, 0x10000)
)
_UNPRINTABLE: Final = re.compile(f"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff{_NONCHARACTERS}]")
_COUNT: Final = re.compile("[0-9]{1,9}")
_ABSTRACT_PAGE: Final = re.compile(r"https?://(?:[a-z]+\.)?arxiv\.org/abs/(.*)", re.DOTALL)
# The categories also contain classes of other schemes (53C25, I.2.7).
_CATEGORY: Final = re.compile(r"[a-z]+(?:-[a-z]+)*(?:\.[A-Za-z]+(?:-[a-z]+)*)?")


@dataclass(frozen=True, slots=True)
class Rejection:
    """An entry that is not a valid paper; `reason` is for the log."""

    entry: str
    reason: str


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One page of results: `total` is arXiv's count for the whole query, `start` the index of the first entry.

    `unchanged` are the papers of the entries that are known. `digests` identify the entries of `papers`.
    """

    papers: tuple[Paper, ...]
    rejected: tuple[Rejection, ...]
    total: int
    start: int
    unchanged: tuple[ArxivId, ...] = ()
    digests: tuple[int, ...] = field(default=(), compare=False)

    @property
    def entries(self) -> int:
        """The number of different entries."""
        return len(self.papers) + len(self.rejected) + len(self.unchanged)


def parse_feed(body: bytes, known: Collection[int] = ()) -> FeedPage:
    """Returns the papers of one response; an entry whose digest is `known` is not parsed, but listed as unchanged.

    Raises InvalidFeed if it is not a complete feed, QueryRejected for arXiv's error feed.
    """
    document = check_document(body)
    digests = document.digests
    unchanged = _unchanged(document, digests, known) if known else {}
    feed, entries = _parse(document.without(unchanged))
    _check_for_error(entries)
    total = _count(feed, "opensearch_totalresults")
    if total is None:
        raise InvalidFeed("arXiv's response has no total number of results.")
    papers, rejected = _read_entries(entries)
    parsed = [digest for place, digest in enumerate(digests) if place not in unchanged]
    if len(parsed) != len(entries):  # it is unclear which entry has which digest
        parsed = []
    return FeedPage(
        papers,
        tuple(rejected.values()),
        total,
        _count(feed, "opensearch_startindex") or 0,
        tuple(dict.fromkeys(unchanged.values())),
        tuple(digest for place, digest in enumerate(parsed) if place not in rejected),
    )


def _unchanged(document: FeedDocument, digests: Sequence[int], known: Collection[int]) -> dict[int, ArxivId]:
    """Returns the papers of the known entries, by the place of the entry."""
    found = {}
    for place, (digest, entry_id) in enumerate(zip(digests, document.entry_ids, strict=True)):
        if digest in known:
            # Without an id that can be read in this way, the entry is parsed again.
            with suppress(ValueError):
                found[place] = _parse_id(entry_id)[0]
    return found


# --- the document ------------------------------------------------------------------------------


def _parse(document: bytes) -> tuple[Mapping[str, object], tuple[Mapping[str, object], ...]]:
    """Returns the fields of the feed, and of each entry."""
    # A stream, because feedparser would also treat a string as a URL or a file name.
    try:
        parsed = feedparser.parse(io.BytesIO(document), sanitize_html=False, resolve_relative_uris=False)
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        # feedparser fails on some elements of other vocabularies, such as a cc:license inside a summary.
        raise InvalidFeed("arXiv's response contains unexpected elements.") from error
    if parsed.bozo or parsed.get("version") != "atom10":
        raise InvalidFeed("arXiv's response is not an Atom feed.")
    # Plain dictionaries: feedparser's own ones return "updated" for a missing "published", and warn.
    return dict(parsed.feed), tuple(dict(entry) for entry in parsed.entries)


def _check_for_error(entries: Sequence[Mapping[str, object]]) -> None:
    for entry in entries:
        if _line(entry, "title") == "Error" and "/api/errors" in _line(entry, "id"):
            raise QueryRejected(_line(entry, "summary") or "arXiv gave no reason.")


def _count(feed: Mapping[str, object], name: str) -> int | None:
    text = _line(feed, name)
    return int(text) if _COUNT.fullmatch(text) else None


# --- the entries -------------------------------------------------------------------------------


def _read_entries(entries: Sequence[Mapping[str, object]]) -> tuple[tuple[Paper, ...], dict[int, Rejection]]:
    """Returns the papers, each once in its latest version, and the rejected entries by their places."""
    papers: dict[ArxivId, Paper] = {}
    rejected: dict[int, Rejection] = {}
    for place, entry in enumerate(entries):
        try:
            paper = _paper(entry)
        except ValueError as error:
            rejected[place] = Rejection(_line(entry, "id") or f"entry {place + 1} of the page", str(error))
        else:
            known = papers.get(paper.arxiv_id)
            if known is None or known.version < paper.version:
                papers[paper.arxiv_id] = paper
    return tuple(papers.values()), rejected


def _paper(entry: Mapping[str, object]) -> Paper:
    """Converts an entry to a paper; raises ValueError with the reason if it is invalid."""
    arxiv_id, version = _parse_id(_line(entry, "id"))
    title = _line(entry, "title", PAPER_TITLE_MAX)
    if not title:
        raise ValueError("it has no title")
    primary_category, categories = _categories(entry)
    return Paper(
        arxiv_id=arxiv_id,
        version=version,
        title=title,
        abstract=_line(entry, "summary", PAPER_ABSTRACT_MAX),
        authors=tuple(filter(None, (_line(author, "name") for author in _parts(entry, "authors")))),
        primary_category=primary_category,
        categories=categories,
        published=_moment(entry, "published"),
        updated=_moment(entry, "updated"),
        comment=_line(entry, "arxiv_comment") or None,
        journal_ref=_line(entry, "arxiv_journal_ref") or None,
        doi=_line(entry, "arxiv_doi") or None,
    )


def _parse_id(url: str) -> tuple[ArxivId, int]:
    if not url:
        raise ValueError("it has no id")
    page = _ABSTRACT_PAGE.fullmatch(url)
    if page is None:
        raise ValueError("its id is not the URL of an arXiv abstract")
    return split_version(page[1])


def _categories(entry: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    """Returns the primary category, which defaults to the first one, and all categories."""
    primary = (_line(element, "term") for element in _parts(entry, "arxiv_primary_category"))
    listed = (_line(tag, "term") for tag in _parts(entry, "tags"))
    categories = tuple(dict.fromkeys(filter(_CATEGORY.fullmatch, (*primary, *listed))))
    if not categories:
        raise ValueError("it has no category")
    return categories[0], categories


def _moment(entry: Mapping[str, object], name: str) -> datetime:
    text = _line(entry, name)
    try:
        moment = datetime.fromisoformat(text)
        utc = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"its date ({name}) cannot be read") from error
    if moment.tzinfo is None:
        raise ValueError(f"its date ({name}) has no time zone")
    return utc


def _parts(entry: Mapping[str, object], name: str) -> Iterator[Mapping[str, object]]:
    """Yields the elements of that name; feedparser returns a single one bare, and several as a list."""
    found = entry.get(name)
    for part in found if isinstance(found, list) else [found]:
        if isinstance(part, Mapping):
            yield part


def _line(fields: Mapping[str, object], name: str, limit: int = PAPER_FIELD_MAX) -> str:
    """Returns a field's text on one line, cut to `limit` characters; empty if it is missing."""
    found = fields.get(name)
    if not isinstance(found, str):
        return ""
    # Reading ten times the limit leaves enough text even if much of it is white space and control characters.
    text = " ".join(found[: 10 * limit].split())
    if not text.isprintable():
        text = " ".join(_UNPRINTABLE.sub("", text).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
