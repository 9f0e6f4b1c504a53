"""Tests of the progress of a backfill: a bar on a terminal, lines elsewhere."""

import io
import logging
import re
import sys
from datetime import timedelta

import pytest
from rich.console import Console

from bot.commands.progress import (
    BACKFILL_LINE_INTERVAL_S,
    BarReporter,
    LineReporter,
    describe_plan,
    describe_result,
    format_duration,
)
from bot.domain.backfill_plan import BackfillRate, MonthTask
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.ingest.backfill import BackfillPlan, BackfillProgress, BackfillResult
from bot.runtime.errors import ArxivThrottled
from tests.support.clock import FakeClock

OCTOBER, SEPTEMBER = Month(2026, 10), Month(2026, 9)
MODEL = Keyword.parse("reward model")
PROGRESS = BackfillProgress(SEPTEMBER, counting=False, rate=BackfillRate(34, 120, 103.0), papers=1234)
PAGES = "34 of about 120 pages · 19.8 per minute · 4 min 21 s left"


def console(*, terminal: bool, width: int = 80) -> tuple[Console, io.StringIO]:
    """A console and its output."""
    shown = io.StringIO()
    return Console(file=shown, force_terminal=terminal, force_interactive=terminal, width=width), shown


def text_of(shown: io.StringIO) -> str:
    """The output without colours and cursor movements."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.getvalue())


async def test_progress_lines_are_printed_at_intervals_without_wrapping() -> None:
    clock = FakeClock()
    target, shown = console(terminal=False)
    lines = LineReporter(target, clock)
    lines.on_progress(PROGRESS)
    assert shown.getvalue() == ""
    await clock.advance(BACKFILL_LINE_INTERVAL_S)
    lines.on_progress(PROGRESS)
    lines.on_progress(PROGRESS)
    assert shown.getvalue() == f"reading 2026-09: {PAGES} · 1,234 papers so far\n"


async def test_progress_without_an_answer_shows_no_rate() -> None:
    target, shown = console(terminal=False)
    lines = LineReporter(target, clock := FakeClock())
    await clock.advance(BACKFILL_LINE_INTERVAL_S)
    lines.on_progress(BackfillProgress(SEPTEMBER, counting=False, rate=BackfillRate(0, 120, 30.0), papers=0))
    assert shown.getvalue() == "reading 2026-09: 0 of about 120 pages · 0 papers so far\n"


def test_backoff_is_printed_once() -> None:
    target, shown = console(terminal=False)
    lines = LineReporter(target, clock := FakeClock())
    wait = ArxivThrottled("arXiv asks us to wait", clock.now() + timedelta(minutes=5))
    lines.on_wait(wait)
    lines.on_wait(wait)
    until = wait.not_before.astimezone()
    assert shown.getvalue() == f"arXiv asks us to wait: continues at {until:%H:%M:%S %Z}.\n"


def test_bar_shows_pages_rate_remaining_time_month_and_papers() -> None:
    target, shown = console(terminal=True)
    bar = BarReporter(target, clock := FakeClock())
    with bar.running():
        bar.on_progress(PROGRESS)
        bar.on_progress(BackfillProgress(SEPTEMBER, counting=True, rate=BackfillRate(34, 120, 103.0), papers=1))
        bar.on_wait(ArxivThrottled("arXiv asks us to wait", clock.now()))
    text = text_of(shown)
    assert PAGES in text
    assert "counting 2026-09 · 1 paper so far" in text or "arXiv asks us to wait: continues at" in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_bar_is_never_wider_than_the_terminal(width: int) -> None:
    target, shown = console(terminal=True, width=width)
    bar = BarReporter(target, FakeClock())
    with bar.running():
        bar.on_progress(PROGRESS)
    assert max(len(line) for line in re.split(r"[\r\n]", text_of(shown))) <= width


def test_warnings_appear_above_the_bar_and_info_records_do_not() -> None:
    target, shown = console(terminal=True)
    handler = logging.StreamHandler(before := io.StringIO())
    logger = logging.getLogger()
    logger.addHandler(handler)
    try:
        bar = BarReporter(target, FakeClock())
        with bar.running():
            bar.on_progress(PROGRESS)
            logging.getLogger("bot").warning("arXiv backoff")
            logging.getLogger("bot").info("counted")
        assert handler.stream is before
        assert handler.level == logging.NOTSET
    finally:
        logger.removeHandler(handler)
    assert before.getvalue() == ""
    assert "arXiv backoff" in text_of(shown)
    assert "counted" not in text_of(shown)
    assert sys.stderr is not shown


def test_plan_states_the_minimum_number_of_requests() -> None:
    tasks = (MonthTask(OCTOBER, ()), MonthTask(SEPTEMBER, ()))
    assert describe_plan(BackfillPlan(2, tasks, ((MODEL, OCTOBER),))).splitlines() == [
        "Papers: 2026-10 back to 2026-09 for 2 keywords, at least 2 requests.",
        "Counts for charts: at least 1 request (skip them with --papers-only).",
        "You can stop at any time: run the same command again to continue.",
    ]
    assert describe_plan(BackfillPlan(1, tasks[:1], ())).startswith(
        "Papers: 2026-10 for 1 keyword, at least 1 request.\n"
    )


def test_result_states_what_was_read_and_how_long_it_took() -> None:
    plan = BackfillPlan(1, (MonthTask(OCTOBER, ()),), ((MODEL, SEPTEMBER), (MODEL, OCTOBER)))
    assert describe_result(plan, BackfillResult(63, 1234, 1100, 204.0, ())) == (
        "Done: 1 month for 1 keyword, 1,234 papers (1,100 new), 2 counts for charts; 63 requests in 3 min 24 s."
    )
    counted = BackfillPlan(1, (), ((MODEL, OCTOBER),))
    assert describe_result(counted, BackfillResult(1, 0, 0, 3.0, ())) == "Done: 1 count for charts; 1 request in 3 s."


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (3599, "59 min 59 s"), (7500, "2 h 5 min")]
)
def test_duration_is_formatted_in_two_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
