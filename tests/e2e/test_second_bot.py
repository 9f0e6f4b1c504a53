"""Two bots with one token: posting pauses, which `/status`, `/healthz` and the log report."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from bot.discord_api.custom_ids import AbstractButtonId
from bot.domain.paper import ArxivId
from sandbox.arxiv import Corpus, LocalArxiv, SandboxPaper
from sandbox.discord import Message, StatusAfter
from sandbox.discord.primitives import Payload, snowflake_at
from tests.support.loopback import free_port
from tests.support.posting import add_papers, config_with, wait_for_first_poll
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

FOUND = "second bot found"
RUNNING = "a second bot with the same token is running"


@asynccontextmanager
async def two_bots(sandbox: RunningSandbox) -> AsyncIterator[tuple[int, int]]:
    """Runs two bots with a database each; yields their web ports."""
    config, ports = config_with(sandbox, "papers"), (free_port(), free_port())
    other = replace(sandbox, database=sandbox.database.with_name("other.sqlite3"))
    async with (
        running_bot(sandbox, config=config, DAILY_PAPERS_WEB__PORT=str(ports[0])),
        running_bot(other, config=config, DAILY_PAPERS_WEB__PORT=str(ports[1])),
    ):
        yield ports


def arxiv_for_two() -> LocalArxiv:
    """Returns an arXiv that accepts requests from two bots at a time."""
    arxiv = LocalArxiv(Corpus(), interval_s=0.0)
    arxiv.add_paper(SandboxPaper(title="Sheaves on a Torus", abstract="We compute."))
    return arxiv


async def health(port: int) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as response:
        return await response.text()


def send_as_second_bot(sandbox: RunningSandbox, url: str) -> None:
    """Sends a message with a paper and an unknown key, a minute after the start of the bot under test."""
    custom_id = AbstractButtonId(ArxivId(url.rsplit("/", 1)[1]), "key-of-another").encode()
    button: Payload = {"type": 2, "style": 2, "label": "Abstract", "custom_id": custom_id}
    message_id = snowflake_at(time.time() + 60)
    row: Payload = {"type": 1, "components": [button]}
    sandbox.world.messages.add(
        Message(message_id, sandbox.channel("papers"), sandbox.world.bot_id, "**1 new paper**", components=[row])
    )


@pytest.mark.slow
async def test_interaction_answered_by_a_second_bot_pauses_posting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "bot.publish.second_bot")
    async with running_sandbox(tmp_path, arxiv=arxiv_for_two()) as sandbox, two_bots(sandbox) as ports:
        async with asyncio.timeout(DEADLINE_S):
            while FOUND not in caplog.text:  # either bot may be the first to answer
                await sandbox.reply_to("status")
        assert RUNNING in await health(ports[0]) + await health(ports[1])


@pytest.mark.slow
async def test_message_of_a_second_bot_pauses_posting(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        port = free_port()
        config = config_with(sandbox, "papers", "vision")
        async with running_bot(sandbox, config=config, DAILY_PAPERS_WEB__PORT=str(port)):
            await wait_for_first_poll(sandbox)
            urls = add_papers(sandbox, 1)
            send_as_second_bot(sandbox, urls[0])
            assert RUNNING in await sandbox.wait_for_status(RUNNING)
            assert RUNNING in await health(port)
            assert FOUND in caplog.text
            posted = len(sandbox.posted_urls("vision"))
            add_papers(sandbox, 1)
            await sandbox.wait_for_next_poll()
            await sandbox.wait_for_next_poll()
            assert len(sandbox.posted_urls("vision")) == posted
            assert len(sandbox.posts("papers")) == 1, "the second bot's message alone"


@pytest.mark.slow
async def test_repeated_answer_to_an_interaction_is_no_second_bot(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """discord.py repeats a callback whose answer was lost, and gets 40060: the first one arrived."""
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        sandbox.discord.faults.add("POST", r"/callback$", StatusAfter(502))
        admin, channel = sandbox.world.default.admin_id, sandbox.channel("papers")
        await sandbox.discord.run_command("status", user_id=admin, channel_id=channel)
        await sandbox.wait_until(lambda: [each.status for each in sandbox.discord.requests].count(400) == 1)
        add_papers(sandbox, 1)
        await sandbox.wait_for_papers("papers", 1)
        assert FOUND not in caplog.text
