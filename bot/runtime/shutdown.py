"""Steps of a shutdown that must not take long."""

import asyncio
from collections.abc import Coroutine


async def ended_within(step: Coroutine[object, object, object], timeout_s: float) -> bool:
    """Waits for a step; cancels it after `timeout_s`, and returns False then.

    It is for tasks that may be cancelled before or during the step. In Python 3.11, neither `asyncio.timeout` nor
    `asyncio.wait_for` is reliable there: the first (3.11.2) raises CancelledError instead of TimeoutError in a task
    that was cancelled before, the second ignores a cancellation at the moment at which the step ends.
    """
    task = asyncio.create_task(step)
    try:
        await asyncio.wait([task], timeout=timeout_s)
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
    if task.cancelled():
        return False
    task.result()
    return True
