"""How a backfill tells a person how far it is: a bar at a terminal, a line now and then where nobody looks.

What the backfill reports enters; text on the console leaves. In logs of cron or Docker a bar would only be noise.
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

# How often it says how far it is where no bar can be drawn.
BACKFILL_TOLD_EVERY_S: Final = 30.0

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


class LineReporter:
    """Tells in lines: the plan, how far it is every half a minute, and why it waits."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._told_at_s = clock.monotonic()
        self._told_of: datetime | None = None

    def on_plan(self, plan: backfill.BackfillPlan) -> None:
        self.say(describe_plan(plan))

    def on_progress(self, progress: backfill.BackfillProgress) -> None:
        now_s = self._clock.monotonic()
        if now_s - self._told_at_s < BACKFILL_TOLD_EVERY_S:
            return
        self._told_at_s = now_s
        self.say(f"{_in_hand(progress)}: {_so_far(progress.rate)} · {_papers(progress)}")

    def on_wait(self, wait: ArxivBackoff) -> None:
        if wait.not_before != self._told_of:  # the same wait is told of once, however often it is tried
            self._told_of = wait.not_before
            self.say(_waiting(wait))

    def drawn(self) -> contextlib.AbstractContextManager[None]:
        """What is drawn until the block ends: of lines nothing."""
        return contextlib.nullcontext()

    def say(self, words: str) -> None:
        """One line, as it is: no markup, no line breaks of ours."""
        self._console.print(words, markup=False, highlight=False, soft_wrap=True)


class BarReporter(LineReporter):
    """Tells by a bar that stays in its place; warnings of the log appear above it."""

    def __init__(self, console: Console, clock: Clock) -> None:
        super().__init__(console, clock)
        self._progress = _TwoLines(console)
        self._task = self._progress.add_task("", total=None, visible=False)

    @contextlib.contextmanager
    def drawn(self) -> Iterator[None]:
        """Draw the bar until the block ends; what is left of it then is its last state."""
        with self._progress, _log_above_bar():
            yield

    def on_progress(self, progress: backfill.BackfillProgress) -> None:
        rate = progress.rate
        self._progress.below = Text(f"{_in_hand(progress)} · {_papers(progress)}", style="dim")
        self._progress.update(
            self._task, visible=True, total=rate.expected, completed=rate.requests, description=_so_far(rate)
        )

    def on_wait(self, wait: ArxivBackoff) -> None:
        self._progress.below = Text(_waiting(wait), style="yellow")
        self._progress.refresh()


class _TwoLines(Progress):
    """A bar with its numbers, and a line of words below."""

    below = Text("")

    def __init__(self, console: Console) -> None:
        super().__init__(BarColumn(bar_width=None), TextColumn("{task.description}"), console=console, expand=True)

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        yield self.below


@contextlib.contextmanager
def _log_above_bar() -> Iterator[None]:
    """While rich draws it owns standard error: what is written past it would tear the bar."""
    handlers = [each for each in logging.getLogger().handlers if isinstance(each, logging.StreamHandler)]
    before = [(each, each.setStream(sys.stderr), each.level) for each in handlers]
    for handler in handlers:
        handler.setLevel(max(handler.level, logging.WARNING))  # the bar tells the rest
    try:
        yield
    finally:
        for handler, stream, level in before:
            handler.setLevel(level)
            if stream is not None:
                handler.setStream(stream)


def describe_plan(plan: backfill.BackfillPlan) -> str:
    """What is about to be asked, before the first request."""
    lines = ["It can be stopped at any time: the same command goes on."]
    if plan.counts:
        counts = plural(len(plan.counts), "request")
        lines.insert(0, f"To count for the charts: {counts} or more (--papers-only leaves them out).")
    months = {reading.month for reading in plan.tasks}
    if months:
        span = f"{max(months)}" if len(months) == 1 else f"{max(months)} back to {min(months)}"
        requests = plural(len(plan.tasks), "request")
        lines.insert(0, f"To read: {span}, for {plural(plan.keywords, 'keyword')}: {requests} or more.")
    return "\n".join(lines)


def describe_result(plan: backfill.BackfillPlan, outcome: backfill.BackfillResult) -> str:
    """What was done, in one sentence."""
    months = plural(len({reading.month for reading in plan.tasks}), "month")
    papers = f"{plural(outcome.papers, 'paper')}, {outcome.new_papers:,} of them new here"
    read = f"{months} for {plural(plan.keywords, 'keyword')}, {papers}" if plan.tasks else ""
    counts = f"{plural(len(plan.counts), 'count')} for the charts" if plan.counts else ""
    took = f"{plural(outcome.requests, 'request')} in {in_words(outcome.elapsed_s)}"
    return f"Done: {', '.join(filter(None, (read, counts)))}; {took}."


def in_words(seconds: float) -> str:
    """A length of time as people say it: `40 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"


def _in_hand(progress: backfill.BackfillProgress) -> str:
    return f"{'counting' if progress.counting else 'reading'} {progress.month}"


def _so_far(rate: BackfillRate) -> str:
    so_far = f"{rate.requests:,} of about {rate.expected:,} pages"
    if rate.per_minute is None or rate.left_s is None:
        return so_far
    return f"{so_far} · {rate.per_minute:.1f} a minute · {in_words(rate.left_s)} left"


def _papers(progress: backfill.BackfillProgress) -> str:
    return f"{plural(progress.papers, 'paper')} so far"


def _waiting(wait: ArxivBackoff) -> str:
    until = wait.not_before.astimezone()  # the person's own zone, at their own terminal
    return f"{wait}: goes on at {until:%H:%M:%S %Z}."
