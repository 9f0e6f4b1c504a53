"""Collects the numbers for charts: papers per month for any keywords, and papers posted per week in a server.

Month counts arrive one request at a time and are stored, so that the next chart continues where a stopped one ended.
It never draws: the caller gets the numbers.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.charts.trend import Trend, last_year
from bot.domain.charts.weekly import WEEK, Weekly
from bot.domain.keyword import Keyword
from bot.domain.months import Month
from bot.ingest.month_counts import MonthCounter
from bot.runtime.clock import Clock
from bot.runtime.errors import ArxivError
from bot.runtime.limits import INTERACTION_TOKEN_S
from bot.store.statistics import Statistics

log = logging.getLogger(__name__)

STATS_WEEKS: Final = 12
# How long a reply waits for results; one minute of the token's time is reserved for its last edit.
REPLY_EDIT_S: Final = INTERACTION_TOKEN_S - 60
# Counts are 3 s apart: the reply is edited after every fourth one.
CHART_EDITED_EVERY: Final = 4
# All charts share one request every 3 s: more charts at once would each take too long.
CHARTS_FILLED_AT_ONCE: Final = 3


@dataclass(frozen=True, slots=True)
class ChartInProgress:
    """Counting continues for about `remaining_s` seconds."""

    remaining_s: float


@dataclass(frozen=True, slots=True)
class ChartComplete:
    """Every month is counted."""


@dataclass(frozen=True, slots=True)
class ChartsBusy:
    """Too many charts are being counted: this one was not started; try again in about `retry_in_s` seconds."""

    retry_in_s: float


@dataclass(frozen=True, slots=True)
class CountFailed:
    """arXiv did not return a count for this keyword."""

    keyword: Keyword
    error: ArxivError


@dataclass(frozen=True, slots=True)
class ReplyExpired:
    """Discord accepts no more edits of the reply."""


ChartState = ChartInProgress | ChartComplete | ChartsBusy | CountFailed | ReplyExpired
Show = Callable[[Trend, ChartState], Awaitable[None]]


class ChartService:
    """Collects the numbers of charts; `timeout_s` is how long a reply can be edited."""

    def __init__(
        self,
        month_counter: MonthCounter,
        statistics: Statistics,
        clock: Clock,
        *,
        interval_s: float,
        timeout_s: float = REPLY_EDIT_S,
    ) -> None:
        self._month_counter = month_counter
        self._statistics = statistics
        self._clock = clock
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._missing: dict[object, set[tuple[Keyword, Month]]] = {}  # what each chart in progress still needs

    @property
    def in_progress(self) -> int:
        """How many charts are being counted."""
        return len(self._missing)

    async def trend(self, keywords: Sequence[Keyword], show: Show) -> None:
        """Shows papers per month for each keyword: stored counts at once, then the others as arXiv returns them."""
        deadline_s = asyncio.get_running_loop().time() + self._timeout_s
        months = last_year(self._clock.now())
        trend = Trend(tuple(dict.fromkeys(keywords)), months, await self._month_counter.known(keywords, months))
        if not trend.missing:
            await show(trend, ChartComplete())
        elif self.in_progress >= CHARTS_FILLED_AT_ONCE:
            await show(trend, ChartsBusy(min(map(self._duration_s, self._missing))))
        else:
            await self._fill(trend, show, deadline_s)

    async def _fill(self, trend: Trend, show: Show, deadline_s: float) -> None:
        chart = object()
        missing = trend.missing
        try:
            self._missing[chart] = set(missing)
            await show(trend, ChartInProgress(self._duration_s(chart)))
            started_at_s = self._clock.monotonic()
            for done, (keyword, month) in enumerate(missing, 1):
                total = await self._count(keyword, month, deadline_s)
                if not isinstance(total, int):
                    await show(trend, total)
                    return
                trend = trend.counted(keyword, month, total)
                self._missing[chart].discard((keyword, month))
                if trend.missing and done % CHART_EDITED_EVERY == 0:
                    # An edit takes less time than the pause between two requests, so it delays no count.
                    pace_s = (self._clock.monotonic() - started_at_s) / done
                    remaining_s = max(self._duration_s(chart), pace_s * len(trend.missing))
                    await show(trend, ChartInProgress(remaining_s))
        finally:
            del self._missing[chart]
        await show(trend, ChartComplete())

    async def _count(self, keyword: Keyword, month: Month, deadline_s: float) -> int | CountFailed | ReplyExpired:
        try:
            async with asyncio.timeout_at(deadline_s):
                return await self._month_counter.count(keyword, month)
        except TimeoutError:
            return ReplyExpired()
        except ArxivError as error:
            log.warning("chart incomplete", extra={"reason": str(error)})
            return CountFailed(keyword, error)

    def _duration_s(self, chart: object) -> float:
        """How long a chart's counts take at least: charts take turns, and two never request the same count."""
        missing = self._missing[chart]
        others = (other - missing for other in self._missing.values())
        return self._interval_s * (len(missing) + sum(min(len(other), len(missing)) for other in others))

    async def posts_per_week(self, guild_id: int, may_view: Callable[[int], bool]) -> Weekly:
        """Papers posted per week in those channels of a server that the caller may view."""
        channels = [channel_id for channel_id in await self._statistics.channels(guild_id) if may_view(channel_id)]
        return await self._statistics.weekly(channels, self._clock.now() - STATS_WEEKS * WEEK, STATS_WEEKS)
