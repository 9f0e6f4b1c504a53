"""What a backfill has to read, in which order, and how much is left."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.backfill_plan import (
    ARCHIVE_FINAL_AFTER,
    ARCHIVE_FRESH_FOR,
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
    """So many keywords, with ids from 1."""
    return tuple(WatchedKeyword(number, Keyword.parse(f"model {number}"), None, None) for number in range(1, count + 1))


def to_do(
    read_at: datetime | None, month: Month, now: datetime = NOW, keywords: Sequence[WatchedKeyword] = watched(1)
) -> bool:
    """Whether a month is to be read that was read at this time."""
    read = {} if read_at is None else {(each.id, month): read_at for each in keywords}
    return pending_months(keywords, read, [month], now) != ()


@pytest.mark.parametrize("text", ["2026-01-01", "2026-01-31", "2026-01"])
def test_day_stands_for_its_whole_month(text: str) -> None:
    assert month_of(text, NOW) == Month(2026, 1)


@pytest.mark.parametrize("text", ["1991-08-01", "1991-08", "2026-11-21", "2026-11-30"])
def test_arxivs_whole_life_can_be_read(text: str) -> None:
    month_of(text, NOW)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yesterday", "'yesterday' is not a day: write it like 2026-01-31"),
        ("2026-02-30", "'2026-02-30' is not a day: write it like 2026-01-31"),
        ("2026-13", "'2026-13' is not a day: write it like 2026-01-31"),
        ("", "'' is not a day: write it like 2026-01-31"),
        ("2026-12-01", "2026-12-01 is in the future"),
        ("9999-12", "9999-12 is in the future"),
        ("1991-07-31", "1991-07-31 is before arXiv, which began in August 1991"),
        ("0000-01", "0000-01 is before arXiv, which began in August 1991"),
        ("0001-01-01", "0001-01-01 is before arXiv, which began in August 1991"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("(", r"\(")) as caught:
        month_of(text, NOW)
    assert str(caught.value) == words


def test_newest_month_comes_first() -> None:
    assert months_to_read(SEPTEMBER, NOW) == (NOVEMBER, OCTOBER, SEPTEMBER)


def test_month_that_has_just_begun_is_left_for_later() -> None:
    assert months_to_read(OCTOBER, NOVEMBER.start) == (OCTOBER,)
    assert months_to_read(OCTOBER, NOVEMBER.start + timedelta(minutes=1)) == (NOVEMBER, OCTOBER)


def test_month_that_was_read_long_after_its_end_is_never_read_again() -> None:
    assert not to_do(OCTOBER.end + ARCHIVE_FINAL_AFTER, OCTOBER)
    assert not to_do(OCTOBER.end + ARCHIVE_FINAL_AFTER, OCTOBER, NOW + timedelta(days=10_000))


def test_month_that_was_read_too_early_is_read_again_the_next_day() -> None:
    early = OCTOBER.end + ARCHIVE_FINAL_AFTER - timedelta(seconds=1)
    assert not to_do(early, OCTOBER, early + ARCHIVE_FRESH_FOR - timedelta(seconds=1))
    assert to_do(early, OCTOBER, early + ARCHIVE_FRESH_FOR)


def test_daily_timer_reads_the_month_that_lasts_each_time() -> None:
    assert to_do(NOW - timedelta(days=1) + timedelta(minutes=5), NOVEMBER)


def test_month_that_was_never_read_or_in_the_future_is_read() -> None:
    assert to_do(None, OCTOBER)
    assert to_do(NOW + timedelta(seconds=1), OCTOBER)


def test_only_keywords_that_lack_a_month_are_read_in_it() -> None:
    one, other = watched(2)
    tasks = pending_months([one, other], {(one.id, OCTOBER): NOW - timedelta(hours=1)}, [NOVEMBER, OCTOBER], NOW)
    assert tasks == (MonthTask(NOVEMBER, (one, other)), MonthTask(OCTOBER, (other,)))


def test_more_keywords_than_a_query_holds_are_read_in_groups() -> None:
    keywords = watched(ARXIV_KEYWORDS_PER_QUERY + 1)
    tasks = pending_months(keywords, {}, [OCTOBER], NOW)
    assert [len(reading.keywords) for reading in tasks] == [ARXIV_KEYWORDS_PER_QUERY, 1]
    assert tuple(each for reading in tasks for each in reading.keywords) == keywords


def test_nobody_who_watches_leaves_nothing_to_read() -> None:
    assert pending_months([], {}, [NOVEMBER], NOW) == ()


def test_month_is_asked_for_to_its_end_and_the_one_that_lasts_to_now() -> None:
    assert month_window(OCTOBER, NOW) == OCTOBER.window
    assert month_window(NOVEMBER, NOW) == Window(NOVEMBER.start, NOW)


def test_arxiv_is_probed_where_it_surely_shows_papers() -> None:
    young = Window(NOVEMBER.start, NOVEMBER.start + timedelta(hours=1))
    assert months_probe(young) == Window(young.end - POLL_OVERLAP, young.end)
    assert months_probe(OCTOBER.window) == OCTOBER.window


def test_forecast_firms_up_as_months_show_their_totals() -> None:
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
    assert (forecast.requests, forecast.expected) == (5, 5 + 3 + 2)  # a mean of two and a half pages, rounded up


def test_forecast_of_a_month_that_is_read_in_halves_holds_both() -> None:
    whole = 40 * ARXIV_PAGE_SIZE
    forecast = RequestForecast(1, 0).task_started().page_received(whole, ARXIV_PAGE_SIZE)
    forecast = forecast.page_received(whole // 2, ARXIV_PAGE_SIZE)
    assert (forecast.requests, forecast.expected) == (2, 40)


def test_forecast_grows_when_pages_come_again() -> None:
    forecast = RequestForecast(1, 0).task_started()
    for _ in range(3):
        forecast = forecast.page_received(ARXIV_PAGE_SIZE, ARXIV_PAGE_SIZE // 2)
    assert (forecast.requests, forecast.expected) == (3, 4)


def test_forecast_of_a_month_without_papers_ends_with_what_was_asked() -> None:
    forecast = (
        RequestForecast(1, 1).task_started().page_received(0, 0).page_received(0, 0).probe_finished().task_finished()
    )
    assert (forecast.requests, forecast.expected) == (3, 4)
    assert forecast.probe_finished().count_finished().expected == 4


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=8))
def test_forecast_is_never_below_what_was_asked_and_right_in_the_end(totals: list[int]) -> None:
    forecast = RequestForecast(len(totals), 0)
    for total in totals:
        forecast = forecast.task_started()
        for seen in range(0, max(1, total), ARXIV_PAGE_SIZE):
            forecast = forecast.page_received(total, min(total, seen + ARXIV_PAGE_SIZE))
            assert forecast.expected >= forecast.requests
        forecast = forecast.task_finished()
    assert forecast.expected == forecast.requests


def test_pace_says_pages_a_minute_and_the_time_that_is_left() -> None:
    rate = BackfillRate(requests=10, expected=30, elapsed_s=40)
    assert rate.per_minute == pytest.approx(15)
    assert rate.left_s == pytest.approx(80)


@pytest.mark.parametrize("rate", [BackfillRate(0, 10, 5.0), BackfillRate(1, 10, 0.0)])
def test_pace_is_silent_before_there_is_one(rate: BackfillRate) -> None:
    assert rate.per_minute is None
    assert rate.left_s is None
