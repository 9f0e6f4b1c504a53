"""Ending the sandbox's day: the real bot, started by the sandbox, posts the trending list of that day."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

DEADLINE_S = 60


class SandboxPage:
    """The API of the sandbox's page, used as the admin."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self.admin = ""

    async def get(self, path: str, **query: str) -> dict[str, object]:
        query = {"as": self.admin} | query
        async with self._session.get(f"{self._url}/control/{path}", params=query) as response:
            return json.loads(await response.read())  # type: ignore[no-any-return]

    async def post(self, path: str, **fields: object) -> dict[str, object]:
        async with self._session.post(f"{self._url}/control/{path}", json={"as": self.admin} | fields) as response:
            return json.loads(await response.read())  # type: ignore[no-any-return]

    async def wait_until(self, path: str, condition: Callable[[str], bool], **query: str) -> str:
        """Repeats a request until its answer satisfies the condition."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition(text := json.dumps(await self.get(path, **query))):  # noqa: ASYNC110 - in another process
                await asyncio.sleep(0.1)
        return text


@asynccontextmanager
async def sandbox_program() -> AsyncIterator[SandboxPage]:
    """The sandbox as a program, with its bot."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "--port", "0"),
        env=os.environ | {"DAILY_PAPERS_LOG__LEVEL": "WARNING"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().split()[3].rstrip("/")
        async with aiohttp.ClientSession() as session:
            page = SandboxPage(session, url)
            async with session.get(f"{url}/control/accounts") as response:
                page.admin = (await response.json())["accounts"][0]["id"]
            yield page
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()


@pytest.mark.slow
async def test_list_of_a_day_is_posted_when_the_day_is_ended() -> None:
    async with sandbox_program() as page:
        state = await page.wait_until("state", lambda text: '"ready": true' in text)
        channels = json.loads(state)["guilds"][0]["channels"]
        papers = next(channel["id"] for channel in channels if channel["name"] == "papers")
        await page.wait_until("commands", lambda text: '"channel"' in text, channel=papers)
        assert await page.post("command", channel=papers, name="channel trending daily", options={}) == {
            "acknowledged": True
        }
        # Acknowledged is not stored: the end of the day stops the bot.
        await page.wait_until(
            "messages", lambda text: "Each day's trending list will be posted" in text, channel=papers
        )
        assert await page.post("end-day") == {}
        messages = await page.wait_until("messages", lambda text: "**Trending on" in text, channel=papers)
        assert "arxiv.org/abs/" in messages
