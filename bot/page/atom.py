"""Writes the page as an Atom feed (RFC 4287): one entry per paper, even if it matches several keywords.

An entry's id is the URL of the paper's abstract page without a version, so a new version updates the entry. Keywords
and arXiv's categories are `category` elements, each with its own scheme; data for which Atom has no element is in
arXiv's own namespace.
"""

import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from bot.domain.paper import ArxivId, Paper
from bot.page.model import Page, PageFormat
from bot.page.text import (
    ACKNOWLEDGEMENT,
    DESCRIPTION,
    category_text,
    comment_text,
    keyword_text,
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


def to_atom(page: Page, address: str | None) -> bytes:
    """Returns the feed in UTF-8, with an XML declaration; `address` is the URL of the HTML page."""
    papers, keywords = _unique_papers(page)
    feed = ET.Element("feed", {"xmlns": _ATOM, "xml:lang": "en"})
    _add(feed, "id", address or _feed_id(page))
    _add(feed, "title", "Daily Papers")
    _add(feed, "subtitle", f"{DESCRIPTION} {ACKNOWLEDGEMENT}")
    _add(feed, "updated", _timestamp(page.updated or max((paper.updated for paper in papers), default=_NEVER)))
    _add(ET.SubElement(feed, "author"), "name", "Daily Papers")
    if address is not None:
        _add_link(feed, "self", address + PageFormat.ATOM.filename, PageFormat.ATOM.content_type.partition(";")[0])
        _add_link(feed, "alternate", address, "text/html")
    for paper in papers:
        _fill_entry(ET.SubElement(feed, "entry"), paper, keywords[paper.arxiv_id])
    document: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _unique_papers(page: Page) -> tuple[tuple[Paper, ...], dict[ArxivId, list[str]]]:
    """Returns each paper once at its newest version, newest first, and each paper's keywords in their order."""
    newest: dict[ArxivId, Paper] = {}
    keywords: dict[ArxivId, list[str]] = {}
    for section in page.sections:
        for paper in newest_first(section.papers):
            known = newest.setdefault(paper.arxiv_id, paper)
            newest[paper.arxiv_id] = max(known, paper, key=lambda version: version.version)
            keywords.setdefault(paper.arxiv_id, []).append(keyword_text(section.keyword))
    papers = sorted(newest.values(), key=lambda paper: (paper.updated, paper.arxiv_id), reverse=True)
    return tuple(papers), keywords


def _fill_entry(entry: ET.Element, paper: Paper, keywords: Iterable[str]) -> None:
    _add(entry, "id", paper.arxiv_id.abs_url)
    _add(entry, "title", title_text(paper), type="text")
    _add(entry, "published", _timestamp(paper.published))
    _add(entry, "updated", _timestamp(paper.updated))
    for name in filter(None, map(plain_text, paper.authors)):
        _add(ET.SubElement(entry, "author"), "name", name)
    _add_link(entry, "alternate", version_url(paper), "text/html")
    _add_link(entry, "related", paper.arxiv_id.pdf_url, "application/pdf")
    _add_categories(entry, CATEGORY_SCHEME, map(category_text, paper.categories))
    _add_categories(entry, KEYWORD_SCHEME, keywords)
    _add(entry, "summary", plain_text(paper.abstract), type="text")
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


def _feed_id(page: Page) -> str:
    """Returns an id that depends on the keywords only, not on where the feed is served."""
    keywords = "\n".join(section.keyword.encode("utf-8", "replace").decode() for section in page.sections)
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{KEYWORD_SCHEME}:{keywords}").urn


def _timestamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
