"""`daily-papers backfill`: reads older papers for the page and the charts; it can run next to the bot.

Exit codes: 0 if everything is read, 1 if something is missing, 130 and 143 after Ctrl-C and SIGTERM. However it ends,
the same command continues from there. It never posts anything.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Final

from rich.console import Console

from bot.commands.progress import BarReporter, LineReporter, describe_result
from bot.composition.context import Context
from bot.composition.wiring import arxiv_client
from bot.config import Settings
from bot.domain.months import Month
from bot.ingest.backfill import Backfill, BackfillPlan
from bot.runtime.clock import SystemClock
from bot.runtime.errors import ArxivBackoff, StartupError, StoreUnavailable
from bot.runtime.metrics import Metrics
from bot.store.backfilled_papers import BackfilledPapers
from bot.store.database import Database
from bot.store.month_counts import MonthCounts
from bot.store.subscriptions import Subscriptions

log = logging.getLogger(__name__)

_CONTINUE: Final = "Run the same command again to continue."
# The exit code after a signal is this plus the signal's number, as in shells.
_SIGNAL_EXIT_CODE: Final = 128


async def backfill(
    settings: Settings, first: Month, console: Console, metrics: Metrics | None = None, *, papers_only: bool
) -> int:
    """Reads what is missing from `first` on and returns the exit code; raises StartupError if it cannot start."""
    context = Context.create(settings, metrics)
    return await _run_until_signal(_open_and_read(context, first, console, papers_only=papers_only), console)


async def _run_until_signal(backfill: Coroutine[object, object, int], console: Console) -> int:
    """Cancels the backfill on the first signal; the store completes its current transaction."""
    task = asyncio.ensure_future(backfill)
    signals: list[int] = []

    def stop(number: int) -> None:
        signals.append(number)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    await asyncio.wait({task})
    if task.cancelled():
        LineReporter(console, SystemClock()).print_line(f"Stopped. {_CONTINUE}")
        return _SIGNAL_EXIT_CODE + signals[0]
    return task.result()


async def _open_and_read(context: Context, first: Month, console: Console, *, papers_only: bool) -> int:
    database = await Database.open_shared(context.settings.database)
    try:
        with _exclusive_lock(context.settings.state_file):
            return await _read(context, database, first, console, papers_only=papers_only)
    finally:
        await database.close()


async def _read(context: Context, database: Database, first: Month, console: Console, *, papers_only: bool) -> int:
    reporter = BarReporter(console, context.clock) if console.is_interactive else LineReporter(console, context.clock)
    async with context.open_session() as session:
        backfill = Backfill(
            subscriptions=Subscriptions(database),
            backfilled_papers=BackfilledPapers(database),
            month_counts=MonthCounts(database),
            arxiv=arxiv_client(context, session),
            clock=context.clock,
            metrics=context.metrics,
            listener=reporter,
        )
        plan = await backfill.plan(first, papers_only=papers_only)
        if not plan.keywords:
            raise StartupError(
                "No channel has keywords. Add one with /subscribe, or set `subscriptions` and start the bot."
            )
        if not plan.tasks and not plan.counts:
            reporter.print_line(f"Nothing to do: everything since {first} has been read.")
            return 0
        if context.settings.arxiv.lacks_contact:
            log.warning("arXiv contact missing", extra={"reason": "arxiv.contact is not set"})
        return await _run_plan(backfill, plan, reporter)


async def _run_plan(backfill: Backfill, plan: BackfillPlan, reporter: LineReporter) -> int:
    try:
        with reporter.running():
            result = await backfill.run(plan)
    except ArxivBackoff as error:
        reporter.print_line(f"Gave up: arXiv has failed for too long ({error}). What was read is kept. {_CONTINUE}")
        return 1
    except StoreUnavailable as error:
        reporter.print_line(f"Stopped: {error}. What was read is kept. {_CONTINUE}")
        return 1
    reporter.print_line(describe_result(plan, result))
    for skipped in result.skipped:
        reporter.print_line(f"Skipped: {skipped}. Run the same command again to retry.")
    return 1 if result.skipped else 0


@contextlib.contextmanager
def _exclusive_lock(database: Path) -> Iterator[None]:
    """Prevents a second backfill, which would read everything twice; the kernel releases the lock if this one dies."""
    path = database.with_name(f"{database.name}.backfill")
    with contextlib.ExitStack() as closing:
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            closing.callback(os.close, file)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartupError(
                f"Another backfill is running on the database {database}: wait for it to finish, or stop it."
            ) from None
        except OSError as error:  # e.g. the file belongs to another user, or the file system has no locks
            raise StartupError(f"The lock file {path} cannot be used: {error.strerror}.") from error
        yield
