"""What Hugging Face's daily papers say of papers: votes, comments, code; never of one version."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Final

from bot.domain.paper import ArxivId, Paper

# Messages follow votes that have grown by half since they were drawn, and by so many: ten edits to reach 200.
VOTES_MIN_INCREASE: Final = 5
VOTES_MIN_GROWTH: Final = 0.5


@dataclass(frozen=True, slots=True)
class TrendingEntry:
    """One paper on the list of a day, its texts as Hugging Face gave them, white space collapsed.

    `code_url` is the paper's code repository and `stars` what it has on GitHub; both are often absent.
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

    @property
    def url(self) -> str:
        """Its page on Hugging Face, where people vote and discuss."""
        return f"https://huggingface.co/papers/{self.arxiv_id}"


# Where nothing is known of any paper.
NO_TRENDING_ENTRIES: Final[Mapping[ArxivId, TrendingEntry]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RenderedVotes:
    """What messages show of a listing since they were last drawn anew for it."""

    votes: int = 0
    code_url: str | None = None


def needs_rerender(trending_entry: TrendingEntry, shown: RenderedVotes) -> bool:
    """Whether messages should follow what is said of their paper: its first vote, its code, votes grown by half.

    Votes grow all day: each further edit asks for half as many again, so that a paper costs its messages a dozen.
    """
    if trending_entry.code_url is not None and trending_entry.code_url != shown.code_url:
        return True
    grown = trending_entry.votes - shown.votes
    return grown > 0 and (shown.votes == 0 or grown >= max(VOTES_MIN_INCREASE, shown.votes * VOTES_MIN_GROWTH))


def as_paper(trending_entry: TrendingEntry) -> Paper:
    """The paper as far as its listing knows it: without categories, dated by its day."""
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
    """A count as it is read at a glance, never more than there are: `999`, `1.2k`, `12k`, `3.4M`."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if count >= 10 * size:
            return f"{count // size}{unit}"
        if count >= size:
            tenths = count * 10 // size
            return f"{tenths // 10}.{tenths % 10}{unit}" if tenths % 10 else f"{tenths // 10}{unit}"
    return str(count)
