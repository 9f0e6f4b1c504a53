"""Floods of connections to the web port of the real bot, which has few file descriptors."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from tests.support.flood import flooding
from tests.support.loopback import free_port
from tests.support.running import DEADLINE_S, RunningSandbox, running_sandbox

# File descriptors of the bot's process.
DESCRIPTORS: Final = 256
CONNECTIONS: Final = 3000
HALF_SENT: Final = b"GET /healthz HTTP/1.1\r\nHost: papers\r\n"
UNREAD: Final = b"GET /metrics HTTP/1.1\r\nHost: papers\r\n\r\n" * 20
TLS_HELLO: Final = bytes.fromhex("16030100a5010000a10303") + bytes(160)
# A command is acknowledged within 3 s by Discord's rule.
ACKNOWLEDGED_S: Final = 3.0
# Before connections were limited, it did not answer for a minute.
HEALTH_MAX_S: Final = 15.0


@dataclass
class LimitedBot:
    """The bot as a process with few file descriptors."""

    process: asyncio.subprocess.Process
    port: int
    log: Path

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    async def health(self) -> tuple[str, float]:
        """The answer of `/healthz`, and how long it took."""
        started_at_s = time.perf_counter()
        timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://127.0.0.1:{self.port}/healthz") as response,
        ):
            return await response.text(), time.perf_counter() - started_at_s

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()


@asynccontextmanager
async def limited_bot(sandbox: RunningSandbox, log: Path) -> AsyncIterator[LimitedBot]:
    port = free_port()
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", f'ulimit -n {DESCRIPTORS} && exec "$@"', "sh", sys.executable, "-m", "bot",
            env={**os.environ, **sandbox.environment(DAILY_PAPERS_WEB__PORT=str(port))},
            stdout=file, stderr=file,
        )  # fmt: skip
    try:
        await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
        yield LimitedBot(process, port, log)
        started_at_s = time.perf_counter()
        process.terminate()
        async with asyncio.timeout(DEADLINE_S):
            assert await process.wait() == 0
        assert time.perf_counter() - started_at_s < 5
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", HALF_SENT, UNREAD, TLS_HELLO], ids=["idle", "half-sent", "unread", "TLS"])
async def test_bot_works_during_a_flood_of_connections(tmp_path: Path, sent: bytes) -> None:
    async with running_sandbox(tmp_path) as sandbox, limited_bot(sandbox, tmp_path / "log") as bot:
        await sandbox.subscribe("reward model")
        while '"status": "ok"' not in (await bot.health())[0]:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.05)
        async with flooding(bot.port, sent, 500) as flood:
            slowest_s, most_descriptors = 0.0, 0
            started_at_s = time.perf_counter()
            while flood.opened < CONNECTIONS:
                await flood.open(250)
                answer, took_s = await bot.health()
                assert '"status": "ok"' in answer, answer
                slowest_s, most_descriptors = max(slowest_s, took_s), max(most_descriptors, bot.descriptors())
            url = sandbox.add_paper("Reward Models Revisited")
            await sandbox.wait_for_papers("papers", 1)
            assert sandbox.posted_urls("papers") == [url]
            status_at_s = time.perf_counter()
            await sandbox.reply_to("status", {})
            status_s = time.perf_counter() - status_at_s
            figures = (
                f"{flood.opened} connections in {status_at_s - started_at_s:.1f} s: "
                f"slowest /healthz {slowest_s:.2f} s, /status {status_s:.2f} s, "
                f"{most_descriptors} descriptors, {len(bot.lines())} log lines"
            )
            print(figures)  # noqa: T201 - the measurement: pytest -s shows it
        assert status_s < ACKNOWLEDGED_S
        assert slowest_s < HEALTH_MAX_S
        assert most_descriptors < DESCRIPTORS / 2
    assert len(bot.lines()) < 100
    assert not [line for line in bot.lines() if "Traceback" in line or "ERROR" in line]
