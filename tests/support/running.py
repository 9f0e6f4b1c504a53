"""Runs the real bot against local servers: inside the test, or as a process that the test can kill.

Every use of the sandbox ends with a check that the bot kept the request limits and Discord's specification.
"""

import asyncio
import inspect
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import discord as discord_py
import sqlalchemy as sa
from aiohttp import web

from bot.__main__ import keyword_fault
from bot.composition.app import run
from bot.config import load_settings
from bot.runtime.clock import Clock
from bot.store.schema import polls
from cogs.subscribe import READING
from sandbox.arxiv import Corpus, LocalArxiv, SandboxPaper
from sandbox.discord import DefaultWorld, IdentifyLimits, Invocation, LocalDiscord, Message, RateLimits
from sandbox.huggingface import LocalHuggingFace
from tests.support.databases import create_empty_where_missing, setting
from tests.support.embeds import papers_in
from tests.support.openapi import discord_specification
from tests.support.quiescence import wait_until_true

TOKEN = "sandbox-token"
# How long a test waits for something that must happen: twice the longest wait seen on a busy machine.
DEADLINE_S = 40.0
# How long the local Discord waits for a first response: a busy machine may stop a test for more than Discord's 3 s.
RESPONSE_DEADLINE_S = 10.0
# Short intervals make the tests quick; the rules between requests are those of production, on a smaller scale.
REQUEST_INTERVAL_S = 0.02
POLL_INTERVAL_S = 1.0
_LINE_MAX = 1 << 20
_STATUS_INTERVAL_S = 0.05
# discord.py sends these ids as numbers instead of strings; Discord accepts both.
_DISCORD_PY_FAULTS = re.compile(
    r"POST /users/@me/channels: \$\.recipient_id: "
    r"|.*: \$\.allowed_mentions\.roles\[\d+\]: \d+ is|.*: \$\.attachments\[\d+\]\.id: \d+ is"
    r"|.*\.default_values\[\d+\]\.id: \d+ is"
)
_DISCORD_PY = Path(discord_py.__file__).parent


@dataclass
class RunningSandbox:
    """A local Discord, arXiv and Hugging Face on one port, and the settings that point a bot to them."""

    discord: LocalDiscord
    world: DefaultWorld
    arxiv: LocalArxiv
    huggingface: LocalHuggingFace
    url: str
    database: Path

    def environment(self, **more: str) -> dict[str, str]:
        """The bot's settings as environment variables; Hugging Face is off unless a test enables it."""
        return {
            "DISCORD_TOKEN": TOKEN,
            "DAILY_PAPERS_DISCORD__API_URL": f"{self.url}/api/v10",
            "DAILY_PAPERS_DISCORD__GATEWAY_URL": f"{self.url.replace('http', 'ws')}/gateway",
            "DAILY_PAPERS_ARXIV__API_URL": f"{self.url}/arxiv/api/query",
            "DAILY_PAPERS_ARXIV__REQUEST_INTERVAL_S": str(REQUEST_INTERVAL_S),
            "DAILY_PAPERS_ARXIV__POLL_INTERVAL_S": str(POLL_INTERVAL_S),
            "DAILY_PAPERS_HUGGINGFACE__API_URL": f"{self.url}/huggingface/api",
            "DAILY_PAPERS_HUGGINGFACE__ENABLED": "false",
            "DAILY_PAPERS_DATABASE": setting(self.database),
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
        """Runs a command as the admin, or as another user, and waits for its reply; `/subscribe` shows papers in it."""
        invocation = await self.discord.run_command(
            name,
            options,
            user_id=self.world.default.admin_id if user_id is None else user_id,
            channel_id=None if channel is None else self.channel(channel),
        )
        await invocation.wait_for_edit(lambda message: READING not in message.content, DEADLINE_S)
        return invocation

    async def reply_to(
        self,
        name: str,
        options: Mapping[str, object] | None = None,
        *,
        channel: str | None = "papers",
        user_id: int | None = None,
    ) -> str:
        """Runs a command and returns the text of its reply, follow-up messages included."""
        invocation = await self.command(name, options, channel=channel, user_id=user_id)
        assert invocation.reply is not None
        return "\n".join([invocation.reply.content, *(message.content for message in invocation.followups)])

    async def suggestions(
        self, name: str, options: Mapping[str, object], focused: str, *, channel: str = "papers"
    ) -> dict[str, str | int | float]:
        """The autocomplete choices that the admin sees for an option: values by name."""
        choices = await self.discord.autocomplete(
            name, options, focused, user_id=self.world.default.admin_id, channel_id=self.channel(channel)
        )
        return {choice.name: choice.value for choice in choices}

    async def subscribe(self, keyword: str, *, channel: str = "papers", **options: object) -> Invocation:
        """Subscribes as the admin and waits until the keyword is synced."""
        invocation = await self.command("subscribe", {"keyword": keyword, **options}, channel=channel)
        await invocation.wait_for_edit(lambda message: "next check" in message.content, DEADLINE_S)
        return invocation

    def upload(self, content: str | bytes, name: str = "settings.json", *, user_id: int | None = None) -> int:
        """Uploads a file as the admin, or as another user; returns the value of an attachment option."""
        data = content.encode() if isinstance(content, str) else content
        uploader = self.world.default.admin_id if user_id is None else user_id
        return self.discord.upload(name, data, user_id=uploader, origin=self.url)

    def add_paper(self, title: str, abstract: str = "We compute.", *, categories: tuple[str, ...] = ("cs.LG",)) -> str:
        """Adds a paper to arXiv and returns the URL of its abstract page."""
        paper = self.arxiv.add_paper(SandboxPaper(title=title, abstract=abstract, categories=categories))
        return abs_url(paper)

    def posts(self, name: str) -> list[Message]:
        """The bot's posts in a channel, oldest first, without replies to commands."""
        return [
            message
            for message in self.world.messages.in_channel(self.channel(name))
            if message.author_id == self.world.application_id and message.interaction is None
        ]

    def posted_urls(self, name: str) -> list[str]:
        """The URLs of the papers posted in a channel, in the order shown."""
        return [url for message in self.posts(name) for url in papers_in(message)]

    async def wait_for_papers(self, name: str, count: int) -> list[Message]:
        """Waits until `count` papers are posted in a channel and returns its posts."""
        await self.wait_until(lambda: len(self.posted_urls(name)) >= count)
        return self.posts(name)

    async def wait_for_status(self, text: str) -> str:
        """Repeats `/status` until its reply contains `text`: no Discord event reports a finished poll."""
        reply = ""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while text not in reply:
                    reply = await self.reply_to("status")
                    await asyncio.sleep(_STATUS_INTERVAL_S)
        except TimeoutError:
            raise AssertionError(f"/status never contained {text!r}; its last reply: {reply}") from None
        return reply

    async def wait_for_next_poll(self) -> None:
        """Waits until a poll that started after this moment is finished."""
        started_at = datetime.now(UTC)
        finished = sa.select(polls.c.id).where(polls.c.at > started_at, polls.c.outcome == "read")
        await wait_until_true(self.database, finished.exists(), DEADLINE_S)

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float = DEADLINE_S) -> None:
        """Waits until a condition holds that changes on Discord's side can make true."""
        await self.discord.changes.wait_until(condition, timeout_s)


