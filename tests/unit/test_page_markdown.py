"""The page as Markdown: a table per keyword that no text breaks, parsed back by a Markdown parser."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.domain.paper import Paper
from bot.page import PageFormat, Section
from bot.page.text import comment_text, keyword_text, plain_text, title_text
from tests.support.builders import paper
from tests.support.page import PIECES, Page, hostile_pages, hostile_texts, newest_first, page_of, recorded_page, render

_READER = MarkdownIt("commonmark", {"html": True}).enable("table")
_FOLD = ["<details>", "<summary>", "</summary>", "<p>", "</p>", "</details>"]


@dataclass(frozen=True)
class _Cell:
    """The visible parts of a cell: its texts, the link, and the HTML tags."""

    texts: tuple[str, ...]
    link: str | None
    tags: tuple[str, ...]


def _render(page: Page) -> str:
    rendered = render(page, PageFormat.MD)
    assert (rendered.content_type, rendered.filename) == ("text/markdown; charset=utf-8", "daily-papers.md")
    assert rendered.content_security_policy is None
    return rendered.body.decode()


def _cell(inline: Token) -> _Cell:
    texts, tags, link = [""], [], None
    for token in inline.children or ():
        match token.type:
            case "text" | "text_special":
                texts[-1] += token.content
            case "html_inline":
                if "span" not in token.content:
                    tags.append(token.content)
                    texts.append("")
            case "link_open":
                link = str(token.attrGet("href"))
            case "strong_open" | "strong_close" | "link_close":
                assert inline.content.startswith("**")
            case other:
                pytest.fail(f"{other} in {inline.content!r}")
    return _Cell(tuple(filter(None, texts)), link, tuple(tags))


def _sections(text: str) -> Iterator[tuple[str, list[list[_Cell]]]]:
    """Yields each heading's text and the rows of its table."""
    tokens = _READER.parse(text)
    keyword: str | None = None
    rows: list[list[_Cell]] = []
    for token, after in pairwise(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            if keyword is not None:
                yield keyword, rows
            keyword, rows = "".join(_cell(after).texts), []
        elif token.type == "tr_open" and token.map is not None:
            line = text.splitlines()[token.map[0]]
            assert line.count("|") == 5, line  # four cells: pipes in the text are escaped
            rows.append([])
        elif token.type in ("td_open", "th_open"):
            rows[-1].append(_cell(after))
        else:
            assert token.type not in ("code_block", "fence", "html_block", "blockquote_open", "list_item_open", "hr")
    if keyword is not None:
        yield keyword, rows


def _collapsed(summary: str, text: str) -> _Cell:
    return _Cell((summary, text), None, tuple(_FOLD)) if text else _Cell((), None, ())


def _expected(paper: Paper) -> list[_Cell]:
    comment = comment_text(paper)
    return [
        _Cell((title_text(paper),), f"https://arxiv.org/abs/{paper.arxiv_id}v{paper.version}", ()),
        _Cell((paper.updated.strftime("%Y-%m-%d"),), None, ()),
        _collapsed("Show", plain_text(paper.abstract)),
        _collapsed(comment[:5] + "...", comment) if len(comment) > 20 else _Cell((comment,) * bool(comment), None, ()),
    ]


def _assert_read_back(page: Page) -> None:
    read = list(_sections(_render(page)))
    assert [keyword for keyword, _ in read] == [keyword_text(section.keyword) for section in page.sections]
    for (_, rows), section in zip(read, page.sections, strict=True):
        assert rows[1:] == [_expected(paper) for paper in newest_first(section.papers)]
        assert len(rows) == (len(section.papers) + 1 if section.papers else 0)


@pytest.mark.slow
@pytest.mark.recordings
def test_recorded_papers_are_read_back_unchanged() -> None:
    _assert_read_back(recorded_page())


@given(hostile_pages())
def test_hostile_papers_are_read_back_unchanged(page: Page) -> None:
    _assert_read_back(page)


@pytest.mark.slow
def test_each_special_character_is_shown_unchanged() -> None:
    sections = []
    for piece in PIECES:
        texts = (piece, f"{piece}x", f"x{piece}", f"a {piece} b", f"a{piece}b{piece}c", f"{piece} " * 8)
        papers = [paper(f"2611.{at:05}", title=text, abstract=text, comment=text) for at, text in enumerate(texts)]
        sections.append(Section(f"x{piece}", newest_first(papers)))
    _assert_read_back(Page(None, tuple(sections)))


@given(st.lists(hostile_texts, max_size=4))
def test_github_finds_no_markup_in_plain_text(texts: Sequence[str]) -> None:
    page = page_of(*(paper(f"2611.{at:05}", title=text, abstract=text) for at, text in enumerate(texts, 1)))
    for line in _render(page).splitlines()[8:]:
        bare = line.replace("](https://arxiv.org/abs/", "](")
        assert not any(markup in bare.replace(f"<span>{markup}</span>", "") for markup in ("@", "$", "://", "www."))


def test_page_has_the_known_layout() -> None:
    text = _render(
        Page(
            page_of().updated,
            (
                Section("Reward Model", (paper(title="A | B", version=2, comment="12 pages, 3 figures, 1 table"),)),
                Section("C#", ()),
            ),
        )
    )
    assert text == (
        "# Daily Papers\n\n"
        "The newest papers on arXiv for each keyword, updated after every announcement. "
        "Thank you to arXiv for use of its open access interoperability.\n\n"
        "Last update: 2026-11-20\n\n"
        "## Reward Model\n\n"
        "| **Title** | **Date** | **Abstract** | **Comment** |\n"
        "| --- | --- | --- | --- |\n"
        "| **[A &#124; B](https://arxiv.org/abs/2611.00001v2)** | 2026-11-18 "
        "| <details><summary>Show</summary><p>An abstract.</p></details> "
        "| <details><summary>12 pa...</summary><p>12 pages, 3 figures, 1 table</p></details> |\n\n"
        "## C<span>#</span>\n\n"
        "No papers yet.\n"
    )


def test_page_without_keywords_is_labelled() -> None:
    assert _render(Page(None, ())).endswith("Last update: not yet\n\nNo keywords yet.\n")


def test_page_without_update_is_labelled() -> None:
    assert "Last update: not yet\n" in _render(page_of(updated=None))


@pytest.mark.parametrize("arxiv_id", ["2403.01234", "hep-th/9901001", "math.AG/0601001"])
def test_title_links_to_the_shown_version(arxiv_id: str) -> None:
    ((_, rows),) = _sections(_render(page_of(paper(arxiv_id, version=4))))
    assert rows[1][0].link == f"https://arxiv.org/abs/{arxiv_id}v4"


def test_comment_over_twenty_characters_is_collapsed() -> None:
    short, long = "x" * 20, "y" * 21
    ((_, rows),) = _sections(_render(page_of(paper("2611.00002", comment=short), paper(comment=long))))
    assert rows[1][3] == _Cell((short,), None, ())
    assert rows[2][3] == _Cell(("yyyyy...", long), None, tuple(_FOLD))


def test_cell_of_an_abstract_that_is_no_longer_stored_is_empty() -> None:
    ((_, rows),) = _sections(_render(page_of(paper(abstract=""))))
    assert rows[1][2] == _Cell((), None, ())
