"""How many keywords and papers a page has, and that each format states what is left out."""

import json

import pytest

from bot.page import PageFormat, renderer
from bot.page.model import PAGE_KEYWORDS, PAGE_PAPERS, PAGE_PAPERS_TOTAL, outline_of
from tests.support.builders import paper
from tests.support.page import UPDATED, Page, page_of, render

STATED = "This page shows at most the newest 4 papers of each keyword."


def keywords(count: int) -> tuple[str, ...]:
    return tuple(f"keyword {number}" for number in range(count))


@pytest.mark.parametrize(("count", "per_keyword"), [(0, 100), (1, 100), (20, 100), (21, 95), (500, 4), (1000, 2)])
def test_papers_per_keyword_depend_on_the_number_of_keywords(count: int, per_keyword: int) -> None:
    outline = outline_of(UPDATED, keywords(count))
    assert outline.per_keyword == per_keyword <= PAGE_PAPERS
    assert per_keyword * count <= PAGE_PAPERS_TOTAL
    assert outline.more_keywords == 0


def test_keywords_beyond_the_limit_are_left_out() -> None:
    outline = outline_of(UPDATED, keywords(PAGE_KEYWORDS + 7))
    assert outline.keywords == keywords(PAGE_KEYWORDS)
    assert outline.more_keywords == 7


def test_requested_limit_can_be_lower() -> None:
    assert outline_of(UPDATED, keywords(2), 3).per_keyword == 3
    assert outline_of(UPDATED, keywords(500), 30).per_keyword == 4


@pytest.mark.parametrize("page_format", [PageFormat.HTML, PageFormat.MD, PageFormat.ATOM])
def test_readers_are_shown_what_is_left_out(page_format: PageFormat) -> None:
    page = page_of(paper())
    assert b"This page" not in render(page, page_format).body
    shortened = render(page, page_format, outline=outline_of(UPDATED, ("reward model",), 4)).body.decode()
    assert STATED in shortened
    many = outline_of(UPDATED, keywords(PAGE_KEYWORDS + 7))
    text = b"".join(renderer(many, page_format).tail())
    head = renderer(many, page_format).head()
    assert "It leaves out 7 more keywords." in (head + text).decode()


def test_json_has_what_is_left_out_as_numbers() -> None:
    page = page_of(paper())
    assert json.loads(render(page, PageFormat.JSON).body)["papers_per_keyword"] == PAGE_PAPERS
    outline = outline_of(UPDATED, ("reward model",), 4)
    document = json.loads(render(page, PageFormat.JSON, outline=outline).body)
    assert (document["papers_per_keyword"], document["more_keywords"]) == (4, 0)


def test_page_without_keywords_is_valid_json() -> None:
    assert json.loads(render(Page(None, ()), PageFormat.JSON).body)["sections"] == []
