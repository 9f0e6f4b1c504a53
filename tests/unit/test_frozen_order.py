"""The order of a trending list that a reply holds while its pages are turned."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.layout.trending_page import day_url
from bot.domain.paper import ArxivId
from bot.domain.trending.entry import TrendingEntry
from bot.domain.trending.frozen_order import freeze, in_frozen_order
from bot.runtime.limits import EMBED_URL_MAX

DAY = date(2026, 8, 21)
URL = day_url(DAY)


def entries(*numbers: int) -> tuple[TrendingEntry, ...]:
    ids = [ArxivId(f"2608.{number:05}") for number in numbers]
    return tuple(TrendingEntry(arxiv_id, DAY, "A Title", "", (), votes=1, comments=0) for arxiv_id in ids)


@given(st.permutations(range(40)))
def test_papers_keep_the_order_of_the_reply_when_votes_change(shuffled: list[int]) -> None:
    before = entries(*range(40))
    assert in_frozen_order(freeze(URL, before), entries(*shuffled)) == before


def test_order_leaves_out_papers_that_are_new_or_gone() -> None:
    assert in_frozen_order(freeze(URL, entries(3, 1, 2)), entries(9, 1, 3)) == entries(3, 1)


@pytest.mark.parametrize("url", [None, "", URL, f"{URL}?q=2608.00001"])
def test_message_of_an_older_version_shows_the_current_order(url: str | None) -> None:
    assert in_frozen_order(url, entries(2, 1)) == entries(2, 1)


def test_list_too_long_for_a_url_is_frozen_as_far_as_it_fits() -> None:
    before = entries(*range(1000))
    url = freeze(URL, before)
    assert len(url) <= EMBED_URL_MAX
    after = in_frozen_order(url, before[::-1])
    assert after[:170] == before[:170]
    assert set(after) == set(before)


def test_unreadable_ids_in_a_url_are_ignored() -> None:
    assert in_frozen_order(f"{URL}#2608.00002,?,2608.00002,", entries(1, 2)) == entries(2)


def test_order_holds_ids_of_the_old_style() -> None:
    (old,) = (TrendingEntry(ArxivId("hep-th/9901001"), DAY, "T", "", (), 1, 0),)
    before = (old, *entries(1))
    assert in_frozen_order(freeze(URL, before), before[::-1]) == before
