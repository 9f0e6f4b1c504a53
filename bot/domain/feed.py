"""Parses the Atom feeds of arXiv's query API.

A body that is not one complete, valid feed is an error, never "no papers". An invalid entry is rejected alone, with a
reason. The papers' texts are on one line and without control characters, but not escaped.

Parsing takes about half a millisecond and 200 objects per entry: `bot/arxiv/feed_parser.py` does it off the event loop.
"""

import io
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from xml.parsers import expat

import feedparser

from bot.domain.paper import ArxivId, Paper, split_version
from bot.runtime.errors import InvalidFeed, QueryRejected

# A recorded feed is 4 elements deep; an entry has about 15 elements and two per author. Large collaborations have 1,500
# authors, and a page of 2,000 entries may have 60 of their papers.
FEED_DEPTH_MAX: Final = 20
FEED_ELEMENTS_MAX: Final = 250_000
# A recorded entry has about 20, its authors none; feedparser needs 0.2 ms for each.
FEED_ATTRIBUTES_MAX: Final = 60_000
# Far beyond what arXiv accepts (abstracts: 1,920 characters, info.arxiv.org/help/prep.html; older ones are longer).
PAPER_TITLE_MAX: Final = 1000
PAPER_ABSTRACT_MAX: Final = 20_000
PAPER_FIELD_MAX: Final = 2000

# Characters that XML 1.0 does not allow (section 2.2, Char): one of them makes the whole page unreadable.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_REFERENCE: Final = re.compile("&#(?:([0-9]+)|x([0-9a-fA-F]+));")
_DECLARATION: Final = re.compile(rb"\A<\?xml[^>]*\?>")
# A tag this long consists of attributes: expat creates objects for all of them before they can be counted.
_LONG_TAG: Final = re.compile(r"<[^<>]{20000}")
_HTML: Final = re.compile(r"\s*(?:<!--[^>]*-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_ANOTHER_DOCUMENT: Final = (expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT, expat.errors.XML_ERROR_MISPLACED_XML_PI)
_CUT_OFF: Final = (
    expat.errors.XML_ERROR_NO_ELEMENTS,
    expat.errors.XML_ERROR_UNCLOSED_TOKEN,
    expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
)

_NONCHARACTERS: Final = "\ufdd0-\ufdef" + "".join(
    chr(plane + 0xFFFE) + chr(plane + 0xFFFF) for plane in range(0, 0x110000, 0x10000)
)
_UNEXPECTED_STRUCTURE: Final = "arXiv's response has an unexpected structure."
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
    """One page of results: `total` is arXiv's count for the whole query, `start` the index of the first entry."""

    papers: tuple[Paper, ...]
    rejected: tuple[Rejection, ...]
    total: int
    start: int


def parse_feed(body: bytes) -> FeedPage:
    """Returns the papers of one response.

    Raises InvalidFeed if it is not a complete feed, QueryRejected for arXiv's error feed.
    """
    feed, entries = _parse(_checked(body))
    _check_for_error(entries)
    total = _count(feed, "opensearch_totalresults")
    if total is None:
        raise InvalidFeed("arXiv's response has no total number of results.")
    papers, rejected = _read_entries(entries)
    return FeedPage(papers, rejected, total, _count(feed, "opensearch_startindex") or 0)


# --- the document ------------------------------------------------------------------------------


def _checked(body: bytes) -> bytes:
    """Returns one well-formed XML document in UTF-8, without declaration and invalid characters."""
    document = _cleaned(body)
    _check_well_formed(document)
    return _DECLARATION.sub(b"", document)


def _cleaned(body: bytes) -> bytes:
    """Returns the body without invalid characters; as bytes, because str takes up to four times the memory."""
    if not body.strip():
        raise InvalidFeed("arXiv's response is empty.")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidFeed("arXiv's response is not UTF-8 text.") from error
    if _HTML.match(text):
        raise InvalidFeed("arXiv's response is an HTML page, not a feed.")
    if text.count("&#") > FEED_ELEMENTS_MAX or _LONG_TAG.search(text):
        raise InvalidFeed(_UNEXPECTED_STRUCTURE)
    return _REFERENCE.sub(_valid_reference, _NOT_XML.sub("", text)).encode()


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


def _valid_reference(found: re.Match[str]) -> str:
    digits, base = (found[1], 10) if found[1] else (found[2], 16)
    code = int(digits.lstrip("0")[:8] or "0", base)  # eight digits are beyond Unicode
    return "" if code > sys.maxunicode or _NOT_XML.match(chr(code)) else found[0]


def _check_well_formed(document: bytes) -> None:
    """Checks the document before feedparser, which accepts anything and can take minutes for it."""
    parser = expat.ParserCreate("utf-8", " ")
    parser.StartDoctypeDeclHandler = _reject_doctype
    counter = _StructureCounter()
    parser.StartNamespaceDeclHandler = counter.declare
    parser.StartElementHandler = counter.open
    parser.EndElementHandler = counter.close
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise InvalidFeed(_describe_fault(expat.ErrorString(error.code))) from error


class _StructureCounter:
    """Counts elements and attributes during the check: many attributes keep feedparser busy for minutes."""

    def __init__(self) -> None:
        self._depth = 0
        self._elements = 0
        self._attributes = 0

    def open(self, _name: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        self._attributes += len(attributes)
        if self._depth > FEED_DEPTH_MAX or self._elements > FEED_ELEMENTS_MAX:
            raise InvalidFeed(_UNEXPECTED_STRUCTURE)
        self._check_attributes()

    def declare(self, _prefix: str | None, _uri: str) -> None:
        self._attributes += 1
        self._check_attributes()

    def _check_attributes(self) -> None:
        if self._attributes > FEED_ATTRIBUTES_MAX:
            raise InvalidFeed(_UNEXPECTED_STRUCTURE)

    def close(self, _name: str) -> None:
        self._depth -= 1


def _reject_doctype(*_: object) -> None:
    raise InvalidFeed("arXiv's response has a document type declaration, which its feeds never have.")


def _describe_fault(expat_message: str) -> str:
    if expat_message in _ANOTHER_DOCUMENT:
        return "arXiv's response contains more than one document."
    if expat_message in _CUT_OFF:
        return "arXiv's response is truncated."
    return "arXiv's response is not a feed, or a damaged one."


def _check_for_error(entries: Sequence[Mapping[str, object]]) -> None:
    for entry in entries:
        if _line(entry, "title") == "Error" and "/api/errors" in _line(entry, "id"):
            raise QueryRejected(_line(entry, "summary") or "arXiv gave no reason.")


def _count(feed: Mapping[str, object], name: str) -> int | None:
    text = _line(feed, name)
    return int(text) if _COUNT.fullmatch(text) else None


# --- the entries -------------------------------------------------------------------------------


def _read_entries(entries: Sequence[Mapping[str, object]]) -> tuple[tuple[Paper, ...], tuple[Rejection, ...]]:
    """Returns the papers, each once in its latest version, and the rejected entries."""
    papers: dict[ArxivId, Paper] = {}
    rejected: list[Rejection] = []
    for number, entry in enumerate(entries, start=1):
        try:
            paper = _paper(entry)
        except ValueError as error:
            rejected.append(Rejection(_line(entry, "id") or f"entry {number} of the page", str(error)))
        else:
            known = papers.get(paper.arxiv_id)
            if known is None or known.version < paper.version:
                papers[paper.arxiv_id] = paper
    return tuple(papers.values()), tuple(rejected)


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
    text = " ".join(_UNPRINTABLE.sub("", found[: 10 * limit]).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
