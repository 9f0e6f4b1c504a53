"""The page as an Atom feed: valid, and read back by a feed reader."""

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import feedparser
import pytest
from hypothesis import given

from bot.domain.paper import Paper
from bot.page import PageFormat, Section
from bot.page.atom import CATEGORY_SCHEME, KEYWORD_SCHEME
from bot.page.text import category_text, comment_text, keyword_text, plain_text, title_text
from tests.support.builders import paper
from tests.support.page import UPDATED, Page, hostile_pages, newest_first, page_of, recorded_page, render

_ATOM = "{http://www.w3.org/2005/Atom}"
_ADDRESS = "https://papers.example/"


def _render(page: Page, address: str | None = None) -> bytes:
    rendered = render(page, PageFormat.ATOM, address=address)
    assert (rendered.content_type, rendered.filename) == ("application/atom+xml; charset=utf-8", "daily-papers.atom")
    _assert_valid(rendered.body)
    return rendered.body


def _assert_valid(body: bytes) -> None:
    """Asserts what RFC 4287 requires of the elements in use."""
    feed = ET.fromstring(body)  # noqa: S314 - written by the bot
    assert feed.tag == f"{_ATOM}feed"
    for parent in (feed, *feed.findall(f"{_ATOM}entry")):
        for name in ("id", "title", "updated"):
            (element,) = parent.findall(f"{_ATOM}{name}")
            assert element.text
        assert datetime.fromisoformat(parent.findtext(f"{_ATOM}updated") or "").tzinfo is not None
        alternates = [link for link in parent.findall(f"{_ATOM}link") if link.get("rel") == "alternate"]
        assert len(alternates) == (parent is not feed or len(alternates))
        assert all(category.get("term") for category in parent.findall(f"{_ATOM}category"))
        assert all(author.findtext(f"{_ATOM}name") for author in parent.findall(f"{_ATOM}author"))
    assert feed.find(f"{_ATOM}author") is not None  # applies to entries without authors
    ids = [entry.findtext(f"{_ATOM}id") for entry in feed.findall(f"{_ATOM}entry")]
    assert len(ids) == len(set(ids))


def _parse(page: Page, address: str | None = None) -> Any:
    feed = feedparser.parse(io.BytesIO(_render(page, address)))
    assert not feed.bozo
    assert feed.version == "atom10"
    return feed


def _terms(entry: Any, scheme: str) -> list[str]:
    return [tag.term for tag in entry.get("tags", ()) if tag.scheme == scheme]


def _timestamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ") if time.year > 999 else ""


def _as_feedparser(text: str) -> str:
    """Returns the text as feedparser decodes it: in most elements it turns "Ã¼", misread UTF-8, into "ü"."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _differences(entry: Any, paper: Paper, keyword: str) -> Iterator[str]:
    """Yields the fields in which an entry differs from the paper."""
    expected = {
        "id": f"https://arxiv.org/abs/{paper.arxiv_id}",
        "link": f"https://arxiv.org/abs/{paper.arxiv_id}v{paper.version}",
        "title": title_text(paper),
        "summary": plain_text(paper.abstract),
        "published": _timestamp(paper.published),
        "updated": _timestamp(paper.updated),
        "arxiv_comment": comment_text(paper),
        "arxiv_journal_ref": plain_text(paper.journal_ref or ""),
        "arxiv_doi": plain_text(paper.doi or ""),
    }
    yield from (name for name, text in expected.items() if _as_feedparser(entry.get(name, "")) != _as_feedparser(text))
    if [author.get("name") for author in entry.get("authors", ())] != list(
        filter(None, map(plain_text, paper.authors))
    ):
        yield "authors"
    if _terms(entry, CATEGORY_SCHEME) != list(dict.fromkeys(filter(None, map(category_text, paper.categories)))):
        yield "categories"
    if _terms(entry, KEYWORD_SCHEME) != [keyword] * bool(keyword):
        yield "keyword"


def _assert_read_back(page: Page) -> None:
    keywords = {paper.arxiv_id: keyword_text(section.keyword) for section in page.sections for paper in section.papers}
    papers = newest_first([paper for section in page.sections for paper in section.papers])
    for entry, one in zip(_parse(page).entries, papers, strict=True):
        assert list(_differences(entry, one, keywords[one.arxiv_id])) == [], (entry, one)


@pytest.mark.slow
@pytest.mark.recordings
def test_recorded_papers_are_read_back_unchanged() -> None:
    _assert_read_back(recorded_page())


@given(hostile_pages())
def test_hostile_papers_are_read_back_unchanged(page: Page) -> None:
    _assert_read_back(page)


def test_paper_in_two_sections_is_one_entry_with_both_keywords() -> None:
    older, newer = paper(version=1), paper(version=2, updated=UPDATED)
    page = Page(UPDATED, (Section("reward model", (older,)), Section("agents", (newer,)), Section("agents", (newer,))))
    (entry,) = _parse(page).entries
    assert _terms(entry, KEYWORD_SCHEME) == ["reward model", "agents"]
    assert entry.link.endswith("v2")
    assert entry.links[1] == {
        "rel": "related",
        "type": "application/pdf",
        "href": "https://arxiv.org/pdf/2611.00001",
    }


def test_served_feed_has_its_urls() -> None:
    feed = _parse(page_of(paper()), _ADDRESS).feed
    assert feed.id == _ADDRESS
    assert {link.rel: (link.href, link.type) for link in feed.links} == {
        "self": ("https://papers.example/daily-papers.atom", "application/atom+xml"),
        "alternate": (_ADDRESS, "text/html"),
    }


def test_feed_id_of_a_file_depends_on_its_keywords() -> None:
    now, later, other = (
        _parse(page)
        for page in (page_of(paper()), page_of(paper("2611.00002"), updated=None), page_of(keyword="agents"))
    )
    assert now.feed.id.startswith("urn:uuid:")
    assert now.feed.id == later.feed.id != other.feed.id
    assert "links" not in now.feed


def test_feed_is_updated_at_the_last_sync_or_newest_paper() -> None:
    assert _parse(page_of(paper())).feed.updated == "2026-11-20T05:30:00Z"
    newest = datetime(2026, 11, 19, tzinfo=UTC)
    assert _parse(page_of(paper(updated=newest), updated=None)).feed.updated == "2026-11-19T00:00:00Z"
    assert _parse(Page(None, ())).feed.updated == "1970-01-01T00:00:00Z"


def test_feed_has_a_description_and_acknowledges_arxiv() -> None:
    feed = _parse(page_of()).feed
    assert feed.title == feed.author == "Daily Papers"
    assert "Thank you to arXiv for use of its open access interoperability." in feed.subtitle


def test_data_without_an_atom_element_uses_arxivs_namespace() -> None:
    (entry,) = _parse(page_of(paper(comment="12 $\\mu$m", journal_ref="Phys. Rev. D 62", doi="10.1000/1"))).entries
    assert (entry.arxiv_comment, entry.arxiv_journal_ref, entry.arxiv_doi) == ("12 μm", "Phys. Rev. D 62", "10.1000/1")


def test_entry_without_abstract_has_no_summary() -> None:
    with_abstract, without = _parse(page_of(paper("2611.00002"), paper(abstract=""))).entries
    assert with_abstract.summary == "An abstract."
    assert "summary" not in without
