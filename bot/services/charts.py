"""Charts on request: papers a month for any keywords, filled politely, and what was posted in a server.

Keywords or a server enter; numbers leave as they come, for whoever shows them. What is counted is kept, so that a chart
that was broken off goes on where it ended, whoever asks for it next.
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
# While a chart fills, its reply is edited every so many counts, which are 3 s apart; Discord's alt text ends at
# 1,024 characters (resources/message#attachment-object).
CHART_EDITED_EVERY: Final = 4
# So many charts are filled at once, each slows the others down; and so many may be asked for by one person.
CHARTS_FILLED_AT_ONCE: Final = 3


@dataclass(frozen=True, slots=True)
class ChartInProgress:
    """Counting goes on; about so many seconds are left."""

    left_s: float


@dataclass(frozen=True, slots=True)
class ChartComplete:
    """Every month is counted."""


@dataclass(frozen=True, slots=True)
class ChartsBusy:
    """Too many charts are being filled: none was begun; in about so many seconds there is room."""

    left_s: float


@dataclass(frozen=True, slots=True)
class CountFailed:
    """arXiv did not answer for this keyword."""

    keyword: Keyword
    error: ArxivError


@dataclass(frozen=True, slots=True)
class ReplyExpired:
    """The reply cannot be edited any longer."""


ChartState = ChartInProgress | ChartComplete | ChartsBusy | CountFailed | ReplyExpired
Show = Callable[[Trend, ChartState], Awaitable[None]]


class ChartService:
    """Gathers the numbers of charts."""

    def __init__(
        self,
        month_counter: MonthCounter,
        statistics: Statistics,
        clock: Clock,
        *,
        interval_s: float,
        patience_s: float = INTERACTION_TOKEN_S,
    ) -> None:
        self._month_counter = month_counter
        self._statistics = statistics
        self._clock = clock
        self._interval_s = interval_s
        self._patience_s = patience_s
        self._left: dict[object, int] = {}  # of the charts that are being filled

    async def trend(self, keywords: Sequence[Keyword], show: Show) -> None:
        """Show papers a month for each keyword: at once what is known, then the rest as arXiv answers."""
        until_s = asyncio.get_running_loop().time() + self._patience_s
        months = last_year(self._clock.now())
        trend = Trend(tuple(dict.fromkeys(keywords)), months, await self._month_counter.known(keywords, months))
        if not trend.missing:
            await show(trend, ChartComplete())
        elif len(self._left) >= CHARTS_FILLED_AT_ONCE:
            await show(trend, ChartsBusy(self._seconds(min(self._left.values()))))
        else:
            await self._fill(trend, show, until_s)

    async def _fill(self, trend: Trend, show: Show, until_s: float) -> None:
        mine = object()
        todo = trend.missing
        try:
            self._left[mine] = len(todo)
            await show(trend, ChartInProgress(self._seconds(len(todo))))
            for done, (keyword, month) in enumerate(todo, 1):
                total = await self._count(keyword, month, until_s)
                if not isinstance(total, int):
                    await show(trend, total)
                    return
                trend = trend.counted(keyword, month, total)
                self._left[mine] = left = len(todo) - done
                if left and done % CHART_EDITED_EVERY == 0:
                    # Takes less than arXiv's pause: no count waits for it.
                    await show(trend, ChartInProgress(self._seconds(left)))
        finally:
            del self._left[mine]
        await show(trend, ChartComplete())

    async def _count(self, keyword: Keyword, month: Month, until_s: float) -> int | CountFailed | ReplyExpired:
        try:
            async with asyncio.timeout_at(until_s):
                return await self._month_counter.count(keyword, month)
        except TimeoutError:
            return ReplyExpired()
        except ArxivError as error:
            log.warning("chart left unfinished", extra={"why": str(error)})
            return CountFailed(keyword, error)

    def _seconds(self, counts: int) -> float:
        """How long so many counts take while others are filled beside them."""
        return counts * self._interval_s * max(1, len(self._left))

    async def posts_per_week(self, guild_id: int, may_view: Callable[[int], bool]) -> Weekly:
        """What was posted in a server's channels, but for those that the caller may not view."""
        channels = [channel for channel in await self._statistics.channels(guild_id) if may_view(channel)]
        return await self._statistics.weekly(channels, self._clock.now() - STATS_WEEKS * WEEK, STATS_WEEKS)
