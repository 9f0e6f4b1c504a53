"""The real bot against the sandbox: inside the test for most, as a process of its own where it is to be killed."""

import asyncio
import inspect
import os
import re
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import discord as discord_py
from aiohttp import web

from bot.__main__ import keyword_fault
from bot.composition.app import run
from bot.config import load_settings
from bot.store.codecs import to_text
from sandbox.arxiv import Corpus, LocalArxiv, SandboxPaper
from sandbox.discord import DefaultWorld, Invocation, LocalDiscord, Message, RateLimits
from sandbox.huggingface import LocalHuggingFace
from tests.support.embeds import papers_in
from tests.support.openapi import discord_specification
from tests.support.quiescence import until

TOKEN = "sandbox-token"
# For what has to happen: how long it takes says more of the machine, so that a test waits for twice the worst seen.
DEADLINE_S = 40.0
# Short intervals make the tests quick; the manners between requests are those of production, on another scale.
REQUEST_INTERVAL_S = 0.02
POLL_INTERVAL_S = 1.0
_ASKED_EVERY_S = 0.05
# discord.py writes these ids as numbers; Discord takes both.
_DISCORD_PYS_OWN = re.compile(
    r"POST /users/@me/channels: \$\.recipient_id: "
    r"|.*: \$\.allowed_mentions\.roles\[\d+\]: \d+ is|.*: \$\.attachments\[\d+\]\.id: \d+ is"
)
_DISCORD_PY = Path(discord_py.__file__).parent


