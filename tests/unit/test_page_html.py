"""The page as HTML: valid, self-contained, and parsed back by an HTML parser."""

import base64
import hashlib
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.page import generate_page
from bot.domain.paper import Paper
from bot.page import PageFormat, Section
from bot.page.bibtex import bibtex
from bot.page.html import PAGE_HTML_BYTES
from bot.page.text import author_text, comment_text, keyword_text, plain_text, title_text
from tests.support.builders import paper, trending_entry
from tests.support.page import PIECES, UPDATED, Page, hostile_pages, newest_first, page_of, recorded_page, render

_ADDRESS = "https://papers.example/"


def _render(page: Page, address: str | None = None) -> str:
    rendered = render(page, PageFormat.HTML, address=address)
    assert (rendered.content_type, rendered.filename) == ("text/html; charset=utf-8", "daily-papers.html")
    return rendered.body.decode()


def _parse(page: Page, address: str | None = None) -> ET.Element:
    """Parses the page; raises on invalid HTML."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    document = parser.parse(_render(page, address))
    assert isinstance(document, ET.Element)
    return document


def _text(element: ET.Element | None) -> str:
    assert element is not None
    return "".join(element.itertext())


def _words(element: ET.Element | None) -> str:
    return _text(element).strip("\n")


def _sections(document: ET.Element) -> list[tuple[str, list[ET.Element]]]:
    return [(_text(part.find("h2")), part.findall("ol/li")) for part in document.findall(".//main/section")]


def _assert_shows(entry: ET.Element, paper: Paper) -> None:
    heading = entry.find("h3/a")
    assert heading is not None
    assert (_text(heading), heading.get("href")) == (
        title_text(paper),
        f"https://arxiv.org/abs/{paper.arxiv_id}v{paper.version}",
    )
    authors, facts, *comment = entry.findall("p")
    assert _words(authors) == author_text(paper)
    assert _text(facts.find("time")) == paper.updated.strftime("%Y-%m-%d")
    assert [_words(text) for text in comment] == [comment_text(paper)] * bool(comment_text(paper))
    details = entry.findall("details")
    abstract = [each for each in details if _text(each.find("summary")) == "Abstract"]
    assert [_words(each.find("p")) for each in abstract] == [plain_text(paper.abstract)] * bool(
        plain_text(paper.abstract)
    )
    citation = details[len(abstract) :]
    links = [link.get("href") for link in entry.findall("a")]
    assert links[0] == f"https://arxiv.org/pdf/{paper.arxiv_id}"
    assert (f"https://arxiv.org/html/{paper.arxiv_id}" in links) == (paper.arxiv_id.html_url is not None)
    for text in citation:
        assert _text(text.find("pre")) == bibtex(paper)
    assert bool(citation) != (f"https://arxiv.org/bibtex/{paper.arxiv_id}" in links)


def _assert_read_back(page: Page) -> None:
    document = _parse(page)
    read = _sections(document)
    assert [keyword for keyword, _ in read] == [keyword_text(section.keyword) for section in page.sections]
    for (_, entries), section in zip(read, page.sections, strict=True):
        for entry, one in zip(entries, newest_first(section.papers), strict=True):
            _assert_shows(entry, one)
    assert {element.tag for element in document.iter()} <= set(_OUR_ELEMENTS.split())
    assert [name for element in document.iter() for name in element.attrib if name.startswith(("on", "style"))] == []


_OUR_ELEMENTS = (
    "html head meta title link style script body a header h1 p span time div form label input kbd select option button "
    "nav h2 ul li main section ol h3 details summary pre strong footer"
)


@pytest.mark.slow
@pytest.mark.recordings
def test_recorded_papers_are_read_back_unchanged() -> None:
    _assert_read_back(recorded_page())


@pytest.mark.slow
@given(hostile_pages())
def test_hostile_papers_are_read_back_unchanged(page: Page) -> None:
    _assert_read_back(page)


@pytest.mark.slow
def test_each_special_character_is_shown_unchanged() -> None:
    texts = [text for piece in PIECES for text in (piece, f"x{piece}x", f"a {piece} b")]
    papers = [
        paper(f"2611.{at:05}", title=text, abstract=text, comment=text, authors=(text, text), primary_category=text)
        for at, text in enumerate(texts)
    ]
    sections = [Section(texts[at], newest_first(papers[at : at + 90])) for at in range(0, len(papers), 90)]
    _assert_read_back(Page(UPDATED, tuple(sections)))


def test_only_this_style_and_this_script_are_allowed() -> None:
    page = page_of(paper(), paper("2611.00002", categories=("cs.LG", "math.OC")))
    document = _parse(page)
    (meta,) = [meta for meta in document.iter("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    policy = meta.get("content")
    for name in ("style", "script"):
        (element,) = document.iter(name)
        digest = base64.b64encode(hashlib.sha256(_text(element).encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in (policy or "")
    assert policy is not None
    assert [part.split()[0] for part in policy.split("; ")] == [
        "default-src",
        "style-src",
        "script-src",
        "img-src",
        "base-uri",
        "form-action",
    ]
    assert policy.count("'none'") == 3
    served = render(page, PageFormat.HTML).content_security_policy
    assert served == f"{policy}; frame-ancestors 'none'"


def test_page_loads_nothing() -> None:
    document = _parse(page_of(paper()), _ADDRESS)
    assert [element.tag for element in document.iter() if "src" in element.attrib] == []
    loaded = [link for link in document.iter("link") if link.get("rel") != "alternate"]
    assert [(link.get("rel"), (link.get("href") or "")[:5]) for link in loaded] == [("icon", "data:")]
    assert "url(" not in _text(document.find(".//style"))
    assert "@import" not in _text(document.find(".//style"))


def test_other_formats_are_linked_only_on_a_served_page() -> None:
    served, file = _parse(page_of(), _ADDRESS), _parse(page_of())
    links = [(link.get("type"), link.get("href")) for link in served.iter("link") if link.get("rel") == "alternate"]
    assert links == [
        (page_format.content_type, f"https://papers.example/daily-papers.{page_format}")
        for page_format in (PageFormat.ATOM, PageFormat.JSON, PageFormat.MD)
    ]
    assert [link.get("href") for link in served.iter("a")][1:4] == [href for _, href in links]
    assert [link for link in file.iter("link") if link.get("rel") == "alternate"] == []


def test_every_section_has_a_unique_anchor() -> None:
    keywords = ("Reward Model", "reward-model", "reward model", "Reward Model 2", "C++", "C#", "größe", "∇")
    document = _parse(Page(UPDATED, tuple(Section(keyword, ()) for keyword in keywords)))
    ids = [element.get("id") for element in document.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    jumps = [(link.get("href") or "")[1:] for link in document.findall(".//nav//a")]
    assert jumps == [heading.get("id") for heading in document.findall(".//main/section/h2")]
    assert jumps == [section.get("aria-labelledby") for section in document.findall(".//main/section")]
    assert jumps[:4] == ["k-reward-model", "k-reward-model-2", "k-reward-model-3", "k-reward-model-2-2"]


def test_heading_levels_are_not_skipped() -> None:
    document = _parse(page_of(paper()))
    levels = [int(element.tag[1]) for element in document.iter() if re.fullmatch(r"h\d", str(element.tag))]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def _classes(page: Page) -> list[set[str]]:
    return [set((entry.get("class") or "").split()) for _, entries in _sections(_parse(page)) for entry in entries]


@pytest.mark.parametrize(
    ("days", "span"), [(-1, {"d0"}), (0, {"d0"}), (3, {"d0"}), (3.1, {"d1"}), (7, {"d1"}), (30, {"d2"}), (30.1, set())]
)
def test_date_filter_counts_from_the_last_update(days: float, span: set[str]) -> None:
    shown = paper(published=UPDATED - timedelta(days=days), categories=(), primary_category="cs.LG")
    assert _classes(page_of(shown)) == [{"c0"} | span]


def test_date_filter_counts_from_the_newest_paper_without_update() -> None:
    newest = datetime(2020, 1, 31, tzinfo=UTC)
    papers = (paper("2611.00002", published=newest), paper(published=newest - timedelta(days=5)))
    assert _classes(page_of(*papers, updated=None)) == [{"c0", "d0"}, {"c0", "d1"}]


def test_category_filter_shows_names_and_counts() -> None:
    papers = (
        paper("2611.00002", primary_category="cs.CV", categories=("cs.LG", "cs.CV")),
        paper(primary_category="cs.LG", categories=("cs.LG", "cmp-lg")),
    )
    page = page_of(*papers)
    offered = _parse(page).findall(".//select[@id='category']/option")
    assert [(option.get("value"), _text(option)) for option in offered] == [
        ("", "All categories"),
        ("c0", "cmp-lg (1)"),
        ("c1", "cs.CV · Computer Vision and Pattern Recognition (1)"),
        ("c2", "cs.LG · Machine Learning (2)"),
    ]
    assert [classes - {"d0"} for classes in _classes(page)] == [{"c1", "c2"}, {"c0", "c2"}]


def test_withdrawn_paper_is_marked_and_code_is_linked() -> None:
    code = "https://github.com/someone/reward"
    gone, kept = paper("2611.00002", comment="This paper has been withdrawn"), paper(comment=f"Code: {code}")
    first, second = _sections(_parse(page_of(gone, kept)))[0][1]
    assert _text(first.find("p/strong")) == "withdrawn"
    assert second.find("p/strong") is None
    assert [link.get("href") for link in second.findall("a") if _text(link) == "Code"] == [code]


def _trending_page(**fields: object) -> Page:
    entry = trending_entry(**fields)  # type: ignore[arg-type]  # the fields that a test names
    return replace(page_of(paper(), paper("2611.00002")), trending_entries={entry.arxiv_id: entry})


def test_trending_paper_has_votes_code_and_summary_as_on_cards() -> None:
    page = _trending_page(votes=41, code_url="https://github.com/a/b", stars=1234, ai_summary="It learns $\\alpha$.")
    other, listed = _sections(_parse(page))[0][1]
    links = [(_text(link), link.get("href")) for link in listed.findall("a")]
    assert links[2:4] == [
        ("Code ★ 1.2k", "https://github.com/a/b"),
        ("▲ 41 votes on Hugging Face", "https://huggingface.co/papers/2611.00001"),
    ]
    assert _words(listed.findall("p")[-1]) == "AI summary from Hugging Face: It learns α."
    assert "Hugging Face" not in _text(other)


def test_trending_paper_without_votes_or_summary_shows_neither() -> None:
    assert "Hugging Face" not in _text(_parse(_trending_page(votes=0)))


@given(st.lists(st.sampled_from(PIECES), max_size=6).map("".join))
def test_hostile_summary_is_text(summary: str) -> None:
    document = _parse(_trending_page(votes=0, ai_summary=summary))
    assert {element.tag for element in document.iter()} <= set(_OUR_ELEMENTS.split())
    if plain_text(summary):
        assert _words(_sections(document)[0][1][1].findall("p")[-1]) == (
            f"AI summary from Hugging Face: {plain_text(summary)}"
        )


def test_message_about_filters_without_matches_has_a_rule_where_needed() -> None:
    def rules(*papers: Paper) -> set[str]:
        return set(
            re.findall(r"^body:has\((.*)\) \.nothing", _text(_parse(page_of(*papers)).find(".//style")), re.MULTILINE)
        )

    old = paper(
        "2611.00002", published=UPDATED - timedelta(days=10), categories=("math.PR",), primary_category="math.PR"
    )
    assert rules(paper(published=UPDATED)) == set()
    assert rules(old) == {"[value=d0]:checked", "[value=d1]:checked"}
    unmatched = ":has(:is([value=c1]):checked"
    assert rules(paper(published=UPDATED), old) == {f"[value={each}]:checked){unmatched}" for each in ("d0", "d1")}


def test_authors_after_the_third_are_counted() -> None:
    many = paper(authors=tuple(f"Author {number}" for number in range(1, 9)))
    assert _words(_sections(_parse(page_of(many)))[0][1][0].find("p")) == "Author 1, Author 2, Author 3 and 5 more"


def test_empty_section_and_empty_page_are_labelled() -> None:
    assert "No papers yet." in _text(_parse(page_of()).find(".//main"))
    empty = _parse(Page(None, ()))
    assert "No keywords yet." in _text(empty.find(".//main"))
    assert empty.find(".//nav") is None
    assert "Last update: not yet" in _text(empty.find(".//header"))


@pytest.mark.slow
def test_large_page_stays_within_limit_and_keeps_newest_bibtex() -> None:
    page = generate_page()
    text = _render(page, _ADDRESS)
    assert PAGE_HTML_BYTES - 2000 < len(text.encode()) <= PAGE_HTML_BYTES
    shown = re.findall(r"<h3>.*?abs/(\S+)v\d.*?(?:<pre>|arxiv.org/bibtex/)", text, re.DOTALL)
    assert len(shown) == 500
    linked = set(re.findall(r"arxiv.org/bibtex/([\d.]+)", text))
    dates = {str(one.arxiv_id): one.updated.date() for section in page.sections for one in section.papers}
    assert 0 < len(linked) < 250
    assert max(dates[one] for one in linked) <= min(dates[one] for one in dates.keys() - linked)


@pytest.mark.slow
def test_page_beyond_the_limit_shows_fewer_papers_per_keyword() -> None:
    papers = tuple(paper(f"2611.{number:05}", abstract="x" * 20_000) for number in range(1, 61))
    page = Page(UPDATED, (Section("reward model", papers), Section("graph", papers[:3])))
    rendered = render(page, PageFormat.HTML)
    text = rendered.body.decode()
    assert PAGE_HTML_BYTES - 22_000 < len(rendered.body) <= PAGE_HTML_BYTES
    shown = rendered.per_keyword
    assert text.count("<h3>") == shown + 3
    assert f"This page shows at most the newest {shown} papers of each keyword." in text
    assert f'<p class="count">{shown} papers</p>' in text
    assert f"cs.LG · Machine Learning ({shown + 3})" in text


@pytest.mark.slow
def test_each_keyword_shows_a_paper_on_a_page_of_any_size() -> None:
    sections = tuple(Section(f"keyword {at}", (paper(abstract="x" * 200_000),) * 2) for at in range(8))
    rendered = render(Page(UPDATED, sections), PageFormat.HTML)
    assert rendered.per_keyword == 1
    assert rendered.body.count(b"<h3>") == 8
    assert b"arxiv.org/bibtex/" in rendered.body


def test_paper_without_abstract_has_only_bibtex_to_open() -> None:
    documents = [_parse(page_of(each)) for each in (paper(), paper(abstract=""))]
    summaries = [[_text(each) for each in document.iter("summary")] for document in documents]
    assert summaries == [["Abstract", "BibTeX"], ["BibTeX"]]
