"""Pages for rendering tests: recorded papers, and generated papers that are hostile in every field."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from hypothesis import strategies as st

from bot.domain.feed import parse_feed
from bot.domain.paper import ArxivId, Paper
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry
from bot.page import PageFormat, PageOutline, Section, renderer
from bot.page.model import PAGE_PAPERS, outline_of
from bot.runtime.errors import InvalidFeed, QueryRejected
from bot.store.pages import PageStore
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


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page in memory."""

    updated: datetime | None
    sections: tuple[Section, ...]
    trending_entries: Mapping[ArxivId, TrendingEntry] = field(default_factory=lambda: NO_TRENDING_ENTRIES)

    @property
    def outline(self) -> PageOutline:
        """What it has besides its sections."""
        return outline_of(self.updated, tuple(section.keyword for section in self.sections))


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """A page in one format, with the Content-Security-Policy for a web server, and the most papers per keyword."""

    body: bytes
    content_type: str
    filename: str
    content_security_policy: str | None
    per_keyword: int


def render(
    page: Page, page_format: PageFormat, *, address: str | None = None, outline: PageOutline | None = None
) -> RenderedPage:
    """Renders a whole page."""
    writer = renderer(outline or page.outline, page_format, address)
    sections = [replace(section, trending_entries=page.trending_entries) for section in page.sections]
    body = b"".join([writer.head(), *map(writer.section, sections), *writer.tail()])
    return RenderedPage(body, page_format.content_type, page_format.filename, writer.policy, writer.per_keyword)


async def read_page(store: PageStore, channels: Collection[int] | None, limit: int = PAGE_PAPERS) -> Page:
    """Reads a whole page."""
    keywords = await store.keywords(channels)
    sections = [section async for section in store.sections(keywords, limit)]
    trending = {arxiv_id: entry for section in sections for arxiv_id, entry in section.trending_entries.items()}
    return Page(keywords.updated, tuple(Section(each.keyword, each.papers) for each in sections), trending)


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