@dataclass
class Box:
    """A local Discord, arXiv and Hugging Face on one port, and what a bot needs to find them."""

    discord: LocalDiscord
    world: DefaultWorld
    arxiv: LocalArxiv
    huggingface: LocalHuggingFace
    url: str
    database: Path

    def environment(self, **more: str) -> dict[str, str]:
        """A bot's settings as environment variables; Hugging Face is asked where a test turns it on."""
        return {
            "DISCORD_TOKEN": TOKEN,
            "DAILY_PAPERS_DISCORD__API_URL": f"{self.url}/api/v10",
            "DAILY_PAPERS_DISCORD__GATEWAY_URL": f"{self.url.replace('http', 'ws')}/gateway",
            "DAILY_PAPERS_ARXIV__API_URL": f"{self.url}/arxiv/api/query",
            "DAILY_PAPERS_ARXIV__REQUEST_INTERVAL_S": str(REQUEST_INTERVAL_S),
            "DAILY_PAPERS_ARXIV__POLL_INTERVAL_S": str(POLL_INTERVAL_S),
            "DAILY_PAPERS_HUGGINGFACE__API_URL": f"{self.url}/huggingface/api",
            "DAILY_PAPERS_HUGGINGFACE__ENABLED": "false",
            "DAILY_PAPERS_DATABASE": str(self.database),
            **more,
        }

    def channel(self, name: str) -> int:
        """The id of a channel of the default server."""
        return self.world.default.channel(name)

    async def command(
        self,
        name: str,
        options: Mapping[str, object] | None = None,
        *,
        channel: str | None = "papers",
        user_id: int | None = None,
    ) -> Invocation:
        """A person (the admin, unless said otherwise) types a command and waits for the first visible answer."""
        invocation = await self.discord.run_command(
            name,
            options,
            user_id=self.world.default.admin_id if user_id is None else user_id,
            channel_id=None if channel is None else self.channel(channel),
        )
        await invocation.answered(DEADLINE_S)
        return invocation

    async def said(
        self,
        name: str,
        options: Mapping[str, object] | None = None,
        *,
        channel: str | None = "papers",
        user_id: int | None = None,
    ) -> str:
        """The text that a command is answered with in the end."""
        invocation = await self.command(name, options, channel=channel, user_id=user_id)
        assert invocation.reply is not None
        return "\n".join([invocation.reply.content, *(message.content for message in invocation.followups)])

    async def suggested(
        self, name: str, options: Mapping[str, object], focused: str, *, channel: str = "papers"
    ) -> dict[str, str | int | float]:
        """What the admin is suggested for an option: the values by what is shown of them."""
        choices = await self.discord.autocomplete(
            name, options, focused, user_id=self.world.default.admin_id, channel_id=self.channel(channel)
        )
        return {choice.name: choice.value for choice in choices}

    async def subscribe(self, keyword: str, *, channel: str = "papers", **options: object) -> Invocation:
        """Subscribe as the admin, and wait until the keyword's past was read."""
        invocation = await self.command("subscribe", {"keyword": keyword, **options}, channel=channel)
        await invocation.edited(lambda message: "next look" in message.content, DEADLINE_S)
        return invocation

    def publish(self, title: str, abstract: str = "We compute.", *, categories: tuple[str, ...] = ("cs.LG",)) -> str:
        """arXiv shows one more paper; returns the address of its abstract page."""
        paper = self.arxiv.add_paper(SandboxPaper(title=title, abstract=abstract, categories=categories))
        return abs_url(paper)

    def posts(self, name: str) -> list[Message]:
        """What the bot posted of itself in a channel, oldest first; replies to commands are no posts."""
        return [
            message
            for message in self.world.messages.in_channel(self.channel(name))
            if message.author_id == self.world.application_id and message.interaction is None
        ]

    def posted_urls(self, name: str) -> list[str]:
        """The links of the papers that were posted in a channel, in the order in which they stand there."""
        return [url for message in self.posts(name) for url in papers_in(message)]

    async def posted(self, name: str, count: int) -> list[Message]:
        """Wait until so many papers were posted in a channel; returns its posts."""
        await self.until(lambda: len(self.posted_urls(name)) >= count)
        return self.posts(name)

    async def until_status_says(self, words: str) -> str:
        """Ask for the status until it holds the words: no event on Discord tells of a look at arXiv."""
        said = ""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while words not in said:
                    said = await self.said("status")
                    await asyncio.sleep(_ASKED_EVERY_S)
        except TimeoutError:
            raise AssertionError(f"/status never said {words!r}, but at last: {said}") from None
        return said

    async def until_looked_again(self) -> None:
        """Wait until a whole look at arXiv is over that began after this moment."""
        began = to_text(datetime.now(UTC))

        def was_read_since() -> bool:
            with closing(sqlite3.connect(f"{self.database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                question = "SELECT at FROM polls WHERE at > ? AND outcome = 'read'"
                return connection.execute(question, (began,)).fetchone() is not None

        await until(was_read_since, DEADLINE_S)

    async def until(self, condition: Callable[[], bool], timeout_s: float = DEADLINE_S) -> None:
        """Wait for something to become true on the Discord side."""
        await self.discord.changes.until(condition, timeout_s)


def _check_manners(discord: LocalDiscord, arxiv: LocalArxiv, huggingface: LocalHuggingFace) -> None:
    assert not discord.unknown_routes, f"unknown routes: {discord.unknown_routes}"
    assert not arxiv.too_soon, f"requests too soon: {arxiv.too_soon}"
    crowded = [request for request in huggingface.requests if request.under_way]
    assert not crowded, f"requests at once: {crowded}"
    found = discord_specification().faults(discord.requests)
    faults = [fault for fault in found if not _DISCORD_PYS_OWN.match(fault)]
    assert not faults, "\n".join(faults)


def abs_url(paper: SandboxPaper) -> str:
    """The address of a paper's abstract page."""
    return f"https://arxiv.org/abs/{paper.arxiv_id}"


def an_arxiv(corpus: Corpus | None = None) -> LocalArxiv:
    """An arXiv with one paper about sheaves, and what waits in `corpus`."""
    arxiv = LocalArxiv(corpus or Corpus(), interval_s=REQUEST_INTERVAL_S)
    arxiv.add_paper(SandboxPaper(title="Sheaves on a Torus", abstract="We compute."))
    return arxiv


@asynccontextmanager
async def a_box(
    tmp_path: Path, *, arxiv: LocalArxiv | None = None, rate_limits: RateLimits | None = None
) -> AsyncIterator[Box]:
    """Serve a local Discord, arXiv and Hugging Face on one free port of loopback, and hold the bot to their rules.

    Unless another arXiv is handed in, it shows one paper, about something that no test subscribes to: an arXiv that
    shows no papers at all is not believed.
    """
    world = DefaultWorld()
    discord = LocalDiscord(world=world, rate_limits=rate_limits or RateLimits(enabled=False))
    arxiv = arxiv or an_arxiv()
    app = web.Application()
    discord.attach(app)
    arxiv.attach(app)
    huggingface = LocalHuggingFace(arxiv)
    huggingface.attach(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield Box(discord, world, arxiv, huggingface, url, tmp_path / "daily-papers.sqlite3")
    finally:
        await runner.cleanup()
    _check_manners(discord, arxiv, huggingface)


@asynccontextmanager
async def a_bot(box: Box, *, config: Path | None = None, **environment: str) -> AsyncIterator[asyncio.Task[None]]:
    """Run the bot inside the test until the block ends, and ask it to end as a signal would."""
    settings = load_settings(config, box.environment(**environment), keyword_fault)
    end = asyncio.Event()
    task = asyncio.create_task(run(settings, end))
    ready = asyncio.create_task(box.discord.wait_until_bot_ready(DEADLINE_S))
    try:
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        await ready
        yield task
    finally:
        ready.cancel()
        end.set()
        try:
            await task
        finally:
            await _end_what_discord_py_left_behind()


async def _end_what_discord_py_left_behind() -> None:
    """As the end of a process would: its timers and unanswered commands belong to nobody once the bot is closed."""
    left = left_by_discord_py()
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def left_by_discord_py() -> list[asyncio.Task[object]]:
    """The tasks that discord.py began and has not ended."""
    return [task for task in asyncio.all_tasks() if _is_of_discord_py(task.get_coro())]


def _is_of_discord_py(work: object) -> bool:
    return inspect.iscoroutine(work) and Path(work.cr_code.co_filename).is_relative_to(_DISCORD_PY)


@asynccontextmanager
async def a_bot_process(box: Box, *arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `python -m bot` as a process of its own; what still runs when the block ends is killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        env={**os.environ, **box.environment(**environment)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()
