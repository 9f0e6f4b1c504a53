"""How many papers a month: which counts are final, which are good for today."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.months import Month
from bot.domain.trend import MonthTotal

OCTOBER = Month(2026, 10)
LAST_PAPER_SHOWN = datetime(2026, 11, 13, tzinfo=UTC)  # moderation held a paper of 30 October until the 12th


def test_count_is_final_when_moderation_has_let_the_months_last_papers_through() -> None:
    final = datetime(2026, 11, 15, tzinfo=UTC)
    assert not MonthTotal(7, LAST_PAPER_SHOWN).is_final(OCTOBER)
    assert not MonthTotal(7, final - timedelta(seconds=1)).is_final(OCTOBER)
    assert MonthTotal(7, final).is_final(OCTOBER)


def test_final_count_is_good_for_ever() -> None:
    counted = MonthTotal(7, datetime(2026, 11, 15, tzinfo=UTC))
    assert counted.is_good(OCTOBER, datetime(2036, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(("hours", "good"), [(0, True), (23.9, True), (24, False), (24 * 400, False)])
def test_count_that_may_grow_is_good_for_a_day(hours: float, good: bool) -> None:
    counted = MonthTotal(7, LAST_PAPER_SHOWN)
    assert counted.is_good(OCTOBER, LAST_PAPER_SHOWN + timedelta(hours=hours)) is good


def test_count_from_the_future_is_a_clock_gone_wrong() -> None:
    counted = MonthTotal(7, datetime(2027, 1, 1, tzinfo=UTC))
    assert not counted.is_good(OCTOBER, datetime(2026, 12, 31, tzinfo=UTC))
