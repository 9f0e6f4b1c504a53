"""Backfill plans: which months are read in which order, and the forecast of requests."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.backfill_plan import (
    BACKFILL_FINAL_AFTER,
    BACKFILL_FRESH_FOR,
    BackfillRate,
    MonthTask,
    RequestForecast,
    month_of,
    month_window,
    months_probe,
    months_to_read,
    pending_months,
)
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.domain.queries import ARXIV_KEYWORDS_PER_QUERY, POLL_OVERLAP, Window
from bot.domain.subscription import WatchedKeyword
from bot.domain.window_scan import ARXIV_PAGE_SIZE

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NOVEMBER, OCTOBER, SEPTEMBER = Month(2026, 11), Month(2026, 10), Month(2026, 9)


def watched(count: int) -> tuple[WatchedKeyword, ...]:
    """Returns `count` keywords with ids from 1."""
    return tuple(WatchedKeyword(number, Keyword.parse(f"model {number}"), None, None) for number in range(1, count + 1))


def must_read(
    read_at: datetime | None, month: Month, now: datetime = NOW, keywords: Sequence[WatchedKeyword] = watched(1)
) -> bool:
    """Whether the plan contains a month that was read at this time."""
    read = {} if read_at is None else {(each.id, month): read_at for each in keywords}
    return pending_months(keywords, read, [month], now) != ()


@pytest.mark.parametrize("text", ["2026-01-01", "2026-01-31", "2026-01"])
def test_day_means_its_whole_month(text: str) -> None:
    assert month_of(text, NOW) == Month(2026, 1)


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("1991-08-01", Month(1991, 8)),
        ("1991-08", Month(1991, 8)),
        ("2026-11-21", Month(2026, 11)),
        ("2026-11-30", Month(2026, 11)),
    ],
)
def test_every_month_since_arxiv_started_is_accepted(text: str, month: Month) -> None:
    assert month_of(text, NOW) == month


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yesterday", "'yesterday' is not a date; use the format 2026-01-31"),
        ("2026-02-30", "'2026-02-30' is not a date; use the format 2026-01-31"),
        ("2026-13", "'2026-13' is not a date; use the format 2026-01-31"),
        ("", "'' is not a date; use the format 2026-01-31"),
        ("2026-12-01", "2026-12-01 is in the future"),
        ("9999-12", "9999-12 is in the future"),
        ("1991-07-31", "1991-07-31 is before arXiv started, in August 1991"),
        ("0000-01", "0000-01 is before arXiv started, in August 1991"),
        ("0001-01-01", "0001-01-01 is before arXiv started, in August 1991"),
    ],
)
def test_invalid_month_is_rejected_with_a_message(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        month_of(text, NOW)
    assert str(raised.value) == message


def test_newest_month_comes_first() -> None:
    assert months_to_read(SEPTEMBER, NOW) == (NOVEMBER, OCTOBER, SEPTEMBER)


def test_month_that_began_less_than_a_minute_ago_is_skipped() -> None:
    assert months_to_read(OCTOBER, NOVEMBER.start) == (OCTOBER,)
    assert months_to_read(OCTOBER, NOVEMBER.start + timedelta(minutes=1)) == (NOVEMBER, OCTOBER)


def test_month_read_long_after_its_end_is_final() -> None:
    assert not must_read(OCTOBER.end + BACKFILL_FINAL_AFTER, OCTOBER)
    assert not must_read(OCTOBER.end + BACKFILL_FINAL_AFTER, OCTOBER, NOW + timedelta(days=10_000))


def test_month_read_too_early_is_read_again_the_next_day() -> None:
    early = OCTOBER.end + BACKFILL_FINAL_AFTER - timedelta(seconds=1)
    assert not must_read(early, OCTOBER, early + BACKFILL_FRESH_FOR - timedelta(seconds=1))
    assert must_read(early, OCTOBER, early + BACKFILL_FRESH_FOR)


def test_daily_timer_reads_the_current_month_each_time() -> None:
    assert must_read(NOW - timedelta(days=1) + timedelta(minutes=5), NOVEMBER)


def test_month_never_read_or_read_in_the_future_is_read() -> None:
    assert must_read(None, OCTOBER)
    assert must_read(NOW + timedelta(seconds=1), OCTOBER)


def test_month_is_read_only_for_keywords_that_lack_it() -> None:
    one, other = watched(2)
    tasks = pending_months([one, other], {(one.id, OCTOBER): NOW - timedelta(hours=1)}, [NOVEMBER, OCTOBER], NOW)
    assert tasks == (MonthTask(NOVEMBER, (one, other)), MonthTask(OCTOBER, (other,)))


def test_keywords_are_split_into_groups_that_fit_one_query() -> None:
    keywords = watched(ARXIV_KEYWORDS_PER_QUERY + 1)
    tasks = pending_months(keywords, {}, [OCTOBER], NOW)
    assert [len(task.keywords) for task in tasks] == [ARXIV_KEYWORDS_PER_QUERY, 1]
    assert tuple(each for task in tasks for each in task.keywords) == keywords


def test_without_keywords_nothing_is_read() -> None:
    assert pending_months([], {}, [NOVEMBER], NOW) == ()


def test_window_of_the_current_month_ends_now() -> None:
    assert month_window(OCTOBER, NOW) == OCTOBER.window
    assert month_window(NOVEMBER, NOW) == Window(NOVEMBER.start, NOW)


def test_probe_window_certainly_contains_papers() -> None:
    young = Window(NOVEMBER.start, NOVEMBER.start + timedelta(hours=1))
    assert months_probe(young) == Window(young.end - POLL_OVERLAP, young.end)
    assert months_probe(OCTOBER.window) == OCTOBER.window


def test_forecast_improves_as_totals_become_known() -> None:
    forecast = RequestForecast(tasks_left=3, counts_left=2)
    assert forecast.expected == 5
    forecast = forecast.task_started()
    assert forecast.expected == 5
    forecast = forecast.page_received(4 * ARXIV_PAGE_SIZE, ARXIV_PAGE_SIZE)
    assert (forecast.requests, forecast.expected) == (1, 4 + 2 * 4 + 2)
    for page in (2, 3, 4):
        forecast = forecast.page_received(4 * ARXIV_PAGE_SIZE, page * ARXIV_PAGE_SIZE)
    forecast = forecast.task_finished()
    assert (forecast.requests, forecast.expected) == (4, 14)
    forecast = forecast.task_started().page_received(ARXIV_PAGE_SIZE, ARXIV_PAGE_SIZE).task_finished()
    assert (forecast.requests, forecast.expected) == (5, 5 + 3 + 2)  # a mean of 2.5 pages, rounded up


def test_forecast_of_a_split_month_includes_both_halves() -> None:
    whole = 40 * ARXIV_PAGE_SIZE
    forecast = RequestForecast(1, 0).task_started().page_received(whole, ARXIV_PAGE_SIZE)
    forecast = forecast.page_received(whole // 2, ARXIV_PAGE_SIZE)
    assert (forecast.requests, forecast.expected) == (2, 40)


def test_forecast_grows_when_pages_are_read_again() -> None:
    forecast = RequestForecast(1, 0).task_started()
    for _ in range(3):
        forecast = forecast.page_received(ARXIV_PAGE_SIZE, ARXIV_PAGE_SIZE // 2)
    assert (forecast.requests, forecast.expected) == (3, 4)


def test_forecast_of_an_empty_month_ends_with_the_requests_made() -> None:
    forecast = (
        RequestForecast(1, 1).task_started().page_received(0, 0).page_received(0, 0).probe_finished().task_finished()
    )
    assert (forecast.requests, forecast.expected) == (3, 4)
    assert forecast.probe_finished().count_finished().expected == 4


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=8))
def test_forecast_is_never_below_the_requests_made_and_exact_at_the_end(totals: list[int]) -> None:
    forecast = RequestForecast(len(totals), 0)
    for total in totals:
        forecast = forecast.task_started()
        for seen in range(0, max(1, total), ARXIV_PAGE_SIZE):
            forecast = forecast.page_received(total, min(total, seen + ARXIV_PAGE_SIZE))
            assert forecast.expected >= forecast.requests
        forecast = forecast.task_finished()
    assert forecast.expected == forecast.requests


def test_rate_has_requests_per_minute_and_time_left() -> None:
    rate = BackfillRate(requests=10, expected=30, elapsed_s=40)
    assert rate.per_minute == pytest.approx(15)
    assert rate.left_s == pytest.approx(80)


@pytest.mark.parametrize("rate", [BackfillRate(0, 10, 5.0), BackfillRate(1, 10, 0.0)])
def test_rate_is_unknown_before_the_first_request(rate: BackfillRate) -> None:
    assert rate.per_minute is None
    assert rate.left_s is None
