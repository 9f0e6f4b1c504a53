"""Lays out a trending list in pages of ten papers, two lines each, within Discord's limits for any text.

Every paper of a page is shown: details are dropped and long titles cut until the page fits. It never fetches a list.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bot.domain.layout.fitting import fit
from bot.domain.layout.parts import joined, title_of
from bot.domain.text import cut, defuse_mentions, escape_label, escape_markdown, utf16_length
from bot.domain.trending.entry import TrendingEntry, abbreviate_count, as_paper
from bot.runtime import limits

TRENDING_PER_PAGE: Final = 10


@dataclass(frozen=True, slots=True)
class TrendingPage:
    """One page of a trending list: `first` and `last` are ranks, counted from 1."""

    number: int
    pages: int
    first: int
    last: int
    papers: int
    description: str


@dataclass(frozen=True, slots=True)
class _EntryBudget:
    """How long the parts of a paper's two lines may be; the title gets the space that is left."""

    organization: int
    code: int  # a longer URL is not linked


# From generous to tight. With the last one, ten papers leave each title 230 characters: 10 × (10 for the rank + 64 for
# the link to Hugging Face + 93 for the other parts, with ids of 27 characters, + 2) is 240 per paper less than 4,096.
_SIZE_BUDGETS: Final = (
    _EntryBudget(organization=80, code=200),
    _EntryBudget(organization=40, code=120),
    _EntryBudget(organization=24, code=60),
    _EntryBudget(organization=0, code=0),
)
_READABLE: Final = 100
# Keeps a symbol and its number on one line.
_NO_BREAK: Final = "\u00a0"


def day_url(day: date) -> str:
    """Returns the URL of the day's list on Hugging Face."""
    return f"https://huggingface.co/papers/date/{day.isoformat()}"


def lay_out_page(papers: Sequence[TrendingEntry], number: int) -> TrendingPage:
    """Returns page `number` (from 0), or the last one if there are fewer; at least one paper is required."""
    pages = math.ceil(len(papers) / TRENDING_PER_PAGE)
    number = max(0, min(number, pages - 1))
    start = number * TRENDING_PER_PAGE
    shown = papers[start : start + TRENDING_PER_PAGE]
    return TrendingPage(number, pages, start + 1, start + len(shown), len(papers), render_entries(shown, start + 1))


def page_range(page: TrendingPage, listed: int) -> str:
    """Returns `11–20 of 24`, or `Top 5 of 24` if the page shows only the top of the `listed` papers."""
    if page.papers < listed and page.pages == 1:
        return f"Top {page.papers} of {listed}"
    ranks = f"{page.first}" if page.first == page.last else f"{page.first}–{page.last}"
    whole_list = "" if page.papers == listed else f" ({listed} in the whole list)"
    return f"{ranks} of {page.papers}{whole_list}"


def render_entries(papers: Sequence[TrendingEntry], first: int = 1) -> str:
    """Returns at most ten papers, two lines each, with ranks from `first`; it fits an embed's description."""
    drafts = [_EntryDraft.of(trending_entry, rank) for rank, trending_entry in enumerate(papers, first)]
    # `fit` adds one line break to each paper.
    fitted = fit(drafts, _SIZE_BUDGETS, limits.EMBED_DESCRIPTION_MAX, lambda entry: utf16_length(entry) + 1)
    return "\n\n".join(fitted.render(drafts))


@dataclass(frozen=True, slots=True)
class _EntryDraft:
    """An entry's texts, converted and escaped once, not yet cut."""

    trending_entry: TrendingEntry
    rank: int
    title: str
    organization: str

    @classmethod
    def of(cls, trending_entry: TrendingEntry, rank: int) -> "_EntryDraft":
        title = escape_label(title_of(as_paper(trending_entry)))
        return cls(trending_entry, rank, title, escape_markdown(defuse_mentions(trending_entry.organization or "")))

    @property
    def wanted(self) -> int:
        return min(utf16_length(self.title), limits.EMBED_TITLE_MAX)

    @property
    def readable(self) -> int:
        return min(self.wanted, _READABLE)

    def render(self, budget: _EntryBudget, title_max: int, /) -> str:
        trending_entry = self.trending_entry
        details = joined(
            f"▲{_NO_BREAK}{abbreviate_count(trending_entry.votes)}",
            cut(self.organization, budget.organization) if budget.organization else "",
            self._code(budget.code),
            f"💬{_NO_BREAK}{abbreviate_count(trending_entry.comments)}" if trending_entry.comments else "",
            f"[arXiv]({trending_entry.arxiv_id.abs_url})",
        )
        return f"**{self.rank}.** **[{cut(self.title, title_max)}]({trending_entry.url})**\n-# {details}"

    def _code(self, url_max: int) -> str:
        url = self.trending_entry.code_url
        if url is None:
            return ""
        count = self.trending_entry.stars
        stars = f"{_NO_BREAK}★{_NO_BREAK}{abbreviate_count(count)}" if count else ""
        return f"[code]({url}){stars}" if utf16_length(url) <= url_max else f"code{stars}"
