"""The looks at arXiv that are kept, and single marks."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.poll_schedule import (
    BatchMissing,
    NextPoll,
    Poll,
    PollCompleted,
    PollFailed,
    PollKind,
    PollResult,
    PollThrottled,
    plan,
)
from bot.store.polls import POLLS_KEPT, POLLS_OF_ONE_RUN
from tests.support.store import Store

# The announcement of Wednesday, 18 November 2026, 20:00 in New York.
ANNOUNCED = datetime(2026, 11, 19, 1, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def poll(store: Store, hours: float, result: PollResult) -> Poll:
    made = Poll(ANNOUNCED + hours * HOUR, result)
    await store.polls.add(made)
    return made


async def test_new_store_has_no_polls(store: Store) -> None:
    assert await store.polls.recent() == ()


@pytest.mark.parametrize(
    "result",
    [
        PollCompleted(12, batch=True),
        PollCompleted(0, batch=False),
        BatchMissing(),
        PollThrottled(ANNOUNCED + HOUR),
        PollFailed("arXiv is out of reach", ANNOUNCED + HOUR),
    ],
)
async def test_poll_is_read_as_written(store: Store, result: PollResult) -> None:
    made = await poll(store, 1, result)
    assert await store.polls.recent() == (made,)


async def test_equal_polls_in_quick_succession_keep_first_and_last(store: Store) -> None:
    quickly = POLLS_OF_ONE_RUN / HOUR / 10
    first, *_, last = [await poll(store, n * quickly, PollCompleted(0, batch=True)) for n in range(10)]
    assert await store.polls.recent() == (first, last)


async def test_equal_polls_far_apart_are_all_kept(store: Store) -> None:
    slowly = POLLS_OF_ONE_RUN / HOUR
    made = [await poll(store, n * slowly, PollCompleted(0, batch=True)) for n in range(4)]
    assert await store.polls.recent() == tuple(made)


async def test_polls_every_few_seconds_do_not_accumulate(store: Store) -> None:
    often = POLLS_OF_ONE_RUN / HOUR / 7
    for n in range(70):
        await poll(store, n * often, PollCompleted(0, batch=True))
    assert len(await store.polls.recent()) < 25


async def test_different_polls_are_all_kept(store: Store) -> None:
    made = [await poll(store, hours, PollCompleted(hours % 2, batch=True)) for hours in range(1, 7)]
    assert await store.polls.recent() == tuple(made)


async def test_first_poll_of_a_night_is_kept_among_equal_ones(store: Store) -> None:
    """A pass of four hours after the first is the last of a night: it must not count as the first."""
    for night in (0, 24):
        await poll(store, night + 0.5, PollCompleted(0, batch=True))
        await poll(store, night + 4.5, PollCompleted(0, batch=True))
    now = ANNOUNCED + 29 * HOUR
    tomorrow = ANNOUNCED + 48 * HOUR
    assert plan(now, await store.polls.recent()) == _not_tonight(now, tomorrow)


def _not_tonight(now: datetime, tomorrow: datetime) -> NextPoll:
    """Friday's night is a quiet one: one pass at its half hour."""
    assert now < tomorrow
    return NextPoll(tomorrow + HOUR / 2, PollKind.READ)


async def test_old_polls_are_deleted(store: Store) -> None:
    await poll(store, 0, BatchMissing())
    made = await poll(store, POLLS_KEPT / HOUR + 1, PollCompleted(0, batch=True))
    assert await store.polls.recent() == (made,)


async def test_key_value_is_replaced(store: Store) -> None:
    assert await store.key_values.get("commands") is None
    await store.key_values.set("commands", "a")
    await store.key_values.set("commands", "b")
    await store.key_values.set("other", "c")
    assert await store.key_values.get("commands") == "b"
