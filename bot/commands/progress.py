"""Prints the progress of a backfill: a bar on a terminal, otherwise a line every half minute.

A bar would be noise in the logs of cron or Docker. It never decides how the backfill runs.
"""

import contextlib
import logging
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from bot.domain.backfill_plan import BackfillRate
from bot.domain.text import plural
from bot.ingest import backfill
from bot.runtime.clock import Clock
from bot.runtime.errors import ArxivBackoff

# How often the progress is printed without a terminal.
BACKFILL_LINE_INTERVAL_S: Final = 30.0

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


class LineReporter:
    """Prints lines: the plan, the progress every half minute, and each backoff."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._printed_at_s = clock.monotonic()
        self._printed_backoff: datetime | None = None

    def on_plan(self, plan: backfill.BackfillPlan) -> None:
        self.print_line(describe_plan(plan))

    def on_progress(self, progress: backfill.BackfillProgress) -> None:
        now_s = self._clock.monotonic()
        if now_s - self._printed_at_s < BACKFILL_LINE_INTERVAL_S:
            return
        self._printed_at_s = now_s
        self.print_line(f"{_current_month(progress)}: {_done(progress.rate)} · {_papers(progress)}")

    def on_wait(self, wait: ArxivBackoff) -> None:
        if wait.not_before != self._printed_backoff:  # several attempts may report the same backoff
            self._printed_backoff = wait.not_before
            self.print_line(_backoff(wait))

    def running(self) -> contextlib.AbstractContextManager[None]:
        """Surrounds the backfill; lines need no set-up."""
        return contextlib.nullcontext()

    def print_line(self, text: str) -> None:
        """Prints a line without markup and without wrapping it."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class BarReporter(LineReporter):
    """Draws a progress bar; log warnings appear above it."""

    def __init__(self, console: Console, clock: Clock) -> None:
        super().__init__(console, clock)
        self._progress = _TwoLines(console)
        self._task = self._progress.add_task("", total=None, visible=False)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Draws the bar until the block ends; its last state stays on the screen."""
        with self._progress, _log_above_bar():
            yield

    def on_progress(self, progress: backfill.BackfillProgress) -> None:
        rate = progress.rate
        self._progress.below = Text(f"{_current_month(progress)} · {_papers(progress)}", style="dim")
        self._progress.update(
            self._task, visible=True, total=rate.expected, completed=rate.requests, description=_done(rate)
        )

    def on_wait(self, wait: ArxivBackoff) -> None:
        self._progress.below = Text(_backoff(wait), style="yellow")
        self._progress.refresh()


class _TwoLines(Progress):
    """A bar with its numbers, and a line of text below it."""

    below = Text("")

    def __init__(self, console: Console) -> None:
        super().__init__(BarColumn(bar_width=None), TextColumn("{task.description}"), console=console, expand=True)

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        yield self.below


@contextlib.contextmanager
def _log_above_bar() -> Iterator[None]:
    """Sends log records through rich while it draws, as direct writes to standard error would break the bar."""
    handlers = [each for each in logging.getLogger().handlers if isinstance(each, logging.StreamHandler)]
    before = [(each, each.setStream(sys.stderr), each.level) for each in handlers]
    for handler in handlers:
        handler.setLevel(max(handler.level, logging.WARNING))  # the bar shows everything else
    try:
        yield
    finally:
        for handler, stream, level in before:
            handler.setLevel(level)
            if stream is not None:
                handler.setStream(stream)


def describe_plan(plan: backfill.BackfillPlan) -> str:
    """The months and counts that are missing, and at least how many requests they take."""
    lines: list[str] = []
    months = {task.month for task in plan.tasks}
    if months:
        span = f"{max(months)}" if len(months) == 1 else f"{max(months)} back to {min(months)}"
        requests = plural(len(plan.tasks), "request")
        lines.append(f"Papers: {span} for {plural(plan.keywords, 'keyword')}, at least {requests}.")
    if plan.counts:
        requests = plural(len(plan.counts), "request")
        lines.append(f"Counts for charts: at least {requests} (skip them with --papers-only).")
    lines.append("You can stop at any time: run the same command again to continue.")
    return "\n".join(lines)


def describe_result(plan: backfill.BackfillPlan, outcome: backfill.BackfillResult) -> str:
    """What the backfill read, in one sentence."""
    months = plural(len({task.month for task in plan.tasks}), "month")
    papers = f"{plural(outcome.papers, 'paper')} ({outcome.new_papers:,} new)"
    read = f"{months} for {plural(plan.keywords, 'keyword')}, {papers}" if plan.tasks else ""
    counts = f"{plural(len(plan.counts), 'count')} for charts" if plan.counts else ""
    took = f"{plural(outcome.requests, 'request')} in {format_duration(outcome.elapsed_s)}"
    return f"Done: {', '.join(filter(None, (read, counts)))}; {took}."


def format_duration(seconds: float) -> str:
    """`40 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"


def _current_month(progress: backfill.BackfillProgress) -> str:
    return f"{'counting' if progress.counting else 'reading'} {progress.month}"


def _done(rate: BackfillRate) -> str:
    done = f"{rate.requests:,} of about {rate.expected:,} pages"
    if rate.per_minute is None or rate.left_s is None:
        return done
    return f"{done} · {rate.per_minute:.1f} per minute · {format_duration(rate.left_s)} left"


def _papers(progress: backfill.BackfillProgress) -> str:
    return f"{plural(progress.papers, 'paper')} so far"


def _backoff(wait: ArxivBackoff) -> str:
    until = wait.not_before.astimezone()  # in the time zone of the terminal
    return f"{wait}: continues at {until:%H:%M:%S %Z}."