def _check_requests(discord: LocalDiscord, arxiv: LocalArxiv, huggingface: LocalHuggingFace) -> None:
    assert not discord.unknown_routes, f"unknown routes: {discord.unknown_routes}"
    assert not arxiv.violations, f"requests too soon: {arxiv.violations}"
    concurrent = [request for request in huggingface.requests if request.in_flight]
    assert not concurrent, f"concurrent requests: {concurrent}"
    found = discord_specification().faults(discord.requests)
    faults = [fault for fault in found if not _DISCORD_PY_FAULTS.match(fault)]
    assert not faults, "\n".join(faults)


def abs_url(paper: SandboxPaper) -> str:
    """The URL of a paper's abstract page."""
    return f"https://arxiv.org/abs/{paper.arxiv_id}"


def arxiv_with_one_paper(corpus: Corpus | None = None) -> LocalArxiv:
    """An arXiv that shows one paper about sheaves and holds the papers of `corpus`."""
    arxiv = LocalArxiv(corpus or Corpus(), interval_s=REQUEST_INTERVAL_S)
    arxiv.add_paper(SandboxPaper(title="Sheaves on a Torus", abstract="We compute."))
    return arxiv


@asynccontextmanager
async def running_sandbox(
    tmp_path: Path,
    *,
    arxiv: LocalArxiv | None = None,
    rate_limits: RateLimits | None = None,
    identify_limits: IdentifyLimits | None = None,
    first_response_s: float = RESPONSE_DEADLINE_S,
) -> AsyncIterator[RunningSandbox]:
    """Serves a local Discord, arXiv and Hugging Face on a free loopback port, and checks the bot's requests at the end.

    Unless a test passes its own arXiv, it shows one paper about a topic that no test subscribes to: the bot treats an
    arXiv without any papers as faulty.
    """
    world = DefaultWorld()
    discord = LocalDiscord(
        world=world,
        rate_limits=rate_limits or RateLimits(enabled=False),
        identify_limits=identify_limits or IdentifyLimits.off(),
        first_response_s=first_response_s,
    )
    arxiv = arxiv or arxiv_with_one_paper()
    app = web.Application()
    discord.attach(app)
    arxiv.attach(app)
    huggingface = LocalHuggingFace(arxiv)
    huggingface.attach(app)
    # arXiv's own answer to a long GET is 414, not aiohttp's 400.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, max_line_size=_LINE_MAX)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    database = tmp_path / "daily-papers.sqlite3"
    await asyncio.to_thread(create_empty_where_missing, database)
    try:
        yield RunningSandbox(discord, world, arxiv, huggingface, url, database)
    finally:
        await runner.cleanup()
    _check_requests(discord, arxiv, huggingface)


@asynccontextmanager
async def running_bot(
    sandbox: RunningSandbox, *, config: Path | None = None, clock: Clock | None = None, **environment: str
) -> AsyncIterator[asyncio.Task[None]]:
    """Runs the bot inside the test until the block ends, then stops it as a signal would."""
    settings = load_settings(config, sandbox.environment(**environment), keyword_fault)
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, stop, clock=clock))
    ready = asyncio.create_task(sandbox.discord.wait_until_bot_ready(DEADLINE_S))
    try:
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        await ready
        yield task
    finally:
        ready.cancel()
        stop.set()
        try:
            await task
        finally:
            await _cancel_leftover_discord_tasks()


async def _cancel_leftover_discord_tasks() -> None:
    """Cancels the timers and unanswered commands of discord.py that the end of a process would end."""
    tasks = leftover_discord_tasks()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def leftover_discord_tasks() -> list[asyncio.Task[object]]:
    """The tasks that discord.py started and that still run."""
    return [task for task in asyncio.all_tasks() if _is_from_discord_py(task.get_coro())]


def _is_from_discord_py(coroutine: object) -> bool:
    return inspect.iscoroutine(coroutine) and Path(coroutine.cr_code.co_filename).is_relative_to(_DISCORD_PY)


@asynccontextmanager
async def bot_process(
    sandbox: RunningSandbox, *arguments: str, **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Runs `python -m bot` as a process and kills it if it still runs when the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        env={**os.environ, **sandbox.environment(**environment)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()
