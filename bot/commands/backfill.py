"""`daily-papers backfill`: reads the past for the page and the charts, before a start or beside a running bot.

Settings and a first month enter; an exit code leaves: 0 all is read; 1 something is left, in words; 130 and 143 it was
asked to end (Ctrl-C, SIGTERM), as shells count it. Whatever ends it, the same command goes on from there.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
from collections.abc import Coroutine, Iterator
from pathlib import Path
from random import Random
from typing import Final

from rich.console import Console

from bot.commands.progress import BarReporter, LineReporter, describe_result
from bot.composition.context import Context
from bot.composition.wiring import arxiv_client
from bot.config import Settings, is_loopback
from bot.domain.months import Month
from bot.ingest.backfill import Backfill, BackfillPlan
from bot.runtime.clock import SystemClock
from bot.runtime.errors import ArxivBackoff, StartupError, StoreUnavailable
from bot.runtime.http import open_session
from bot.runtime.metrics import Metrics
from bot.store.backfilled_papers import BackfilledPapers
from bot.store.database import Database
from bot.store.month_counts import MonthCounts
from bot.store.subscriptions import Subscriptions

log = logging.getLogger(__name__)

_GOES_ON: Final = "the same command goes on from here"
# Shells say that a signal ended a command by this and its number.
_SIGNALLED: Final = 128


async def backfill(
    settings: Settings, first: Month, console: Console, metrics: Metrics | None = None, *, papers_only: bool
) -> int:
    """Read what is not there yet from `first` on, and return the exit code; StartupError when there is no use in it."""
    context = Context(settings, SystemClock(), Random(), metrics or Metrics())  # noqa: S311 - jitter, no secret
    return await _until_signalled(_opened(context, first, console, papers_only=papers_only), console)


async def _until_signalled(work: Coroutine[object, object, int], console: Console) -> int:
    """End the work at once when a signal comes; the store leaves no transaction half done."""
    task = asyncio.ensure_future(work)
    signals: list[int] = []

    def end(number: int) -> None:
        signals.append(number)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    await asyncio.wait({task})
    if task.cancelled():
        LineReporter(console, SystemClock()).say(f"Stopped; {_GOES_ON}.")
        return _SIGNALLED + signals[0]
    return task.result()


async def _opened(context: Context, first: Month, console: Console, *, papers_only: bool) -> int:
    path = context.settings.database
    database = await Database.open_shared(path)
    try:
        with _alone(path):
            return await _read(context, database, first, console, papers_only=papers_only)
    finally:
        await database.close()


async def _read(context: Context, database: Database, first: Month, console: Console, *, papers_only: bool) -> int:
    listener = BarReporter(console, context.clock) if console.is_interactive else LineReporter(console, context.clock)
    async with open_session() as session:
        reading = Backfill(
            subscriptions=Subscriptions(database),
            backfilled_papers=BackfilledPapers(database),
            month_counts=MonthCounts(database),
            arxiv=arxiv_client(context, session),
            clock=context.clock,
            metrics=context.metrics,
            listener=listener,
        )
        plan = await reading.plan(first, papers_only=papers_only)
        if not plan.keywords:
            raise StartupError(
                "No channel subscribes to a keyword: /subscribe in one first, or set `subscriptions` and start the bot."
            )
        if not plan.tasks and not plan.counts:
            listener.say(f"Nothing to do: everything since {first} is there.")
            return 0
        if context.settings.arxiv.contact is None and not is_loopback(context.settings.arxiv.api_url):
            log.warning("no contact for arXiv: set arxiv.contact")
        return await _carried_out(reading, plan, listener)


async def _carried_out(reading: Backfill, plan: BackfillPlan, listener: LineReporter) -> int:
    try:
        with listener.drawn():
            outcome = await reading.run(plan)
    except ArxivBackoff as error:
        listener.say(f"Given up, since arXiv has not answered for long ({error}). What was read is kept; {_GOES_ON}.")
        return 1
    except StoreUnavailable as error:
        listener.say(f"Stopped: {error}. What was read is kept; {_GOES_ON}.")
        return 1
    listener.say(describe_result(plan, outcome))
    for words in outcome.skipped:
        listener.say(f"Left out: {words}. The same command tries it again.")
    return 1 if outcome.skipped else 0


@contextlib.contextmanager
def _alone(database: Path) -> Iterator[None]:
    """Two at once would read everything twice; the kernel lets go of the lock however the process ends."""
    path = database.with_name(f"{database.name}.backfill")
    with contextlib.ExitStack() as letting_go:
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            letting_go.callback(os.close, file)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartupError(
                f"Another backfill already runs with the database {database}: let it finish, or end it first."
            ) from None
        except OSError as error:  # such as one that another user made, or a file system without locks
            raise StartupError(f"The lock file {path} cannot be used: {error.strerror}.") from error
        yield
