"""How many papers a month keywords have: which counts are still good, what is left to be counted, and the chart.

Keywords, months and counts enter; a chart and its words leave. It asks nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.domain.charts.chart import Chart, ChartKind, Series
from bot.domain.keyword import Keyword
from bot.domain.months import MONTH_NAMES, Month, months_since
from bot.domain.text import cut
from bot.runtime.limits import ALT_TEXT_MAX

# Moderation held a paper for 13 days (see above): a month counted a day later than that has all its papers.
TOTAL_FINAL_AFTER: Final = timedelta(days=14)
# The result of a query changes at most once a day (terms of use).
TOTAL_FRESH_FOR: Final = timedelta(days=1)
TREND_MONTHS: Final = 12

_NOT_COUNTED: Final = "–"


@dataclass(frozen=True, slots=True)
class MonthCount:
    """How many papers arXiv counted for one keyword in one month, and when it was asked."""

    total: int
    counted_at: datetime

    def is_final(self, month: Month) -> bool:
        """Whether it was counted so long after the month's end that no more papers come."""
        return self.counted_at >= month.end + TOTAL_FINAL_AFTER

    def is_fresh(self, month: Month, now: datetime) -> bool:
        """Whether arXiv need not be asked again; a count from the future is a clock gone wrong."""
        age = now - self.counted_at
        return age.total_seconds() >= 0 and (self.is_final(month) or age < TOTAL_FRESH_FOR)


@dataclass(frozen=True, slots=True)
class Trend:
    """Papers a month for a few keywords, as far as they are counted."""

    keywords: tuple[Keyword, ...]
    months: tuple[Month, ...]
    totals: Mapping[tuple[Keyword, Month], int]

    @property
    def size(self) -> int:
        """How many counts the whole chart takes."""
        return len(self.keywords) * len(self.months)

    @property
    def missing(self) -> tuple[tuple[Keyword, Month], ...]:
        """What is left to be counted, the newest months first."""
        return tuple(
            (keyword, month)
            for month in reversed(self.months)
            for keyword in self.keywords
            if (keyword, month) not in self.totals
        )

    def counted(self, keyword: Keyword, month: Month, total: int) -> "Trend":
        """The same with one count more."""
        return replace(self, totals={**self.totals, (keyword, month): total})

    def of(self, keyword: Keyword) -> tuple[int | None, ...]:
        """A keyword's counts, month by month; None where it is not counted yet."""
        return tuple(self.totals.get((keyword, month)) for month in self.months)

    def chart(self) -> Chart:
        """The picture of it; what is not counted is a gap."""
        gaps = " Gaps: not counted yet." if self.missing else ""
        return Chart(
            ChartKind.LINES,
            "Papers a month on arXiv",
            tuple(map(_tick, self.months, [True, *(month.month == 1 for month in self.months[1:])])),
            tuple(Series(keyword.shown, self.of(keyword)) for keyword in self.keywords),
            f"Counted by arXiv, in titles and abstracts, by the month of submission.{gaps}",
        )

    def numbers(self, keyword: Keyword) -> str:
        """A keyword's counts in a row: `62, 70, –, 81`; with their sum once all are there."""
        counts = self.of(keyword)
        row = ", ".join(_NOT_COUNTED if count is None else f"{count:,}" for count in counts)
        known = [count for count in counts if count is not None]
        return row if len(known) < len(counts) else f"{row} · {sum(known):,} in all"

    def span(self) -> str:
        """`Nov 2025 to Oct 2026`."""
        return f"{month_name(self.months[0])} to {month_name(self.months[-1])}"

    def alt_text(self) -> str:
        """The picture for those who cannot see it."""
        rows = (f"{keyword.shown}: {self.numbers(keyword)}." for keyword in self.keywords)
        words = f"Line chart: papers a month on arXiv, {self.span()}. {' '.join(rows)}"
        return cut(words, ALT_TEXT_MAX)

    def still_growing(self, now: datetime) -> Month | None:
        """The last month, while moderation may still let papers of it through."""
        last = self.months[-1]
        return last if now < last.end + TOTAL_FINAL_AFTER else None


def last_year(now: datetime) -> tuple[Month, ...]:
    """The last twelve months that are over."""
    last = Month.of(now).plus(-1)
    return months_since(last.plus(1 - TREND_MONTHS), last)


def month_name(month: Month) -> str:
    """`Nov 2025`."""
    return f"{MONTH_NAMES[month.month - 1]} {month.year}"


def duration(seconds: float) -> str:
    """`2 min 24 s`, `45 s`, `3 min`."""
    minutes, rest = divmod(max(1, round(seconds)), 60)
    return " ".join(part for part in (f"{minutes} min" if minutes else "", f"{rest} s" if rest else "") if part)


def _tick(month: Month, with_year: bool) -> str:
    name = MONTH_NAMES[month.month - 1]
    return f"{name}\n{month.year}" if with_year else name
