"""Steps of a shutdown that take too long, also in tasks that were cancelled."""

import asyncio

import pytest

from bot.runtime.shutdown import ended_within

SHORT_S, LONG_S = 0.01, 60.0


async def wait_forever(started: asyncio.Event) -> None:
    started.set()
    await asyncio.Event().wait()


async def test_step_of_a_cancelled_task_ends_at_its_time_limit() -> None:
    started, steps = asyncio.Event(), list[bool]()

    async def work() -> None:
        try:
            await wait_forever(started)
        finally:
            steps.append(await ended_within(wait_forever(asyncio.Event()), SHORT_S))
            steps.append(await ended_within(asyncio.sleep(0), LONG_S))

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    await asyncio.wait([task])
    assert steps == [False, True]


async def test_task_that_is_cancelled_when_the_step_ends_stops_there() -> None:
    ended, steps = asyncio.Event(), list[bool]()

    async def step() -> None:
        await ended.wait()
        task.cancel()

    async def work() -> None:
        steps.append(await ended_within(step(), LONG_S))

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    ended.set()
    await asyncio.wait([task])
    assert task.cancelled()
    assert steps == []


async def test_task_that_is_cancelled_during_the_step_cancels_the_step() -> None:
    started, events = asyncio.Event(), list[str]()

    async def step() -> None:
        try:
            await wait_forever(started)
        finally:
            events.append("step ended")

    task = asyncio.create_task(ended_within(step(), LONG_S))
    await started.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert events == ["step ended"]


async def test_error_of_the_step_is_raised() -> None:
    async def step() -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await ended_within(step(), LONG_S)
