"""The text-fitting mechanism that all layouts share."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.layout.fitting import fit, share_evenly, upgrade_lines


@dataclass(frozen=True, slots=True)
class Item:
    """A line of `budget` fixed characters and a flexible text."""

    wanted: int
    readable: int

    def render(self, budget: int, flexible_max: int, /) -> str:
        return "-" * budget + "x" * min(self.wanted, flexible_max)


@pytest.mark.parametrize(("limit", "budget"), [(100, 30), (70, 30), (69, 20), (50, 20), (49, 10), (5, 10)])
def test_most_generous_budget_that_leaves_texts_readable_is_chosen(limit: int, budget: int) -> None:
    # Two items need 2 × (budget + 1 line break + 4 readable characters).
    assert fit([Item(8, 4), Item(8, 4)], (30, 20, 10), limit, len).budget == budget


def test_fitted_items_share_the_space_that_is_left() -> None:
    items = [Item(2, 2), Item(8, 4)]
    assert fit(items, (10,), 29, len).render(items) == ["-" * 10 + "xx", "-" * 10 + "xxxxx"]


@pytest.mark.parametrize(
    ("wanted", "space", "shares"),
    [([5, 5], 20, [5, 5]), ([9, 2, 9], 14, [6, 2, 6]), ([9, 9], 5, [2, 3]), ([9], 0, [0]), ([], 7, [])],
)
def test_space_is_shared_evenly(wanted: list[int], space: int, shares: list[int]) -> None:
    assert share_evenly(wanted, space) == shares


@given(st.lists(st.integers(0, 300), min_size=1, max_size=25), st.integers(0, 6000))
def test_item_gets_less_than_another_only_if_it_wants_less(wanted: list[int], space: int) -> None:
    shares = share_evenly(wanted, space)
    assert sum(shares) == min(sum(wanted), space)
    cut_shares = [share for share, want in zip(shares, wanted, strict=True) if share < want]
    assert all(share >= max(shares) - 1 for share in cut_shares)


def test_earlier_lines_are_upgraded_first() -> None:
    lines = upgrade_lines(
        ["a", "b", "c"], [["aa", "bb", "cc"], ["aaaa", "bbbb", "cccc"]], lambda each: _total(each) <= 8
    )
    assert lines == ["aaaa", "bb", "cc"]


def test_line_that_does_not_fit_is_not_upgraded() -> None:
    assert upgrade_lines(["a", "b"], [["aaaaaa", "bb"]], lambda each: _total(each) <= 4) == ["a", "bb"]


def _total(lines: Sequence[str]) -> int:
    return sum(map(len, lines))
