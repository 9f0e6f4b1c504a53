"""What the parts of a run share: the bot's process, counts, random generators, and whether the bot can be reached."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from random import Random

from tests.support.chaos.hazards import Hazard
from tests.support.chaos.size import Size
from tests.support.killable import BotProcess
from tests.support.moved_clock import ClockFile
from tests.support.running import RunningSandbox

_CHECK_INTERVAL_S = 0.05
# The bot reconnects within seconds; discord.py waits longer after several failures.
_RECONNECTED_WITHIN_S = 60.0
_NOTICED_WITHIN_S = 0.5


class Stage:
    """The state of a run."""

    def __init__(self, size: Size, seed: int, sandbox: RunningSandbox, web_port: int) -> None:
        self.size = size
        self.sandbox = sandbox
        self.web_port = web_port
        self.clock = ClockFile(sandbox.database.with_name("clock"))
        self.counts: Counter[Hazard] = Counter()
        self.is_over = False  # nothing goes wrong any more
        self.is_finished = False  # and everything is posted
        self.is_synced = False
        # Changes whenever the bot, or Discord for the bot, goes away.
        self.interruptions = 0
        self.database_is_away = False
        self.database_disruptions = 0  # changes at the beginning and the end of each
        self._seed = seed
        self._unreachable = 0
        self._bot: BotProcess | None = None
        self._started_s = 0.0

    def random_for(self, purpose: str) -> Random:
        """Returns a generator for one purpose, so that the choices of one do not depend on the others."""
        return Random(f"{self._seed}/{purpose}")

    @property
    def has_enough(self) -> bool:
        """Whether every hazard has happened as often as it must."""
        return all(self.counts[hazard] >= least for hazard, least in self.size.minimum.items())

    # Whether an interaction can reach the bot, and an answer Discord

    @property
    def bot(self) -> BotProcess | None:
        """The running process, if any."""
        return self._bot

    @bot.setter
    def bot(self, bot: BotProcess | None) -> None:
        self.interruptions += bot is None
        self._bot = bot
        self._started_s = asyncio.get_running_loop().time()

    @property
    def uptime_s(self) -> float:
        """How long the process has run."""
        return asyncio.get_running_loop().time() - self._started_s

    @property
    def is_reachable(self) -> bool:
        """Whether the bot runs and is connected, and nothing prevents its answers."""
        return self._bot is not None and not self._unreachable and self.sandbox.discord.bot_is_ready

    @asynccontextmanager
    async def unreachable(self) -> AsyncIterator[None]:
        """During the block, and until the bot is connected again, answers are not expected."""
        self.interruptions += 1
        self._unreachable += 1
        try:
            yield
            await self._wait_until_connected()
        finally:
            self._unreachable -= 1

    @contextmanager
    def without_database(self) -> Iterator[None]:
        """During the block, a bot that starts may exit; one that runs answers nevertheless."""
        self.database_disruptions += 1
        self.database_is_away = True
        try:
            yield
        finally:
            self.database_disruptions += 1
            self.database_is_away = False

    async def _wait_until_connected(self) -> None:
        discord = self.sandbox.discord
        await self.wait_until(lambda: not discord.bot_is_ready, _NOTICED_WITHIN_S)
        await self.wait_until(lambda: discord.bot_is_ready, _RECONNECTED_WITHIN_S)

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Waits until a condition holds or the run is over, at most this long; returns whether it holds."""
        ends_at_s = asyncio.get_running_loop().time() + timeout_s
        while not condition() and not self.is_over and asyncio.get_running_loop().time() < ends_at_s:  # noqa: ASYNC110
            await asyncio.sleep(_CHECK_INTERVAL_S)
        return condition()

    async def pause(self, delay_s: float) -> None:
        """Sleeps, but not beyond the end of the run."""
        await self.wait_until(lambda: False, delay_s)
