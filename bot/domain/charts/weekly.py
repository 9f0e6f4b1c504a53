"""What was posted week by week, by the keywords that were the reason: the numbers, their chart, and its words.

Counts enter; a chart and words leave. Whose channels these are is settled before.
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
    """Papers posted a week, from `since` on: all of them, each once a channel, and those of each keyword.

    A paper that matched two keywords counts for both, so that the keywords' sum may be more than the papers.
    """

    since: datetime
    papers: tuple[int, ...]
    by_keyword: tuple[Series, ...]

    @property
    def total(self) -> int:
        """All papers, each once a channel."""
        return sum(self.papers)

    @property
    def most_posted(self) -> tuple[Series, ...]:
        """The keywords by how much was posted for them; beyond the first few together, as others."""
        ordered = sorted(self.by_keyword, key=lambda each: (-_sum(each), each.name))
        first, rest = ordered[:STATS_KEYWORDS], ordered[STATS_KEYWORDS:]
        if not rest:
            return tuple(first)
        others = tuple(sum(values[week] or 0 for values in (each.values for each in rest)) for week in self._weeks)
        return (*first, Series(plural(len(rest), "other keyword"), others))

    @property
    def counts_some_twice(self) -> bool:
        """Whether a paper stands under more than one keyword."""
        return any(sum(each.values[week] or 0 for each in self.by_keyword) > self.papers[week] for week in self._weeks)

    @property
    def _weeks(self) -> range:
        return range(len(self.papers))

    def chart(self) -> Chart:
        """The picture of it."""
        twice = self.counts_some_twice
        note = "A paper that matched two keywords stands in both; ◆ counts it once." if twice else ""
        return Chart(
            ChartKind.BARS,
            "Papers posted a week, by keyword",
            tuple(self._ticks()),
            self.most_posted,
            f"Seven days each, from the day below. {note}".strip(),
            Series("papers, each once", self.papers) if twice else None,
        )

    def _ticks(self) -> Iterator[str]:
        before = None
        for week in self._weeks:
            day = self.since + week * WEEK
            yield str(day.day) if day.month == before else f"{MONTH_NAMES[day.month - 1]} {day.day}"
            before = day.month

    def alt_text(self) -> str:
        """The picture for those who cannot see it."""
        rows = (f"{each.name}: {_sum(each):,}." for each in self.most_posted)
        weeks = ", ".join(f"{papers:,}" for papers in self.papers)
        words = f"Bar chart: papers posted a week, {self.total:,} in all: {weeks}. By keyword: {' '.join(rows)}"
        return cut(words, ALT_TEXT_MAX)


def _sum(series: Series) -> int:
    return sum(value or 0 for value in series.values)
