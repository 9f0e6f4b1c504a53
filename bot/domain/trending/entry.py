"""Entries of a trending list: votes, code, summary and thumbnail of a paper, and when messages must follow them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Final

from bot.domain.paper import ArxivId, Paper

# A message is re-rendered when votes have grown by half since the last time, and by at least 5: ten edits up to 200.
VOTES_MIN_INCREASE: Final = 5
VOTES_MIN_GROWTH: Final = 0.5


@dataclass(frozen=True, slots=True)
class TrendingEntry:
    """One paper on a day's list, with Hugging Face's texts; white space is collapsed.

    `code_url` is the paper's code repository, and `stars` are its stars on GitHub; both are often missing. `ai_summary`
    is one sentence that Hugging Face generated from the abstract, and `thumbnail_url` leads to an image on its CDN.
    """

    arxiv_id: ArxivId
    day: date
    title: str
    summary: str
    authors: tuple[str, ...]
    votes: int
    comments: int
    organization: str | None = None
    code_url: str | None = None
    stars: int | None = None
    ai_summary: str | None = None
    thumbnail_url: str | None = None

    @property
    def url(self) -> str:
        """The URL of the paper's page on Hugging Face, where people vote and discuss."""
        return f"https://huggingface.co/papers/{self.arxiv_id}"


# For messages whose papers have no trending entries.
NO_TRENDING_ENTRIES: Final[Mapping[ArxivId, TrendingEntry]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RenderedVotes:
    """The votes and code that the messages with a paper showed when they were last re-rendered for them."""

    votes: int = 0
    code_url: str | None = None


def needs_rerender(trending_entry: TrendingEntry, shown: RenderedVotes) -> bool:
    """Whether messages must be re-rendered: for the first vote, for code, and when votes have grown by half.

    Votes grow all day; this growth keeps the number of edits per message at about ten.
    """
    if trending_entry.code_url is not None and trending_entry.code_url != shown.code_url:
        return True
    grown = trending_entry.votes - shown.votes
    return grown > 0 and (shown.votes == 0 or grown >= max(VOTES_MIN_INCREASE, shown.votes * VOTES_MIN_GROWTH))


def as_paper(trending_entry: TrendingEntry, stored: Paper | None = None) -> Paper:
    """Returns the stored paper, with the entry's abstract if its own is no longer stored.

    Without a stored one, returns the paper as far as the entry describes it: without categories, dated by the day of
    the list.
    """
    if stored is not None:
        return stored if stored.abstract else replace(stored, abstract=trending_entry.summary)
    day = datetime.combine(trending_entry.day, time(), tzinfo=UTC)
    return Paper(
        arxiv_id=trending_entry.arxiv_id,
        version=1,
        title=trending_entry.title,
        abstract=trending_entry.summary,
        authors=trending_entry.authors,
        primary_category="",
        categories=(),
        published=day,
        updated=day,
    )


def abbreviate_count(count: int) -> str:
    """Returns a short form of the count, rounded down: `999`, `1.2k`, `12k`, `3.4M`."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if count >= 10 * size:
            return f"{count // size}{unit}"
        if count >= size:
            tenths = count * 10 // size
            return f"{tenths // 10}.{tenths % 10}{unit}" if tenths % 10 else f"{tenths // 10}{unit}"
    return str(count)
