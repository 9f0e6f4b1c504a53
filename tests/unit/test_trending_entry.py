"""Trending entries: their page, re-rendering of messages, and short counts."""

from datetime import date

import pytest

from bot.domain.paper import ArxivId
from bot.domain.trending.entry import RenderedVotes, TrendingEntry, abbreviate_count, needs_rerender
from tests.support.builders import trending_entry


def test_entry_has_the_url_of_its_page() -> None:
    entry = TrendingEntry(ArxivId("2608.19880"), date(2026, 8, 21), "Title", "Summary", ("Emmy Noether",), 163, 4)
    assert entry.url == "https://huggingface.co/papers/2608.19880"


CODE = "https://github.com/a/b"


@pytest.mark.parametrize(
    ("votes", "code_url", "shown", "expected"),
    [
        (0, None, RenderedVotes(), False),
        (1, None, RenderedVotes(), True),
        (0, CODE, RenderedVotes(), True),
        (3, CODE, RenderedVotes(3), True),
        (3, CODE, RenderedVotes(3, CODE), False),
        (3, "https://github.com/a/c", RenderedVotes(3, CODE), True),
        (3, None, RenderedVotes(3, CODE), False),
        (5, None, RenderedVotes(1), False),
        (6, None, RenderedVotes(1), True),
        (59, None, RenderedVotes(40), False),
        (60, None, RenderedVotes(40), True),
        (1, None, RenderedVotes(40), False),
    ],
)
def test_messages_are_rerendered_for_code_and_votes_grown_by_half(
    votes: int, code_url: str | None, shown: RenderedVotes, expected: bool
) -> None:
    assert needs_rerender(trending_entry(votes=votes, code_url=code_url), shown) is expected


def test_paper_with_200_votes_needs_at_most_twelve_edits() -> None:
    shown, edits = RenderedVotes(), 0
    for votes in range(201):
        if needs_rerender(trending_entry(votes=votes), shown):
            shown, edits = RenderedVotes(votes), edits + 1
    assert edits <= 12


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1k"),
        (1249, "1.2k"),
        (9999, "9.9k"),
        (12_999, "12k"),
        (999_999, "999k"),
        (3_400_000, "3.4M"),
        (12_345_678, "12M"),
    ],
)
def test_count_is_abbreviated_and_rounded_down(count: int, text: str) -> None:
    assert abbreviate_count(count) == text
