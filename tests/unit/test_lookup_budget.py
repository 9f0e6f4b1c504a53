"""The budget of lookups: a limit for all people together, and a reserve for servers that looked nothing up."""

from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.services.lookup_budget import LOOKUPS_PER_MINUTE, LOOKUPS_RESERVED, LookupBudget

INTERVAL_S = 3.0
HEAVY, LIGHT = ("heavy",), ("light",)


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(0, 3)), max_size=60))
def test_no_minute_has_more_lookups_than_the_budget(requests: Sequence[tuple[float, int]]) -> None:
    budget: LookupBudget[int] = LookupBudget(INTERVAL_S)
    sent: list[float] = []
    for at_s, (_, server) in zip(accumulate(pause_s for pause_s, _ in requests), requests, strict=True):
        if not budget.wait_s([server], at_s):
            budget.charge([server], at_s)
            sent.append(at_s)
    for first in sent:
        assert sum(first <= at_s < first + 60 for at_s in sent) <= LOOKUPS_PER_MINUTE


@given(st.lists(st.floats(0, 3), min_size=1, max_size=40))
def test_lookup_is_possible_after_the_wait_that_was_promised(pauses_s: Sequence[float]) -> None:
    budget: LookupBudget[str] = LookupBudget(INTERVAL_S)
    now_s = 0.0
    for pause_s in pauses_s:
        now_s += pause_s
        if wait_s := budget.wait_s(HEAVY, now_s):
            assert 0 < wait_s <= 60
            now_s += wait_s + 1e-6
            assert budget.wait_s(HEAVY, now_s) == 0
        budget.charge(HEAVY, now_s)


def test_busy_server_leaves_the_last_lookups_to_others() -> None:
    budget: LookupBudget[str] = LookupBudget(INTERVAL_S)
    for _ in range(LOOKUPS_PER_MINUTE - LOOKUPS_RESERVED):
        assert budget.wait_s(HEAVY, 0.0) == 0
        budget.charge(HEAVY, 0.0)
    assert budget.wait_s(HEAVY, 12.0) == 48.0
    assert budget.wait_s(LIGHT, 12.0) == 0


@pytest.mark.parametrize(("interval_s", "period_s"), [(3.0, 60.0), (6.0, 120.0), (0.3, 6.0)])
def test_period_is_proportional_to_the_interval_between_requests(interval_s: float, period_s: float) -> None:
    budget: LookupBudget[str] = LookupBudget(interval_s)
    for _ in range(LOOKUPS_PER_MINUTE):
        budget.charge(HEAVY, 0.0)
    assert budget.wait_s(HEAVY, 0.0) == pytest.approx(period_s)


def test_lookups_of_several_requests_do_not_use_the_reserve() -> None:
    budget: LookupBudget[str] = LookupBudget(INTERVAL_S)
    for at_s in range(LOOKUPS_PER_MINUTE - LOOKUPS_RESERVED + 2):  # the last lookup takes three requests
        budget.charge(HEAVY, float(at_s))
    for party in (LIGHT, ("third",)):
        assert budget.wait_s(party, 20.0) == 0
        budget.charge(party, 20.0)
    assert budget.wait_s(("fourth",), 20.0) == 42.0


def test_person_in_another_server_gets_nothing_of_the_reserve() -> None:
    budget: LookupBudget[str] = LookupBudget(INTERVAL_S)
    for _ in range(LOOKUPS_PER_MINUTE - LOOKUPS_RESERVED):
        budget.charge(("server 1", "person"), 0.0)
    assert budget.wait_s(("server 2", "person"), 1.0) == 59.0
    assert budget.wait_s(("server 2", "other person"), 1.0) == 0
