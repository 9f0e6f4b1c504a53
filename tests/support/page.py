"""Pages for rendering tests: recorded papers, and generated papers that are hostile in every field."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from hypothesis import strategies as st

from bot.domain.feed import parse_feed
from bot.domain.paper import ArxivId, Paper
from bot.page import Page, Section
from bot.runtime.errors import InvalidFeed, QueryRejected
from tests.support.recordings import recorded_answers

UPDATED = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
# Texts that could break a format, alone or combined.
PIECES = (
    *"|`\\<>&\"'$@#:*_~[]()!{}%^-+=.\n\r\t\x00\x07\x0b\x1b\x85\u2028\u200b\u202e\ufeff\ufffe\U0001f600",
    *(" | ", "```", "||", "\\|", "\\\\", "&amp;", "&#124;", "&lt;b&gt;", "<!--", "-->", "<![CDATA[", "]]>", "<?xml ?>"),
    *(
        "</details>",
        "<details>",
        "<script>alert(1)</script>",
        "</script>",
        "</style>",
        "</pre>",
        "<p>",
        "<td>",
        "<br/>",
    ),
    *(
        "$x_1^2$",
        "$\\alpha$",
        "\\input{/etc/passwd}",
        "\\write18{ls}",
        "{",
        "}",
        "\\{",
        "\\}",
        "\\",
        "%",
        "100% & more",
    ),
    *(
        "@everyone",
        "@somebody",
        "a@b.example",
        "#123",
        "GH-12",
        ":smile:",
        "https://e.example/x?a=1&b=2",
        "www.e.example",
    ),
    *(
        "[x](javascript:alert(1))",
        "![x](//e.example/x.png)",
        "# head",
        "\n# head",
        "\n---\n",
        "- x",
        "1. x",
        "> x",
        "    x",
    ),
    *("**", "__", "~~x~~", "\r\n", "x", " ", "Ünïcode", "العربية", "日本語", "e\u0301", "{{ 7 * 7 }}", "{% if x %}"),
)


@cache
def recorded_papers() -> tuple[Paper, ...]:
    """Returns every paper in arXiv's recorded answers, each id once."""
    papers: dict[ArxivId, Paper] = {}
    for body in recorded_answers().values():
        try:
            papers |= {paper.arxiv_id: paper for paper in parse_feed(body).papers}
        except (InvalidFeed, QueryRejected):
            continue
    return tuple(papers.values())


def page_of(*papers: Paper, keyword: str = "reward model", updated: datetime | None = UPDATED) -> Page:
    """Returns a page with one section."""
    return Page(updated, (Section(keyword, papers),))


def recorded_page() -> Page:
    """Returns a page with all recorded papers, in sections small enough that none is left out."""
    papers = recorded_papers()
    return Page(UPDATED, tuple(Section(f"part {at}", papers[at : at + 90]) for at in range(0, len(papers), 90)))


hostile_texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=8).map("".join)
_times = st.datetimes(datetime(1991, 8, 14), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis requires naive bounds
_ids = st.builds("{:04}.{:05}".format, st.integers(701, 9912), st.integers(1, 99999)) | st.builds(
    "{}/{:07}".format, st.sampled_from(("hep-th", "math.AG", "cs")), st.integers(0, 9999999)
)


@st.composite
def hostile_papers(draw: st.DrawFn, arxiv_id: str | None = None) -> Paper:
    """Generates a paper with arbitrary texts."""
    published = draw(_times)
    return Paper(
        arxiv_id=ArxivId(arxiv_id or draw(_ids)),
        version=draw(st.integers(1, 30)),
        title=draw(hostile_texts),
        abstract=draw(hostile_texts),
        authors=tuple(draw(st.lists(hostile_texts, max_size=5))),
        primary_category=draw(hostile_texts),
        categories=tuple(draw(st.lists(hostile_texts, max_size=3))),
        published=published,
        updated=published + timedelta(hours=draw(st.integers(0, 10_000))),
        comment=draw(st.none() | hostile_texts),
        journal_ref=draw(st.none() | hostile_texts),
        doi=draw(st.none() | hostile_texts),
    )


@st.composite
def hostile_pages(draw: st.DrawFn) -> Page:
    """Generates a page of hostile papers and keywords, each paper once, newest first."""
    ids = itertools.count(1)
    sections = []
    for keyword in draw(st.lists(hostile_texts, max_size=3)):
        papers = [draw(hostile_papers(f"2611.{next(ids):05}")) for _ in range(draw(st.integers(0, 3)))]
        sections.append(Section(keyword, newest_first(papers)))
    return Page(draw(st.none() | _times), tuple(sections))


def newest_first(papers: Sequence[Paper]) -> tuple[Paper, ...]:
    """Returns the papers in the order of the page."""
    return tuple(sorted(papers, key=lambda paper: (paper.updated, paper.arxiv_id), reverse=True))
