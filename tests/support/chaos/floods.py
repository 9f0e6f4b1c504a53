"""Floods the bot's web port with connections, and checks its health at the same time, as a monitor does."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from itertools import cycle
from random import Random
from typing import Final

from tests.support.chaos.hazards import Hazard
from tests.support.chaos.stage import Stage
from tests.support.flood import allowed_connections

# The limit for a process in most systems; a flood has more connections.
DESCRIPTORS: Final = 1024
_HOST: Final = "127.0.0.1"
_CONNECTED_WITHIN_S: Final = 2.0
_ANSWERED_WITHIN_S: Final = 10.0
_CHECK_EVERY_S: Final = 1.0
_OPENED_AT_ONCE: Final = 50
# How long after its start, or after a flood, the bot must answer every request.
_SETTLED_AFTER_S: Final = 3.0


class Flood(Enum):
    """What the connections of a flood send."""

    IDLE = (b"",)
    HALF_SENT = (
        b"GET /healthz HTTP/1.1\r\nHost: papers\r\nX-Half: ",
        b"POST /healthz HTTP/1.1\r\nHost: papers\r\nContent-Length: 1000000\r\n\r\nabc",
        b"GET /heal",
    )
    MALFORMED = (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x00\xff\xfe\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5_000 + b"\r\n",
    )


@dataclass(slots=True)
class HealthChecks:
    """How many requests for the bot's health were answered."""

    requested: int = 0
    answered: int = 0
    requested_in_floods: int = 0
    answered_in_floods: int = 0
    slowest_s: float = 0.0

    @property
    def are_answered(self) -> bool:
        """Whether most requests outside floods were answered: on a busy machine, the bot starts slowly after a kill."""
        return self.answered * 2 >= self.requested

    def line(self) -> str:
        """Returns the figures as text."""
        return (
            f"/healthz: {self.answered} of {self.requested} answered, the slowest after {self.slowest_s:.2f} s; "
            f"in floods {self.answered_in_floods} of {self.requested_in_floods}"
        )


class Flooder:
    """Floods the web port repeatedly, and checks the health between and during the floods."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._rng: Random = stage.random_for("floods")
        self._count = allowed_connections(stage.size.connections)
        self._is_flooding = False
        self._quiet_since_s = 0.0
        self.health = HealthChecks()

    async def run(self) -> None:
        """Floods until the run is over."""
        for flood in cycle(self._rng.sample(tuple(Flood), len(Flood))):
            await self._stage.pause(self._rng.uniform(4.0, 10.0))
            if self._stage.is_over:
                return
            await self._flood(flood, self._rng.uniform(3.0, 12.0))
            self._stage.counts[Hazard.FLOOD] += 1

    async def _flood(self, flood: Flood, duration_s: float) -> None:
        self._is_flooding = True
        opening = asyncio.Semaphore(_OPENED_AT_ONCE)
        connections = [asyncio.create_task(self._connect(flood, opening)) for _ in range(self._count)]
        await self._stage.pause(duration_s)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        self._is_flooding = False
        self._quiet_since_s = asyncio.get_running_loop().time()

    async def _connect(self, flood: Flood, opening: asyncio.Semaphore) -> None:
        """Keeps one connection open; opens another one when the bot closes it."""
        for sent in cycle(self._rng.sample(flood.value, len(flood.value))):
            async with opening:
                writer = await self._open(sent)
            if writer is not None:
                reader, stream = writer
                try:
                    with suppress(OSError):
                        while await reader.read(1 << 16):
                            pass
                finally:
                    stream.close()
            await asyncio.sleep(0.5)

    async def _open(self, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        try:
            async with asyncio.timeout(_CONNECTED_WITHIN_S):
                reader, writer = await asyncio.open_connection(_HOST, self._stage.web_port)
        except (OSError, TimeoutError):  # the bot does not run, or accepts no more connections
            return None
        writer.write(sent)
        return reader, writer

    # Health

    async def check_health(self) -> None:
        """Asks for the bot's health every second until the run is finished."""
        async with asyncio.TaskGroup() as checks:
            while not self._stage.is_finished:
                if self._stage.bot is not None:
                    checks.create_task(self._check())
                await asyncio.sleep(_CHECK_EVERY_S)

    async def _check(self) -> None:
        loop, bot = asyncio.get_running_loop(), self._stage.bot
        started_s, was_flooding = loop.time(), self._is_flooding
        is_settled = self._stage.uptime_s > _SETTLED_AFTER_S and started_s - self._quiet_since_s > _SETTLED_AFTER_S
        is_answered = await self._is_answered()
        if self._stage.bot is not bot or self._stage.is_finished:
            return
        if was_flooding or self._is_flooding:
            self.health.requested_in_floods += 1
            self.health.answered_in_floods += is_answered
        elif is_settled:
            self.health.requested += 1
            self.health.answered += is_answered
            self.health.slowest_s = max(self.health.slowest_s, loop.time() - started_s)

    async def _is_answered(self) -> bool:
        try:
            async with asyncio.timeout(_ANSWERED_WITHIN_S):
                reader, writer = await asyncio.open_connection(_HOST, self._stage.web_port)
                try:
                    writer.write(b"GET /healthz HTTP/1.1\r\nHost: papers\r\nConnection: close\r\n\r\n")
                    return (await reader.read()).startswith((b"HTTP/1.1 200", b"HTTP/1.1 503"))
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False
