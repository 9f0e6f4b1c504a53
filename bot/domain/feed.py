"""arXiv's answers, read: bytes in, papers out.

One body of the query API enters; a `FeedPage` leaves, its papers' text on one line and without control
characters, otherwise as arXiv wrote it: whoever shows it has to escape it. A body that is not one complete,
valid feed is an error, never "no papers". What is wrong with one entry costs that entry only.

About half a millisecond an entry: never call this on the event loop.
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

# A recorded feed is 4 elements deep, an entry has about 15 and two an author; large collaborations have 1,500 authors,
# and a page may hold 40 papers of theirs.
FEED_DEPTH_MAX: Final = 20
FEED_ELEMENTS_MAX: Final = 150_000
# A recorded entry has about 20, its authors none; feedparser takes 0.2 ms for each.
FEED_ATTRIBUTES_MAX: Final = 50_000
# Far beyond what arXiv takes (abstracts: 1,920 characters, info.arxiv.org/help/prep.html; older ones are longer).
PAPER_TITLE_MAX: Final = 1000
PAPER_ABSTRACT_MAX: Final = 20_000
PAPER_FIELD_MAX: Final = 2000

# What XML 1.0 does not allow (section 2.2, Char): a single one makes the whole page unreadable.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_REFERENCE: Final = re.compile("&#(?:([0-9]+)|x([0-9a-fA-F]+));")
_DECLARATION: Final = re.compile(rb"\A<\?xml[^>]*\?>")
# A tag so long is all attributes: expat makes objects of them before anybody can count them.
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
_NO_SHAPE: Final = "arXiv's answer was nested or cut up as no feed of arXiv's is."
_UNPRINTABLE: Final = re.compile(f"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff{_NONCHARACTERS}]")
_COUNT: Final = re.compile("[0-9]{1,9}")
_ABSTRACT_PAGE: Final = re.compile(r"https?://(?:[a-z]+\.)?arxiv\.org/abs/(.*)", re.DOTALL)
# The classes of other schemes (53C25, I.2.7) stand among the categories too.
_CATEGORY: Final = re.compile(r"[a-z]+(?:-[a-z]+)*(?:\.[A-Za-z]+(?:-[a-z]+)*)?")


@dataclass(frozen=True, slots=True)
class Rejection:
    """One entry of a page that is no paper for us, and why, in words for the log."""

    entry: str
    reason: str


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One page of an answer: `total` is what arXiv counted for the whole query, `start` where the page begins."""

    papers: tuple[Paper, ...]
    rejected: tuple[Rejection, ...]
    total: int
    start: int


def parse_feed(body: bytes) -> FeedPage:
    """The papers of one answer; InvalidFeed for anything but a whole feed, QueryRejected for arXiv's error feed."""
    counts, entries = _read(_checked(body))
    _refused(entries)
    total = _count(counts, "opensearch_totalresults")
    if total is None:
        raise InvalidFeed("arXiv's answer did not say how many papers there are.")
    papers, rejected = _sorted_out(entries)
    return FeedPage(papers, rejected, total, _count(counts, "opensearch_startindex") or 0)


# --- the document ------------------------------------------------------------------------------


def _checked(body: bytes) -> bytes:
    """One well-formed XML document in UTF-8, without its declaration and the characters that XML does not allow."""
    document = _cleaned(body)
    _check_well_formed(document)
    return _DECLARATION.sub(b"", document)


def _cleaned(body: bytes) -> bytes:
    """In bytes again: a text with one character beyond the first plane takes four times as much memory."""
    if not body.strip():
        raise InvalidFeed("arXiv's answer was empty.")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidFeed("arXiv's answer was not text in UTF-8.") from error
    if _HTML.match(text):
        raise InvalidFeed("arXiv's answer was an HTML page, not a feed.")
    if text.count("&#") > FEED_ELEMENTS_MAX or _LONG_TAG.search(text):
        raise InvalidFeed(_NO_SHAPE)
    return _REFERENCE.sub(_reference, _NOT_XML.sub("", text)).encode()


def _read(document: bytes) -> tuple[Mapping[str, object], tuple[Mapping[str, object], ...]]:
    """What stands in the feed itself, and its entries."""
    # A stream: feedparser takes a string for an address or a file's name, too.
    try:
        feed = feedparser.parse(io.BytesIO(document), sanitize_html=False, resolve_relative_uris=False)
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        # It trips over some elements of other vocabularies (tried: a cc:license inside a summary).
        raise InvalidFeed("arXiv's answer holds what no feed of arXiv's does.") from error
    if feed.bozo or feed.get("version") != "atom10":
        raise InvalidFeed("arXiv's answer was no Atom feed.")
    # Without feedparser's own dictionary, which finds "updated" under "published" and warns.
    return dict(feed.feed), tuple(dict(entry) for entry in feed.entries)


def _reference(found: re.Match[str]) -> str:
    digits, base = (found[1], 10) if found[1] else (found[2], 16)
    code = int(digits.lstrip("0")[:8] or "0", base)  # eight digits are beyond Unicode already
    return "" if code > sys.maxunicode or _NOT_XML.match(chr(code)) else found[0]


