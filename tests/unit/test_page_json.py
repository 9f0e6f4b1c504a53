"""The page as JSON: each paper can be rebuilt unchanged."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given

from bot.domain.paper import ArxivId, Paper
from bot.page import PageFormat, Section
from bot.page.model import PAGE_PAPERS
from tests.support.builders import paper, trending_entry
from tests.support.page import UPDATED, Page, hostile_pages, newest_first, page_of, recorded_page, render


def _parse(page: Page, address: str | None = None) -> Any:
    rendered = render(page, PageFormat.JSON, address=address)
    assert (rendered.content_type, rendered.filename) == ("application/json; charset=utf-8", "daily-papers.json")
    return json.loads(rendered.body)


def _rebuilt(fields: dict[str, Any]) -> Paper:
    return Paper(
        arxiv_id=ArxivId(fields["id"]),
        version=fields["version"],
        title=fields["title"],
        abstract=fields["abstract"],
        authors=tuple(fields["authors"]),
        primary_category=fields["primary_category"],
        categories=tuple(fields["categories"]),
        published=datetime.fromisoformat(fields["published"]),
        updated=datetime.fromisoformat(fields["updated"]),
        comment=fields["comment"],
        journal_ref=fields["journal_ref"],
        doi=fields["doi"],
    )


def _page(document: Any) -> Page:
    updated = document["updated"] and datetime.fromisoformat(document["updated"])
    sections = ((part["keyword"], tuple(map(_rebuilt, part["papers"]))) for part in document["sections"])
    return Page(updated, tuple(Section(keyword, papers) for keyword, papers in sections))


@pytest.mark.slow
@pytest.mark.recordings
def test_recorded_papers_are_rebuilt_unchanged() -> None:
    page = recorded_page()
    sections = tuple(Section(section.keyword, newest_first(section.papers)) for section in page.sections)
    assert _page(_parse(page)) == Page(page.updated, sections)


@given(hostile_pages())
def test_hostile_papers_are_rebuilt_unchanged(page: Page) -> None:
    assert _page(_parse(page)) == page


def test_lone_surrogate_is_rebuilt() -> None:
    page = page_of(paper(title="broken \ud83d emoji"))
    assert _page(_parse(page)) == page


def test_readable_text_accompanies_arxivs_fields() -> None:
    shown = _parse(
        page_of(
            paper(title="On $\\alpha$-decay", abstract="Erd\\H{o}s", authors=("P. Erd\\H{o}s",), comment="$10^6$ steps")
        )
    )["sections"][0]["papers"][0]
    assert shown["title"] == "On $\\alpha$-decay"
    assert shown["text"] == {
        "title": "On α-decay",
        "abstract": "Erdős",
        "authors": ["P. Erdős"],
        "comment": "10⁶ steps",
    }
    assert shown["bibtex"].startswith("@misc{arxiv-2611.00001,\n")


@pytest.mark.parametrize(
    ("arxiv_id", "html"), [("2403.01234", "https://arxiv.org/html/2403.01234"), ("hep-th/9901001", None)]
)
def test_links_are_those_of_arxiv(arxiv_id: str, html: str | None) -> None:
    assert _parse(page_of(paper(arxiv_id, version=3)))["sections"][0]["papers"][0]["urls"] == {
        "abs": f"https://arxiv.org/abs/{arxiv_id}v3",
        "pdf": f"https://arxiv.org/pdf/{arxiv_id}",
        "html": html,
    }


def test_trending_paper_has_what_hugging_face_lists() -> None:
    listed = trending_entry(votes=41, code_url="https://github.com/a/b", stars=7, ai_summary="It learns.")
    page = replace(page_of(paper(), paper("2611.00002")), trending_entries={listed.arxiv_id: listed})
    other, shown = _parse(page)["sections"][0]["papers"]
    assert other["huggingface"] is None
    assert shown["huggingface"] == {
        "url": "https://huggingface.co/papers/2611.00001",
        "day": "2026-11-18",
        "votes": 41,
        "comments": 1,
        "organization": None,
        "code_url": "https://github.com/a/b",
        "stars": 7,
        "ai_summary": "It learns.",
        "thumbnail_url": None,
    }


def test_document_names_its_format_and_version() -> None:
    document = _parse(page_of(), "https://papers.example/")
    assert (document["format"], document["version"]) == ("daily-papers", 1)
    assert (document["address"], document["updated"]) == ("https://papers.example/", UPDATED.isoformat())
    assert document["acknowledgement"] == "Thank you to arXiv for use of its open access interoperability."


def test_section_has_the_newest_papers_up_to_the_limit() -> None:
    papers = [paper(f"2611.{number:05}") for number in range(1, PAGE_PAPERS + 6)]
    shown = _parse(page_of(*papers))["sections"][0]["papers"]
    assert [fields["id"] for fields in shown] == [str(one.arxiv_id) for one in reversed(papers[5:])]
