"""Runs the migrations of a database in a process that is killed before a given statement."""

import multiprocessing
import os
import signal
import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path

from bot.store.migrate import run_migrations

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


def migrate_until_killed(path: Path, statement: int) -> bool:
    """Returns whether the process was killed; otherwise there are fewer statements, and the migrations are complete."""
    process = _CONTEXT.Process(target=_migrate, args=(path, statement))
    process.start()
    process.join()
    return process.exitcode == -signal.SIGKILL


def _migrate(path: Path, statement: int) -> None:
    numbers = count(1)

    def kill(_: str) -> None:
        if next(numbers) == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.set_trace_callback(kill)
        run_migrations(connection)
