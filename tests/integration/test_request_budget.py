"""The budget of requests to Discord: an even rate over all routes, lower after a global 429."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest

from bot.discord_api.request_budget import (
    BURST,
    GLOBAL_LIMIT_PER_S,
    REQUESTS_PER_SECOND,
    REQUESTS_PER_SECOND_MIN,
    SLOWDOWN,
    UNANSWERED_S,
    DiscordSlot,
    RequestBudget,
    prioritize_requests,
)
from tests.support.clock import FakeClock, settle

_STEP_S = 0.001


@pytest.fixture
def budget(clock: FakeClock) -> RequestBudget:
    return RequestBudget(clock)


async def send(budget: RequestBudget, clock: FakeClock, count: int, *, answer_s: float | None = 0.0) -> list[float]:
    """Sends requests concurrently; returns when each got its slot. Without `answer_s`, none is answered."""
    started_at_s: list[float] = []

    async def request() -> None:
        slot = await budget.acquire()
        started_at_s.append(clock.monotonic())
        if answer_s is not None:
            await clock.sleep(answer_s)
            slot.release()

    requests = [asyncio.create_task(request()) for _ in range(count)]
    while not all(each.done() for each in requests):
        await settle()
        await clock.advance(max(_STEP_S, clock.next_in_s or 0.0))
    return started_at_s


def most_per_second(times_s: Sequence[float]) -> int:
    """Returns the largest number of these times within one second."""
    return max(sum(start_s <= time_s < start_s + 1 for time_s in times_s) for start_s in times_s)


async def test_requests_are_spread_evenly(budget: RequestBudget, clock: FakeClock) -> None:
    times_s = await send(budget, clock, 100)
    assert times_s[-1] == pytest.approx(100 / REQUESTS_PER_SECOND, rel=0.05)
    assert all(later_s - earlier_s >= 0.9 / REQUESTS_PER_SECOND for earlier_s, later_s in pairwise(times_s))


async def test_rate_stays_below_the_global_limit_of_discord(budget: RequestBudget, clock: FakeClock) -> None:
    await clock.advance(60)
    assert most_per_second(await send(budget, clock, 200)) <= GLOBAL_LIMIT_PER_S


async def test_slow_answers_leave_room_for_requests_that_arrive_together(
    budget: RequestBudget, clock: FakeClock
) -> None:
    """A request may arrive at any time until its answer: never more than the limit can arrive within a second."""
    await clock.advance(60)
    times_s = await send(budget, clock, 150, answer_s=0.5)
    assert all(
        later_s > earlier_s + 1.5 - _STEP_S
        for earlier_s, later_s in zip(times_s, times_s[GLOBAL_LIMIT_PER_S:], strict=False)
    )


async def test_requests_without_an_answer_stop_the_others_only_for_a_while(
    budget: RequestBudget, clock: FakeClock
) -> None:
    times_s = await send(budget, clock, GLOBAL_LIMIT_PER_S + 1, answer_s=None)
    assert times_s[-1] == pytest.approx(UNANSWERED_S, abs=0.1)


async def test_global_limit_pauses_all_requests_and_lowers_the_rate_once(
    budget: RequestBudget, clock: FakeClock
) -> None:
    for _ in range(3):  # the answers to requests that were under way
        budget.limited(0.5)
    assert budget.rate == pytest.approx(REQUESTS_PER_SECOND * SLOWDOWN)
    times_s = await send(budget, clock, 40)
    assert times_s[0] == pytest.approx(0.5, abs=0.01)
    assert times_s[-1] - times_s[0] == pytest.approx((40 - BURST) / (REQUESTS_PER_SECOND * SLOWDOWN), rel=0.1)


async def test_rate_recovers_after_a_global_limit(budget: RequestBudget, clock: FakeClock) -> None:
    budget.limited(1.0)
    await clock.advance(50)
    assert REQUESTS_PER_SECOND * SLOWDOWN < budget.rate < REQUESTS_PER_SECOND
    await clock.advance(50)
    assert budget.rate == REQUESTS_PER_SECOND


async def test_rate_has_a_minimum(budget: RequestBudget, clock: FakeClock) -> None:
    for _ in range(20):
        budget.limited(0.5)
        await clock.advance(0.6)
    assert budget.rate == pytest.approx(REQUESTS_PER_SECOND_MIN, abs=0.1)


async def test_slot_of_a_cancelled_request_goes_to_the_next(budget: RequestBudget, clock: FakeClock) -> None:
    budget.limited(1.0)
    cancelled, kept = (asyncio.create_task(budget.acquire()) for _ in range(2))
    await settle()
    cancelled.cancel()
    await clock.advance(1.1)
    assert isinstance(await kept, DiscordSlot)
    assert cancelled.cancelled()


async def order_of_slots(budget: RequestBudget, clock: FakeClock, names: Sequence[str]) -> list[str]:
    """Sends requests at once, while none may be sent; those in capitals have priority."""
    order: list[str] = []

    async def request(name: str) -> None:
        if name.isupper():
            prioritize_requests()
        await budget.acquire()
        order.append(name)

    budget.limited(1.0)
    requests = [asyncio.create_task(request(name)) for name in names]
    await settle()
    for _ in names:
        await clock.advance(1.0)
    await asyncio.gather(*requests)
    return order


async def test_requests_with_priority_are_first(budget: RequestBudget, clock: FakeClock) -> None:
    assert await order_of_slots(budget, clock, ["a", "b", "c", "X"]) == ["X", "a", "b", "c"]


async def test_requests_with_priority_take_at_most_every_second_slot(budget: RequestBudget, clock: FakeClock) -> None:
    assert await order_of_slots(budget, clock, ["a", "b", *"VWXYZ"]) == ["V", "a", "W", "b", "X", "Y", "Z"]
