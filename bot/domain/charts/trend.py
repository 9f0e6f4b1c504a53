"""Papers per month for keywords: which counts are fresh, which are missing, and the chart. It sends no requests."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.domain.charts.chart import Chart, ChartKind, Series
from bot.domain.keyword import Keyword
from bot.domain.months import MONTH_NAMES, Month, months_since
from bot.domain.text import cut
from bot.runtime.limits import ALT_TEXT_MAX

# Moderation held one paper for 13 days; a month counted one day later than that has all its papers.
TOTAL_FINAL_AFTER: Final = timedelta(days=14)
# The result of a query changes at most once a day (terms of use).
TOTAL_FRESH_FOR: Final = timedelta(days=1)
TREND_MONTHS: Final = 12

_NOT_COUNTED: Final = "–"


@dataclass(frozen=True, slots=True)
class MonthCount:
    """How many papers arXiv counts for one keyword in one month, and when that was requested."""

    total: int
    counted_at: datetime

    def is_final(self, month: Month) -> bool:
        """Whether it was counted so long after the end of the month that the number no longer changes."""
        return self.counted_at >= month.end + TOTAL_FINAL_AFTER

    def is_fresh(self, month: Month, now: datetime) -> bool:
        """Whether the count can be used without a new request; a time in the future is due to a wrong clock."""
        age = now - self.counted_at
        return age.total_seconds() >= 0 and (self.is_final(month) or age < TOTAL_FRESH_FOR)


@dataclass(frozen=True, slots=True)
class Trend:
    """Papers per month for a few keywords, as far as they are counted."""

    keywords: tuple[Keyword, ...]
    months: tuple[Month, ...]
    totals: Mapping[tuple[Keyword, Month], int]

    @property
    def size(self) -> int:
        """The number of counts in the complete chart."""
        return len(self.keywords) * len(self.months)

    @property
    def missing(self) -> tuple[tuple[Keyword, Month], ...]:
        """The counts that are missing, newest months first."""
        return tuple(
            (keyword, month)
            for month in reversed(self.months)
            for keyword in self.keywords
            if (keyword, month) not in self.totals
        )

    @property
    def without_papers(self) -> tuple[Keyword, ...]:
        """The keywords for which arXiv counts no paper in any month, as far as all their months are counted."""
        return tuple(keyword for keyword in self.keywords if set(self.of(keyword)) == {0})

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw: no paper is counted so far."""
        return not any(self.totals.values())

    def counted(self, keyword: Keyword, month: Month, total: int) -> "Trend":
        """Returns the trend with one more count."""
        return replace(self, totals={**self.totals, (keyword, month): total})

    def of(self, keyword: Keyword) -> tuple[int | None, ...]:
        """Returns a keyword's counts by month; None for months that are not counted yet."""
        return tuple(self.totals.get((keyword, month)) for month in self.months)

    def chart(self) -> Chart:
        """Returns the chart; missing counts are gaps."""
        gaps = " Gaps: not counted yet." if self.missing else ""
        return Chart(
            ChartKind.LINES,
            "Papers per month on arXiv",
            tuple(map(_tick, self.months, [True, *(month.month == 1 for month in self.months[1:])])),
            tuple(Series(keyword.label, self.of(keyword)) for keyword in self.keywords),
            f"Counted by arXiv, in titles and abstracts, by month of submission.{gaps}",
        )

    def numbers(self, keyword: Keyword) -> str:
        """Returns a keyword's counts as `62, 70, –, 81`; with the total if none is missing."""
        counts = self.of(keyword)
        row = ", ".join(_NOT_COUNTED if count is None else f"{count:,}" for count in counts)
        known = [count for count in counts if count is not None]
        return row if len(known) < len(counts) else f"{row} · {sum(known):,} in total"

    def span(self) -> str:
        """Returns `Nov 2025 to Oct 2026`."""
        return f"{month_name(self.months[0])} to {month_name(self.months[-1])}"

    def alt_text(self) -> str:
        """Returns a description of the chart for screen readers."""
        rows = (f"{keyword.label}: {self.numbers(keyword)}." for keyword in self.keywords)
        return cut(f"Line chart: papers per month on arXiv, {self.span()}. {' '.join(rows)}", ALT_TEXT_MAX)

    def still_growing(self, now: datetime) -> Month | None:
        """Returns the last month while moderation may still release papers of it; None after that."""
        last = self.months[-1]
        return last if now < last.end + TOTAL_FINAL_AFTER else None


def last_year(now: datetime) -> tuple[Month, ...]:
    """Returns the last twelve complete months."""
    last = Month.of(now).plus(-1)
    return months_since(last.plus(1 - TREND_MONTHS), last)


def month_name(month: Month) -> str:
    """Returns `Nov 2025`."""
    return f"{MONTH_NAMES[month.month - 1]} {month.year}"


def duration(seconds: float) -> str:
    """Returns `2 min 24 s`, `45 s` or `3 min`."""
    minutes, seconds_left = divmod(max(1, round(seconds)), 60)
    return " ".join(
        part for part in (f"{minutes} min" if minutes else "", f"{seconds_left} s" if seconds_left else "") if part
    )


def _tick(month: Month, with_year: bool) -> str:
    name = MONTH_NAMES[month.month - 1]
    return f"{name}\n{month.year}" if with_year else name
