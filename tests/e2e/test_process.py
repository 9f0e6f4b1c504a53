"""The bot as a process: how it ends, and what is there after it was ended in the middle of its work."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

import pytest

from sandbox.discord import Slow
from tests.support.running import DEADLINE_S, TOKEN, RunningSandbox, bot_process, running_bot, running_sandbox

CHANNELS = ("papers", "vision", "general", "reading club")
PAPERS = 50  # in four channels: 200 to post, as cards in 20 messages
ENDS_WITHIN_S = 5.0
MESSAGES = r"^/channels/\d+/messages$"
CREATE_MESSAGE = "/channels/{channel_id}/messages"


async def ended(process: asyncio.subprocess.Process, within_s: float = DEADLINE_S) -> tuple[int | None, str]:
    """Wait for the end; the exit code, and everything that was printed."""
    async with asyncio.timeout(within_s):
        stdout, stderr = await process.communicate()
    return process.returncode, (stdout + stderr).decode()


async def subscribed_and_published(sandbox: RunningSandbox) -> list[str]:
    """Four channels watch a keyword; the addresses of the 50 papers that arXiv shows next."""
    async with running_bot(sandbox):
        for name in CHANNELS:
            await sandbox.subscribe("reward model", channel=name)
            await sandbox.reply_to("channel style", {"style": "cards"}, channel=name)
    return [sandbox.add_paper(f"Reward Models, Part {part}") for part in range(PAPERS)]


async def until_more_is_posted(sandbox: RunningSandbox, messages: int) -> None:
    """Wait until so many more messages are there; others are on their way then."""
    wanted = messages_in(sandbox) + messages
    await sandbox.wait_until(lambda: messages_in(sandbox) >= wanted)


def messages_in(sandbox: RunningSandbox) -> int:
    """How many messages there are in all channels together."""
    return sum(len(sandbox.posts(name)) for name in CHANNELS)


def how_often(sandbox: RunningSandbox) -> Counter[tuple[str, str]]:
    """How often each paper stands in each channel."""
    return Counter((name, url) for name in CHANNELS for url in sandbox.posted_urls(name))


async def rest_is_posted(sandbox: RunningSandbox, urls: list[str]) -> None:
    """Start the bot again, and wait until everything is there: each paper once in each channel."""
    async with running_bot(sandbox):
        async with asyncio.timeout(DEADLINE_S):
            for name in CHANNELS:
                await sandbox.wait_for_papers(name, PAPERS)
    assert how_often(sandbox) == Counter({(name, url): 1 for name in CHANNELS for url in urls})


@pytest.mark.slow
async def test_signals_during_posting_lose_and_duplicate_nothing(
    tmp_path: Path,
) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        urls = await subscribed_and_published(sandbox)
        sandbox.discord.faults.add("POST", MESSAGES, Slow(0.2), times=100)
        for number in (signal.SIGTERM, signal.SIGINT):
            async with bot_process(sandbox) as process:
                await until_more_is_posted(sandbox, 2)
                process.send_signal(number)
                code, output = await ended(process, ENDS_WITHIN_S)
            assert code == 0, output
            assert "Traceback" not in output
            assert TOKEN not in output
            # The messages in hand were finished: what was sent is there, and nothing has to be looked for.
            sent = [request for request in sandbox.discord.requests if request.template == CREATE_MESSAGE]
            assert len(sent) == messages_in(sandbox)
            assert len(how_often(sandbox)) < len(CHANNELS) * PAPERS
        sandbox.discord.faults.clear()
        await rest_is_posted(sandbox, urls)


@pytest.mark.slow
async def test_kills_during_posting_lose_and_duplicate_nothing(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        urls = await subscribed_and_published(sandbox)
        sandbox.discord.faults.add("POST", MESSAGES, Slow(0.2), times=100)
        for _ in range(2):
            async with bot_process(sandbox) as process:
                await until_more_is_posted(sandbox, 2)
                process.kill()
                await ended(process)
            assert len(how_often(sandbox)) < len(CHANNELS) * PAPERS
        # After the first kill Discord still knows the nonces; after the second it does not, and what was on its way
        # when the process died has arrived by then.
        await until_all_have_arrived(sandbox)
        sandbox.discord.forget_nonces()
        sandbox.discord.faults.clear()
        await rest_is_posted(sandbox, urls)


async def until_all_have_arrived(sandbox: RunningSandbox) -> None:
    """Wait until Discord has taken every message that was sent to it, although nobody hears of it."""
    bodies = [request.body for request in sandbox.discord.requests if request.template == CREATE_MESSAGE]
    nonces = {body["nonce"] for body in bodies if isinstance(body, dict)}
    await sandbox.wait_until(lambda: messages_in(sandbox) == len(nonces))


async def test_wrong_token_is_reported_without_printing_it(tmp_path: Path) -> None:
    token = "MTE5MTMxOTkwOTE3MTIwMDAwMQ.wrong.token"
    async with running_sandbox(tmp_path) as sandbox, bot_process(sandbox, DISCORD_TOKEN=token) as process:
        code, output = await ended(process)
    assert code == 1
    assert output.splitlines()[-1] == "Discord refused the token: check DISCORD_TOKEN (or `discord.token`)."
    assert "Traceback" not in output
    assert token not in output


async def test_second_bot_on_the_same_database_is_rejected(
    tmp_path: Path,
) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        async with bot_process(sandbox) as process:
            code, output = await ended(process)
        assert code == 1
        assert output == (
            f"Another Daily Papers already runs with the database {sandbox.database}: stop it first, or set another "
            "`database`.\n"
        )
        assert "not yet" in await sandbox.reply_to("status")
