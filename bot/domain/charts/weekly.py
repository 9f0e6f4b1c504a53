"""Papers posted per week, by keyword: the numbers, the chart and its texts.

The caller decides which channels are counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.charts.chart import Chart, ChartKind, Series
from bot.domain.months import MONTH_NAMES
from bot.domain.text import cut, plural
from bot.runtime.limits import ALT_TEXT_MAX

STATS_KEYWORDS: Final = 7

WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Weekly:
    """Papers posted per week since `since`: all papers, once per channel, and the papers of each keyword.

    A paper that matches two keywords counts for both, so the keywords may add up to more than `papers`.
    """

    since: datetime
    papers: tuple[int, ...]
    by_keyword: tuple[Series, ...]

    @property
    def total(self) -> int:
        """The number of papers, counted once per channel."""
        return sum(self.papers)

    @property
    def most_posted(self) -> tuple[Series, ...]:
        """The keywords with the most papers, and the sum of the other ones."""
        ordered = sorted(self.by_keyword, key=lambda each: (-_sum(each), each.name))
        top, others = ordered[:STATS_KEYWORDS], ordered[STATS_KEYWORDS:]
        if not others:
            return tuple(top)
        sums = tuple(sum(each.values[week] or 0 for each in others) for week in self._weeks)
        return (*top, Series(plural(len(others), "other keyword"), sums))

    @property
    def counts_some_twice(self) -> bool:
        """Whether a paper counts for more than one keyword."""
        return any(sum(each.values[week] or 0 for each in self.by_keyword) > self.papers[week] for week in self._weeks)

    @property
    def _weeks(self) -> range:
        return range(len(self.papers))

    def chart(self) -> Chart:
        """Returns the chart."""
        show_papers = self.counts_some_twice
        note = "◆ counts each paper once." if show_papers else ""
        return Chart(
            ChartKind.BARS,
            "Papers posted per week, by keyword",
            tuple(self._ticks()),
            self.most_posted,
            f"Each bar covers seven days from the date shown. {note}".strip(),
            Series("papers, counted once", self.papers) if show_papers else None,
        )

    def _ticks(self) -> Iterator[str]:
        previous_month = None
        for week in self._weeks:
            day = self.since + week * WEEK
            yield str(day.day) if day.month == previous_month else f"{MONTH_NAMES[day.month - 1]} {day.day}"
            previous_month = day.month

    def alt_text(self) -> str:
        """Returns a description of the chart for screen readers."""
        rows = (f"{each.name}: {_sum(each):,}." for each in self.most_posted)
        weeks = ", ".join(f"{papers:,}" for papers in self.papers)
        text = f"Bar chart: papers posted per week, {self.total:,} in total: {weeks}. By keyword: {' '.join(rows)}"
        return cut(text, ALT_TEXT_MAX)


def _sum(series: Series) -> int:
    return sum(value or 0 for value in series.values)
