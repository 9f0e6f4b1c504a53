"""The looks at arXiv that are kept, and single marks."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.schedule import BatchAbsent, Broken, Look, LookKind, LookResult, NextLook, Read, Throttled, plan
from bot.runtime.limits import LOOKS_KEPT, LOOKS_OF_ONE_RUN
from tests.support.store import Store

# The announcement of Wednesday, 18 November 2026, 20:00 in New York.
ANNOUNCED = datetime(2026, 11, 19, 1, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def look(store: Store, hours: float, result: LookResult) -> Look:
    made = Look(ANNOUNCED + hours * HOUR, result)
    await store.looks.add(made)
    return made


async def test_no_look_was_made_yet(store: Store) -> None:
    assert await store.looks.recent() == ()


@pytest.mark.parametrize(
    "result",
    [
        Read(12, batch=True),
        Read(0, batch=False),
        BatchAbsent(),
        Throttled(ANNOUNCED + HOUR),
        Broken("arXiv is out of reach", ANNOUNCED + HOUR),
    ],
)
async def test_look_comes_back_as_it_was(store: Store, result: LookResult) -> None:
    made = await look(store, 1, result)
    assert await store.looks.recent() == (made,)


async def test_of_equal_looks_in_quick_succession_the_first_and_the_last_are_kept(store: Store) -> None:
    quickly = LOOKS_OF_ONE_RUN / HOUR / 10
    first, *_, last = [await look(store, n * quickly, Read(0, batch=True)) for n in range(10)]
    assert await store.looks.recent() == (first, last)


async def test_equal_looks_long_after_each_other_are_all_kept(store: Store) -> None:
    slowly = LOOKS_OF_ONE_RUN / HOUR
    made = [await look(store, n * slowly, Read(0, batch=True)) for n in range(4)]
    assert await store.looks.recent() == tuple(made)


async def test_looks_every_few_seconds_do_not_pile_up(store: Store) -> None:
    often = LOOKS_OF_ONE_RUN / HOUR / 7
    for n in range(70):
        await look(store, n * often, Read(0, batch=True))
    assert len(await store.looks.recent()) < 25


async def test_looks_that_differ_are_all_kept(store: Store) -> None:
    made = [await look(store, hours, Read(hours % 2, batch=True)) for hours in range(1, 7)]
    assert await store.looks.recent() == tuple(made)


async def test_first_look_of_a_night_is_kept_though_it_is_like_those_of_the_night_before(store: Store) -> None:
    """A pass of four hours after the first is the last of a night: it must not count as the first."""
    for night in (0, 24):
        await look(store, night + 0.5, Read(0, batch=True))
        await look(store, night + 4.5, Read(0, batch=True))
    now = ANNOUNCED + 29 * HOUR
    tomorrow = ANNOUNCED + 48 * HOUR
    assert plan(now, await store.looks.recent()) == _not_tonight(now, tomorrow)


def _not_tonight(now: datetime, tomorrow: datetime) -> NextLook:
    """Friday's night is a quiet one: one pass at its half hour."""
    assert now < tomorrow
    return NextLook(tomorrow + HOUR / 2, LookKind.READ)


async def test_old_looks_go(store: Store) -> None:
    await look(store, 0, BatchAbsent())
    made = await look(store, LOOKS_KEPT / HOUR + 1, Read(0, batch=True))
    assert await store.looks.recent() == (made,)


async def test_mark_is_kept_over_a_change(store: Store) -> None:
    assert await store.marks.get("commands") is None
    await store.marks.set("commands", "a")
    await store.marks.set("commands", "b")
    await store.marks.set("other", "c")
    assert await store.marks.get("commands") == "b"
