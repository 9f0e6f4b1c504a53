"""Steps of a shutdown that must not take long."""

import asyncio
from collections.abc import Coroutine


async def ended_within(step: Coroutine[object, object, object], timeout_s: float) -> bool:
    """Waits for a step; cancels it after `timeout_s`, and returns False then.

    It is for tasks that may have been cancelled. There, `asyncio.timeout` of Python 3.11.2 raises CancelledError
    instead of TimeoutError, so that the steps after it would be left out.
    """
    try:
        await asyncio.wait_for(step, timeout_s)
    except TimeoutError:
        return False
    return True
