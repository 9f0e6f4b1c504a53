"""The page as an Atom feed (RFC 4287): one entry a paper, however many keywords it matches.

An entry's id is the paper's abstract page without a version: a new version renews an entry. Keywords and arXiv's
categories are `category` elements with a scheme each; what Atom has no element for stands in arXiv's own namespace.
"""

import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from bot.domain.paper import ArxivId, Paper
from bot.page.model import Form, Page
from bot.page.words import (
    ACKNOWLEDGEMENT,
    WHAT_THIS_IS,
    abstract_page,
    as_typed,
    code_words,
    comment_words,
    ordered,
    readable,
    title_words,
)

_ATOM: Final = "http://www.w3.org/2005/Atom"
_ARXIV: Final = "http://arxiv.org/schemas/atom"
CATEGORY_SCHEME: Final = _ARXIV
KEYWORD_SCHEME: Final = "urn:x-daily-papers:keyword"
# A feed has to say when it was renewed; the one that never was and is empty says the beginning of the clock.
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

ET.register_namespace("arxiv", _ARXIV)


def to_atom(page: Page, address: str | None) -> bytes:
    """The feed in UTF-8, with its declaration; `address` is where the HTML page is served."""
    papers, keywords = _once(page)
    feed = ET.Element("feed", {"xmlns": _ATOM, "xml:lang": "en"})
    _add(feed, "id", address or _own_id(page))
    _add(feed, "title", "Daily Papers")
    _add(feed, "subtitle", f"{WHAT_THIS_IS} {ACKNOWLEDGEMENT}")
    _add(feed, "updated", _moment(page.updated or max((paper.updated for paper in papers), default=_NEVER)))
    _add(ET.SubElement(feed, "author"), "name", "Daily Papers")
    if address is not None:
        _link(feed, "self", address + Form.ATOM.filename, Form.ATOM.content_type.partition(";")[0])
        _link(feed, "alternate", address, "text/html")
    for paper in papers:
        _entry(ET.SubElement(feed, "entry"), paper, keywords[paper.arxiv_id])
    document: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _once(page: Page) -> tuple[tuple[Paper, ...], dict[ArxivId, list[str]]]:
    """Every paper of the page at its newest version, the newest first, and its keywords in their order."""
    newest: dict[ArxivId, Paper] = {}
    keywords: dict[ArxivId, list[str]] = {}
    for section in page.sections:
        for paper in ordered(section.papers):
            known = newest.setdefault(paper.arxiv_id, paper)
            newest[paper.arxiv_id] = max(known, paper, key=lambda version: version.version)
            keywords.setdefault(paper.arxiv_id, []).append(as_typed(section.keyword))
    everything = sorted(newest.values(), key=lambda paper: (paper.updated, paper.arxiv_id), reverse=True)
    return tuple(everything), keywords


def _entry(entry: ET.Element, paper: Paper, keywords: Iterable[str]) -> None:
    _add(entry, "id", paper.arxiv_id.abs_url)
    _add(entry, "title", title_words(paper), type="text")
    _add(entry, "published", _moment(paper.published))
    _add(entry, "updated", _moment(paper.updated))
    for name in filter(None, map(readable, paper.authors)):
        _add(ET.SubElement(entry, "author"), "name", name)
    _link(entry, "alternate", abstract_page(paper), "text/html")
    _link(entry, "related", paper.arxiv_id.pdf_url, "application/pdf")
    _terms(entry, CATEGORY_SCHEME, map(code_words, paper.categories))
    _terms(entry, KEYWORD_SCHEME, keywords)
    _add(entry, "summary", readable(paper.abstract), type="text")
    _add_known(entry, "comment", comment_words(paper))
    _add_known(entry, "journal_ref", readable(paper.journal_ref or ""))
    _add_known(entry, "doi", readable(paper.doi or ""))


def _terms(entry: ET.Element, scheme: str, terms: Iterable[str]) -> None:
    for term in filter(None, dict.fromkeys(terms)):
        ET.SubElement(entry, "category", {"term": term, "scheme": scheme})


def _link(parent: ET.Element, relation: str, href: str, content_type: str) -> None:
    ET.SubElement(parent, "link", {"rel": relation, "type": content_type, "href": href})


def _add(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, name, attributes).text = text


def _add_known(entry: ET.Element, name: str, text: str) -> None:
    if text:
        _add(entry, f"{{{_ARXIV}}}{name}", text)


def _own_id(page: Page) -> str:
    """The same for the same keywords, wherever the feed is written."""
    keywords = "\n".join(section.keyword.encode("utf-8", "replace").decode() for section in page.sections)
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{KEYWORD_SCHEME}:{keywords}").urn


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
