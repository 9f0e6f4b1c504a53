"""Counts the steps of SQLite's virtual machine that a query takes."""

from collections.abc import Awaitable
from typing import Final

from tests.support.sqlite_driver import sqlite_driver
from tests.support.store import Store

# The tests add 1,000 rows: a query that looks at each takes more steps than there are rows.
STEPS_MAX: Final = 300


async def steps(store: Store, query: Awaitable[object]) -> int:
    """Returns how many steps of SQLite's virtual machine a query takes."""
    count = 0

    def count_step() -> int:
        nonlocal count
        count += 1
        return 0

    for connecting in (store.database.reading(), store.database.transaction()):
        async with connecting as connection:
            await (await sqlite_driver(connection)).set_progress_handler(count_step, 1)
    count = 0
    await query
    return count
