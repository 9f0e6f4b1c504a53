"""Steps of a shutdown that take too long, also in tasks that were cancelled."""

import asyncio

from bot.runtime.shutdown import ended_within

SHORT_S, LONG_S = 0.01, 60.0


async def test_step_of_a_cancelled_task_ends_at_its_time_limit() -> None:
    started, steps = asyncio.Event(), list[bool]()

    async def work() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            steps.append(await ended_within(asyncio.sleep(LONG_S), SHORT_S))
            steps.append(await ended_within(asyncio.sleep(0), LONG_S))

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    await asyncio.wait([task])
    assert steps == [False, True]
