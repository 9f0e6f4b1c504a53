"""A day's list laid out for reading: ten papers a page, two lines a paper, within Discord's limits, whatever was sent.

Listings enter with their ranks; the Markdown of one embed leaves. Every paper of a page stands there: long titles and
what is least needed give way.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bot.domain.layout.fitting import fit
from bot.domain.layout.parts import joined, title_of
from bot.domain.text import cut, escape_label, escape_markdown, harmless, units
from bot.domain.trending.entry import TrendingEntry, abbreviated, as_paper
from bot.runtime import limits

TRENDING_PER_PAGE: Final = 10


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a day's list: `first` and `last` are ranks, from 1."""

    number: int
    pages: int
    first: int
    last: int
    papers: int
    description: str


@dataclass(frozen=True, slots=True)
class _SizeBudget:
    """How long the parts of a paper's two lines may be; the title gets the space that is left."""

    organization: int
    code: int  # a longer URL is not linked


# From generous to tight. With the last one, ten papers leave each title 230 characters: 10 × (10 for the rank + 64 for
# the link to Hugging Face + 90 for the other parts, with ids of 27 characters, + 1) is 240 per paper less than 4,096.
_SIZE_BUDGETS: Final = (
    _SizeBudget(organization=80, code=200),
    _SizeBudget(organization=40, code=120),
    _SizeBudget(organization=24, code=60),
    _SizeBudget(organization=0, code=0),
)
_READABLE: Final = 100
# Keeps a symbol and its number on one line.
_NO_BREAK: Final = "\u00a0"


def day_url(day: date) -> str:
    """The day's page on Hugging Face."""
    return f"https://huggingface.co/papers/date/{day.isoformat()}"


def lay_out_page(papers: Sequence[TrendingEntry], number: int) -> Page:
    """The `number`-th page (from 0) of these papers, which are at least one; the last where there are fewer pages."""
    pages = math.ceil(len(papers) / TRENDING_PER_PAGE)
    number = max(0, min(number, pages - 1))
    before = number * TRENDING_PER_PAGE
    shown = papers[before : before + TRENDING_PER_PAGE]
    return Page(number, pages, before + 1, before + len(shown), len(papers), ranked(shown, before + 1))


def shown_of(page: Page, listed: int) -> str:
    """Which papers stand on a page, of how many: `11–20 of 24`; of `listed` ones the page may have the top only."""
    if page.papers < listed and page.pages == 1:
        return f"Top {page.papers} of {listed}"
    shown = f"{page.first}" if page.first == page.last else f"{page.first}–{page.last}"
    return f"{shown} of {page.papers}" if page.papers == listed else f"{shown} of {page.papers}, the day has {listed}"


def ranked(papers: Sequence[TrendingEntry], first: int = 1) -> str:
    """At most ten papers, two lines each, counted from `first`: never longer than an embed's description may be."""
    drafts = [_Draft.of(trending_entry, rank) for rank, trending_entry in enumerate(papers, first)]
    return "\n".join(fit(drafts, _SIZE_BUDGETS, limits.EMBED_DESCRIPTION_MAX, units).render(drafts))


@dataclass(frozen=True, slots=True)
class _Draft:
    """A listing's texts, converted and escaped once, not yet cut."""

    trending_entry: TrendingEntry
    rank: int
    title: str
    organization: str

    @classmethod
    def of(cls, trending_entry: TrendingEntry, rank: int) -> "_Draft":
        title = escape_label(title_of(as_paper(trending_entry)))
        return cls(trending_entry, rank, title, escape_markdown(harmless(trending_entry.organization or "")))

    @property
    def wanted(self) -> int:
        return min(units(self.title), limits.EMBED_TITLE_MAX)

    @property
    def readable(self) -> int:
        return min(self.wanted, _READABLE)

    def render(self, budget: _SizeBudget, title_max: int, /) -> str:
        trending_entry = self.trending_entry
        details = joined(
            f"▲{_NO_BREAK}{abbreviated(trending_entry.votes)}",
            cut(self.organization, budget.organization) if budget.organization else "",
            self._code(budget.code),
            f"💬{_NO_BREAK}{abbreviated(trending_entry.comments)}" if trending_entry.comments else "",
            f"[arXiv]({trending_entry.arxiv_id.abs_url})",
        )
        return f"**{self.rank}.** **[{cut(self.title, title_max)}]({trending_entry.url})**\n{details}"

    def _code(self, url_max: int) -> str:
        url = self.trending_entry.code_url
        if url is None:
            return ""
        stars = f"{_NO_BREAK}★{_NO_BREAK}{abbreviated(self.trending_entry.stars)}" if self.trending_entry.stars else ""
        return f"[code]({url}){stars}" if units(url) <= url_max else f"code{stars}"
