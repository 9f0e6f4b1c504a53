"""Tests of the bot as a process: signals and kills during posting, a wrong token, and a second bot."""

import asyncio
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from sandbox.discord import Slow
from tests.support.modes import mode_of
from tests.support.running import DEADLINE_S, TOKEN, RunningSandbox, bot_process, running_bot, running_sandbox

CHANNELS = ("papers", "vision", "general", "reading club")
PAPERS = 50  # in each of four channels: 200 in total, as cards in 20 messages
SHUTDOWN_MAX_S = 5.0
MESSAGES = r"^/channels/\d+/messages$"
CREATE_MESSAGE = "/channels/{channel_id}/messages"


async def wait_for_exit(process: asyncio.subprocess.Process, within_s: float = DEADLINE_S) -> tuple[int | None, str]:
    """Waits for the process to end; returns its exit code and its output."""
    async with asyncio.timeout(within_s):
        stdout, stderr = await process.communicate()
    return process.returncode, (stdout + stderr).decode()


async def subscribe_and_add_papers(sandbox: RunningSandbox) -> list[str]:
    """Subscribes four channels and adds 50 papers to arXiv; returns their URLs."""
    async with running_bot(sandbox):
        for name in CHANNELS:
            await sandbox.subscribe("reward model", channel=name)
            await sandbox.reply_to("channel style", {"style": "cards"}, channel=name)
    return [sandbox.add_paper(f"Reward Models, Part {part}") for part in range(PAPERS)]


async def wait_for_more_messages(sandbox: RunningSandbox, messages: int) -> None:
    """Waits for this many more messages, while others are still being sent."""
    expected = message_count(sandbox) + messages
    await sandbox.wait_until(lambda: message_count(sandbox) >= expected)


def message_count(sandbox: RunningSandbox) -> int:
    """How many messages all channels have."""
    return sum(len(sandbox.posts(name)) for name in CHANNELS)


def post_counts(sandbox: RunningSandbox) -> Counter[tuple[str, str]]:
    """How often each paper was posted in each channel."""
    return Counter((name, url) for name in CHANNELS for url in sandbox.posted_urls(name))


async def assert_remaining_are_posted(sandbox: RunningSandbox, urls: list[str]) -> None:
    """Starts the bot again and checks that each channel gets each paper once."""
    async with running_bot(sandbox):
        async with asyncio.timeout(DEADLINE_S):
            for name in CHANNELS:
                await sandbox.wait_for_papers(name, PAPERS)
    assert post_counts(sandbox) == Counter({(name, url): 1 for name in CHANNELS for url in urls})


@pytest.mark.slow
async def test_signals_during_posting_lose_and_duplicate_nothing(
    tmp_path: Path,
) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        urls = await subscribe_and_add_papers(sandbox)
        sandbox.discord.faults.add("POST", MESSAGES, Slow(0.2), times=100)
        for number in (signal.SIGTERM, signal.SIGINT):
            async with bot_process(sandbox) as process:
                await wait_for_more_messages(sandbox, 2)
                process.send_signal(number)
                code, output = await wait_for_exit(process, SHUTDOWN_MAX_S)
            assert code == 0, output
            assert "Traceback" not in output
            assert TOKEN not in output
            # The bot finished the messages that it was sending, so every request led to a message.
            sent = [
                request
                for request in sandbox.discord.requests
                if request.method == "POST" and request.template == CREATE_MESSAGE
            ]
            assert len(sent) == message_count(sandbox)
            assert len(post_counts(sandbox)) < len(CHANNELS) * PAPERS
        sandbox.discord.faults.clear()
        await assert_remaining_are_posted(sandbox, urls)


@pytest.mark.slow
async def test_kills_during_posting_lose_and_duplicate_nothing(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        urls = await subscribe_and_add_papers(sandbox)
        sandbox.discord.faults.add("POST", MESSAGES, Slow(0.2), times=100)
        for _ in range(2):
            async with bot_process(sandbox) as process:
                await wait_for_more_messages(sandbox, 2)
                process.kill()
                await wait_for_exit(process)
            assert len(post_counts(sandbox)) < len(CHANNELS) * PAPERS
        # After the first kill, Discord still knows the nonces. After the second it does not, but every message that
        # was being sent has arrived.
        await wait_for_sent_messages(sandbox)
        sandbox.discord.forget_nonces()
        sandbox.discord.faults.clear()
        await assert_remaining_are_posted(sandbox, urls)


async def wait_for_sent_messages(sandbox: RunningSandbox) -> None:
    """Waits until Discord has created every message that was sent, even though the sender is gone."""
    bodies = [
        request.body
        for request in sandbox.discord.requests
        if request.method == "POST" and request.template == CREATE_MESSAGE
    ]
    nonces = {body["nonce"] for body in bodies if isinstance(body, dict)}
    await sandbox.wait_until(lambda: message_count(sandbox) == len(nonces))


@pytest.mark.slow
async def test_wrong_token_is_reported_without_printing_it(tmp_path: Path) -> None:
    token = "MTE5MTMxOTkwOTE3MTIwMDAwMQ.wrong.token"
    async with running_sandbox(tmp_path) as sandbox, bot_process(sandbox, DISCORD_TOKEN=token) as process:
        code, output = await wait_for_exit(process)
    assert code == 1
    assert output.splitlines()[-1] == "Discord rejected the token: check DISCORD_TOKEN (or `discord.token`)."
    assert "Traceback" not in output
    assert token not in output


@pytest.mark.slow
async def test_second_bot_on_the_same_database_is_rejected(
    tmp_path: Path,
) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        async with bot_process(sandbox) as process:
            code, output = await wait_for_exit(process)
        assert code == 1
        assert output == (
            f"Another Daily Papers already runs with the database {sandbox.database}: stop it first, or set another "
            "`database`.\n"
        )
        assert "not yet" in await sandbox.reply_to("status")


@pytest.mark.slow
@pytest.mark.parametrize("mask", ["0277", "0777"])
async def test_owner_can_use_the_database_whatever_the_umask_is(tmp_path: Path, mask: str) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        # The bot ends after it has created its database, because Discord rejects the token.
        environment = sandbox.environment(DISCORD_TOKEN="wrong", COVERAGE_PROCESS_CONFIG="")
        program = await asyncio.create_subprocess_exec(
            *("sh", "-c", f'umask {mask} && exec "$@"', "sh", sys.executable, "-m", "bot"),
            env=environment,
            stderr=asyncio.subprocess.PIPE,
        )
        await asyncio.wait_for(program.communicate(), DEADLINE_S)
        assert program.returncode == 1
        assert mode_of(sandbox.database) == 0o600
