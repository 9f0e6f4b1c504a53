"""Collects the numbers for charts: papers per month for any keywords, and papers posted per week in a server.

Month counts arrive one request at a time and are stored, so that the next chart continues where a stopped one ended.
The charts of different people take turns, those of one person follow each other. It never draws: the caller gets the
numbers.
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
CHARTS_FILLED_AT_ONCE: Final = 5
# How many charts of one person wait until the person's current one is complete.
CHARTS_QUEUED_PER_PERSON: Final = 2


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
class ChartQueued:
    """Another chart of the same person is counted first, for about `wait_s` seconds."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class TooManyCharts:
    """The person has `charts` charts in progress: this one was not started."""

    charts: int


@dataclass(frozen=True, slots=True)
class CountFailed:
    """arXiv did not return a count for this keyword."""

    keyword: Keyword
    error: ArxivError


@dataclass(frozen=True, slots=True)
class ReplyExpired:
    """Discord accepts no more edits of the reply."""


ChartState = ChartInProgress | ChartComplete | ChartsBusy | ChartQueued | TooManyCharts | CountFailed | ReplyExpired
Show = Callable[[Trend, ChartState], Awaitable[None]]


class _PersonsTurn:
    """The charts of one person: how many there are, and how many counts they lacked when they were requested."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.charts = 0
        self.missing = 0


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
        self._turns: dict[int, _PersonsTurn] = {}

    @property
    def in_progress(self) -> int:
        """How many charts are being counted."""
        return len(self._missing)

    async def trend(self, keywords: Sequence[Keyword], show: Show, person_id: int | None = None) -> None:
        """Shows papers per month for each keyword: stored counts at once, then the others as arXiv returns them.

        With `person_id`, only one chart of that person is counted at a time.
        """
        deadline_s = asyncio.get_running_loop().time() + self._timeout_s
        trend = await self._known(keywords)
        if not trend.missing:
            await show(trend, ChartComplete())
            return
        turn = _PersonsTurn() if person_id is None else self._turns.setdefault(person_id, _PersonsTurn())
        if turn.charts > CHARTS_QUEUED_PER_PERSON:
            await show(trend, TooManyCharts(turn.charts))
            return
        wait_s = self._interval_s * turn.missing * max(1, self.in_progress)
        missing = len(trend.missing)
        turn.charts += 1
        turn.missing += missing
        try:
            if turn.charts > 1:
                await show(trend, ChartQueued(wait_s))
            await self._in_turn(turn, trend, show, deadline_s)
        finally:
            turn.charts -= 1
            turn.missing -= missing
            if person_id is not None and not turn.charts:
                del self._turns[person_id]

    async def _known(self, keywords: Sequence[Keyword]) -> Trend:
        months = last_year(self._clock.now())
        return Trend(tuple(dict.fromkeys(keywords)), months, await self._month_counter.known(keywords, months))

    async def _in_turn(self, turn: _PersonsTurn, trend: Trend, show: Show, deadline_s: float) -> None:
        try:
            async with asyncio.timeout_at(deadline_s):
                await turn.lock.acquire()
        except TimeoutError:
            await show(trend, ReplyExpired())
            return
        try:
            trend = await self._known(trend.keywords)  # another chart may have counted some of it
            if not trend.missing:
                await show(trend, ChartComplete())
            elif self.in_progress >= CHARTS_FILLED_AT_ONCE:
                await show(trend, ChartsBusy(min(map(self._duration_s, self._missing))))
            else:
                await self._fill(trend, show, deadline_s)
        finally:
            turn.lock.release()

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
