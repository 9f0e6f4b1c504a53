"""Delays before a retry: exponential, bounded, and as the server requests."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.runtime.retry import backoff_delay_s, quota_wait_s, retry_after_s, usable_wait_s

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


def test_delay_doubles_with_each_consecutive_failure() -> None:
    assert [backoff_delay_s(attempt, 30, 3600, 0.0) for attempt in (1, 2, 3, 4)] == [30, 60, 120, 240]


def test_jitter_only_increases_the_delay() -> None:
    assert backoff_delay_s(1, 30, 3600, 0.5) == 45


@given(
    attempt=st.integers(min_value=-5, max_value=10_000),
    floor_s=st.floats(min_value=0.001, max_value=60),
    jitter=st.floats(min_value=0, max_value=1, exclude_max=True),
)
def test_delay_stays_within_its_bounds(attempt: int, floor_s: float, jitter: float) -> None:
    assert floor_s <= backoff_delay_s(attempt, floor_s, 3600, jitter) <= 3600


@given(attempt=st.integers(min_value=1, max_value=100), jitter=st.floats(min_value=0, max_value=0.99))
def test_delay_never_decreases_between_failures(attempt: int, jitter: float) -> None:
    assert backoff_delay_s(attempt + 1, 1, 1000, 0.0) >= min(1000, backoff_delay_s(attempt, 1, 1000, jitter))


@pytest.mark.parametrize(
    ("header", "delay_s"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Wed, 18 Nov 2026 12:05:00 GMT", 300.0),
        ("Wed, 18 Nov 2026 13:05:00 +0100", 300.0),
        ("Wed, 18 Nov 2026 12:05:00 -0000", 300.0),
        ("Wed, 18 Nov 2026 11:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_parsed_in_both_forms(header: str, delay_s: float) -> None:
    assert retry_after_s(header, NOW) == delay_s


@pytest.mark.parametrize(
    "header",
    [None, "", "soon", "-5", "1.5", "٣", "9" * 400, "Wed, 99 Foo 2026", "Wed, 18 Nov 99999999999999 12:05:00 GMT"],
)
def test_unusable_retry_after_is_none(header: str | None) -> None:
    assert retry_after_s(header, NOW) is None


@given(st.text())
def test_retry_after_accepts_any_text(header: str) -> None:
    delay_s = retry_after_s(header, NOW)
    assert delay_s is None or delay_s >= 0


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        ('"api";r=0;t=55', 55.0),
        ('"pages";r=99;t=12, "api"; r=0; t=7', 7.0),
        ('"api";r=1;t=55', None),
        ('"api";r=01;t=55', None),
        ('"api";r=0', None),
        ("", None),
        (None, None),
    ],
)
def test_exhausted_quota_has_a_time_of_reset(header: str | None, wait_s: float | None) -> None:
    assert quota_wait_s(header) == wait_s


@pytest.mark.parametrize(("value", "wait_s"), [(1, 1.0), (0.25, 0.25), (1e300, 1e300), (10**300, 1e300)])
def test_wait_in_a_json_body_is_any_finite_number_above_zero(value: object, wait_s: float) -> None:
    assert usable_wait_s(value) == wait_s


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1, 0, 10**400, "5", None, True, [], {}], ids=repr)
def test_unusable_wait_in_a_json_body_is_none(value: object) -> None:
    assert usable_wait_s(value) is None
