"""Writes the page as an Atom feed (RFC 4287): one entry per paper, even if it matches several keywords.

An entry's id is the URL of the paper's abstract page without a version, so a new version updates the entry. Keywords
and arXiv's categories are `category` elements, each with its own scheme; data for which Atom has no element is in
arXiv's own namespace.
"""

import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from bot.domain.paper import ArxivId, Paper
from bot.page.model import PageFormat, PageOutline, Section
from bot.page.text import (
    ACKNOWLEDGEMENT,
    DESCRIPTION,
    category_text,
    comment_text,
    keyword_text,
    limit_text,
    newest_first,
    plain_text,
    title_text,
    version_url,
)

_ATOM: Final = "http://www.w3.org/2005/Atom"
_ARXIV: Final = "http://arxiv.org/schemas/atom"
CATEGORY_SCHEME: Final = _ARXIV
KEYWORD_SCHEME: Final = "urn:x-daily-papers:keyword"
# A feed must say when it was updated; an empty one that never was says the Unix epoch.
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

ET.register_namespace("arxiv", _ARXIV)


# Keywords are inserted between the parts of an entry; `<` in a text would be escaped.
_AFTER_KEYWORDS: Final = (b"<summary", b"</entry>")
# The feed declares arXiv's namespace for all entries.
_ENTRY_START: Final = f'<entry xmlns:arxiv="{_ARXIV}">'.encode()


@dataclass(frozen=True, slots=True)
class _AtomEntry:
    """An entry in two parts, without its keywords."""

    version: int
    updated: datetime
    before_keywords: bytes
    after_keywords: bytes
    keywords: list[str] = field(default_factory=list)


class AtomRenderer:
    """Writes the feed in UTF-8, with an XML declaration; entries are complete when all sections are known.

    `address` is the URL of the HTML page.
    """

    policy = None

    def __init__(self, outline: PageOutline, address: str | None) -> None:
        self._outline = outline
        self._address = address
        self._entries: dict[ArxivId, _AtomEntry] = {}
        self.per_keyword = outline.per_keyword

    def head(self) -> bytes:
        """Returns nothing: a feed begins with the time of its newest entry."""
        return b""

    def section(self, section: Section) -> bytes:
        """Keeps the papers of a section, each once at its newest version; returns nothing."""
        keyword = keyword_text(section.keyword)
        for paper in newest_first(section.papers):
            known = self._entries.get(paper.arxiv_id)
            if known is None or known.version < paper.version:
                self._entries[paper.arxiv_id] = _entry(paper, [] if known is None else known.keywords)
            self._entries[paper.arxiv_id].keywords.append(keyword)
        return b""

    def tail(self) -> Iterator[bytes]:
        """Yields the feed: its entries newest first, each with its keywords in their order."""
        yield self._start()
        in_order = sorted(self._entries.items(), key=lambda item: (item[1].updated, item[0]), reverse=True)
        for _, entry in in_order:
            yield entry.before_keywords + _keywords(entry.keywords) + entry.after_keywords
        yield b"</feed>\n"

    def _start(self) -> bytes:
        attributes = {"xmlns": _ATOM, "xmlns:arxiv": _ARXIV, "xml:lang": "en"}
        feed = ET.Element("feed", attributes)
        newest = max((entry.updated for entry in self._entries.values()), default=_NEVER)
        limit = limit_text(self._outline, self.per_keyword)
        _add(feed, "id", self._address or _feed_id(self._outline))
        _add(feed, "title", "Daily Papers")
        _add(feed, "subtitle", " ".join(filter(None, (DESCRIPTION, limit, ACKNOWLEDGEMENT))))
        _add(feed, "updated", _timestamp(self._outline.updated or newest))
        _add(ET.SubElement(feed, "author"), "name", "Daily Papers")
        if self._address is not None:
            content_type = PageFormat.ATOM.content_type.partition(";")[0]
            _add_link(feed, "self", self._address + PageFormat.ATOM.filename, content_type)
            _add_link(feed, "alternate", self._address, "text/html")
        document: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
        return document.removesuffix(b"</feed>")


def _entry(paper: Paper, keywords: list[str]) -> _AtomEntry:
    entry = ET.Element("entry")
    _fill_entry(entry, paper)
    rendered: bytes = ET.tostring(entry, encoding="utf-8")
    if rendered.startswith(_ENTRY_START):
        rendered = b"<entry>" + rendered.removeprefix(_ENTRY_START)
    # A paper whose abstract is no longer stored has no summary.
    place = next(place for each in _AFTER_KEYWORDS if (place := rendered.find(each)) >= 0)
    return _AtomEntry(paper.version, paper.updated, rendered[:place], rendered[place:], keywords)


def _keywords(keywords: Iterable[str]) -> bytes:
    parent = ET.Element("entry")
    _add_categories(parent, KEYWORD_SCHEME, keywords)
    return b"".join(ET.tostring(category, encoding="utf-8") for category in parent)


def _fill_entry(entry: ET.Element, paper: Paper) -> None:
    _add(entry, "id", paper.arxiv_id.abs_url)
    _add(entry, "title", title_text(paper), type="text")
    _add(entry, "published", _timestamp(paper.published))
    _add(entry, "updated", _timestamp(paper.updated))
    for name in filter(None, map(plain_text, paper.authors)):
        _add(ET.SubElement(entry, "author"), "name", name)
    _add_link(entry, "alternate", version_url(paper), "text/html")
    _add_link(entry, "related", paper.arxiv_id.pdf_url, "application/pdf")
    _add_categories(entry, CATEGORY_SCHEME, map(category_text, paper.categories))
    if abstract := plain_text(paper.abstract):
        _add(entry, "summary", abstract, type="text")
    _add_arxiv(entry, "comment", comment_text(paper))
    _add_arxiv(entry, "journal_ref", plain_text(paper.journal_ref or ""))
    _add_arxiv(entry, "doi", plain_text(paper.doi or ""))


def _add_categories(entry: ET.Element, scheme: str, terms: Iterable[str]) -> None:
    for term in filter(None, dict.fromkeys(terms)):
        ET.SubElement(entry, "category", {"term": term, "scheme": scheme})


def _add_link(parent: ET.Element, relation: str, href: str, content_type: str) -> None:
    ET.SubElement(parent, "link", {"rel": relation, "type": content_type, "href": href})


def _add(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, name, attributes).text = text


def _add_arxiv(entry: ET.Element, name: str, text: str) -> None:
    if text:
        _add(entry, f"{{{_ARXIV}}}{name}", text)


def _feed_id(outline: PageOutline) -> str:
    """Returns an id that depends on the keywords only, not on where the feed is served."""
    keywords = "\n".join(keyword.encode("utf-8", "replace").decode() for keyword in outline.keywords)
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{KEYWORD_SCHEME}:{keywords}").urn


def _timestamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