def _check_well_formed(document: bytes) -> None:
    """Before feedparser, which makes the best of anything and takes its time for it."""
    parser = expat.ParserCreate("utf-8", " ")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    shape = _Shape()
    parser.StartNamespaceDeclHandler = shape.declare
    parser.StartElementHandler = shape.open
    parser.EndElementHandler = shape.close
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise InvalidFeed(_fault(expat.ErrorString(error.code))) from error


class _Shape:
    """Counts while a document is checked: one that is all attributes keeps feedparser busy for minutes."""

    def __init__(self) -> None:
        self._depth = 0
        self._elements = 0
        self._attributes = 0

    def open(self, _name: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        self._attributes += len(attributes)
        if self._depth > FEED_DEPTH_MAX or self._elements > FEED_ELEMENTS_MAX:
            raise InvalidFeed(_NO_SHAPE)
        self._check_attributes()

    def declare(self, _prefix: str | None, _uri: str) -> None:
        self._attributes += 1
        self._check_attributes()

    def _check_attributes(self) -> None:
        if self._attributes > FEED_ATTRIBUTES_MAX:
            raise InvalidFeed(_NO_SHAPE)

    def close(self, _name: str) -> None:
        self._depth -= 1


def _refuse_doctype(*_: object) -> None:
    raise InvalidFeed("arXiv's answer declared a document type of its own, which no feed of arXiv's does.")


def _fault(expat_message: str) -> str:
    if expat_message in _ANOTHER_DOCUMENT:
        return "arXiv's answer was two documents in one."
    if expat_message in _CUT_OFF:
        return "arXiv's answer was cut off."
    return "arXiv's answer was no feed, or a damaged one."


def _refused(entries: Sequence[Mapping[str, object]]) -> None:
    for entry in entries:
        if _line(entry, "title") == "Error" and "/api/errors" in _line(entry, "id"):
            raise QueryRejected(_line(entry, "summary") or "arXiv gave no reason.")


def _count(counts: Mapping[str, object], name: str) -> int | None:
    written = _line(counts, name)
    return int(written) if _COUNT.fullmatch(written) else None


# --- the entries -------------------------------------------------------------------------------


def _sorted_out(entries: Sequence[Mapping[str, object]]) -> tuple[tuple[Paper, ...], tuple[Rejection, ...]]:
    """The papers, each once in its latest version, and what is none."""
    papers: dict[ArxivId, Paper] = {}
    rejected: list[Rejection] = []
    for place, entry in enumerate(entries, start=1):
        try:
            paper = _paper(entry)
        except ValueError as fault:
            rejected.append(Rejection(_line(entry, "id") or f"entry {place} of the page", str(fault)))
        else:
            known = papers.get(paper.arxiv_id)
            if known is None or known.version < paper.version:
                papers[paper.arxiv_id] = paper
    return tuple(papers.values()), tuple(rejected)


def _paper(entry: Mapping[str, object]) -> Paper:
    """The entry as a paper; ValueError, in words, where it is none."""
    arxiv_id, version = _identified(_line(entry, "id"))
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


def _identified(address: str) -> tuple[ArxivId, int]:
    if not address:
        raise ValueError("it has no id")
    page = _ABSTRACT_PAGE.fullmatch(address)
    if page is None:
        raise ValueError("its id is not the address of an abstract on arXiv")
    return split_version(page[1])


def _categories(entry: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    """The primary category and all of them; the first counts as primary where arXiv names none."""
    primary = (_line(named, "term") for named in _parts(entry, "arxiv_primary_category"))
    listed = (_line(tag, "term") for tag in _parts(entry, "tags"))
    categories = tuple(dict.fromkeys(filter(_CATEGORY.fullmatch, (*primary, *listed))))
    if not categories:
        raise ValueError("it has no category")
    return categories[0], categories


def _moment(entry: Mapping[str, object], name: str) -> datetime:
    written = _line(entry, name)
    try:
        moment = datetime.fromisoformat(written)
        utc = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"its date ({name}) cannot be read") from error
    if moment.tzinfo is None:
        raise ValueError(f"its date ({name}) names no time zone")
    return utc


def _parts(entry: Mapping[str, object], name: str) -> Iterator[Mapping[str, object]]:
    """The elements of that name; feedparser gives one of them alone, several as a list."""
    found = entry.get(name)
    for part in found if isinstance(found, list) else [found]:
        if isinstance(part, Mapping):
            yield part


def _line(fields: Mapping[str, object], name: str, limit: int = PAPER_FIELD_MAX) -> str:
    """A field's text on one line, at most `limit` characters; empty where there is none."""
    found = fields.get(name)
    if not isinstance(found, str):
        return ""
    # White space and controls go; a text that has more of them than words is none that anybody reads to its end.
    text = " ".join(_UNPRINTABLE.sub("", found[: 10 * limit]).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
