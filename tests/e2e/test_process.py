"""The bot as a process: how it ends, and what is there after it was ended in the middle of its work."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

import pytest

from sandbox.discord import Slow
from tests.support.running import DEADLINE_S, TOKEN, Box, a_bot, a_bot_process, a_box

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


async def subscribed_and_published(box: Box) -> list[str]:
    """Four channels watch a keyword; the addresses of the 50 papers that arXiv shows next."""
    async with a_bot(box):
        for name in CHANNELS:
            await box.subscribe("reward model", channel=name)
            await box.said("channel style", {"style": "cards"}, channel=name)
    return [box.publish(f"Reward Models, Part {part}") for part in range(PAPERS)]


async def until_more_is_posted(box: Box, messages: int) -> None:
    """Wait until so many more messages are there; others are on their way then."""
    wanted = messages_in(box) + messages
    await box.until(lambda: messages_in(box) >= wanted)


def messages_in(box: Box) -> int:
    """How many messages there are in all channels together."""
    return sum(len(box.posts(name)) for name in CHANNELS)


def how_often(box: Box) -> Counter[tuple[str, str]]:
    """How often each paper stands in each channel."""
    return Counter((name, url) for name in CHANNELS for url in box.posted_urls(name))


async def rest_is_posted(box: Box, urls: list[str]) -> None:
    """Start the bot again, and wait until everything is there: each paper once in each channel."""
    async with a_bot(box):
        async with asyncio.timeout(DEADLINE_S):
            for name in CHANNELS:
                await box.posted(name, PAPERS)
    assert how_often(box) == Counter({(name, url): 1 for name in CHANNELS for url in urls})


@pytest.mark.slow
async def test_sigterm_and_sigint_in_the_middle_of_posting_end_the_bot_in_order_and_nothing_is_lost_or_doubled(
    tmp_path: Path,
) -> None:
    async with a_box(tmp_path) as box:
        urls = await subscribed_and_published(box)
        box.discord.faults.add("POST", MESSAGES, Slow(0.2), times=100)
        for number in (signal.SIGTERM, signal.SIGINT):
            async with a_bot_process(box) as process:
                await until_more_is_posted(box, 2)
                process.send_signal(number)
                code, output = await ended(process, ENDS_WITHIN_S)
            assert code == 0, output
            assert "Traceback" not in output
            assert TOKEN not in output
            # The messages in hand were finished: what was sent is there, and nothing has to be looked for.
            sent = [request for request in box.discord.requests if request.template == CREATE_MESSAGE]
            assert len(sent) == messages_in(box)
            assert len(how_often(box)) < len(CHANNELS) * PAPERS
        box.discord.faults.clear()
        await rest_is_posted(box, urls)


@pytest.mark.slow
async def test_kills_in_the_middle_of_posting_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        urls = await subscribed_and_published(box)
        box.discord.faults.add("POST", MESSAGES, Slow(0.2), times=100)
        for _ in range(2):
            async with a_bot_process(box) as process:
                await until_more_is_posted(box, 2)
                process.kill()
                await ended(process)
            assert len(how_often(box)) < len(CHANNELS) * PAPERS
        # After the first kill Discord still knows the nonces; after the second it does not, and what was on its way
        # when the process died has arrived by then.
        await until_all_have_arrived(box)
        box.discord.forget_nonces()
        box.discord.faults.clear()
        await rest_is_posted(box, urls)


async def until_all_have_arrived(box: Box) -> None:
    """Wait until Discord has taken every message that was sent to it, although nobody hears of it."""
    bodies = [request.body for request in box.discord.requests if request.template == CREATE_MESSAGE]
    nonces = {body["nonce"] for body in bodies if isinstance(body, dict)}
    await box.until(lambda: messages_in(box) == len(nonces))


async def test_a_wrong_token_is_one_sentence_without_the_token_and_exit_code_1(tmp_path: Path) -> None:
    token = "MTE5MTMxOTkwOTE3MTIwMDAwMQ.wrong.token"
    async with a_box(tmp_path) as box, a_bot_process(box, DISCORD_TOKEN=token) as process:
        code, output = await ended(process)
    assert code == 1
    assert output.splitlines()[-1] == "Discord refused the token: check DISCORD_TOKEN (or `discord.token`)."
    assert "Traceback" not in output
    assert token not in output


async def test_a_second_bot_on_the_same_database_is_refused_in_one_sentence_and_the_first_goes_on(
    tmp_path: Path,
) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        async with a_bot_process(box) as process:
            code, output = await ended(process)
        assert code == 1
        assert output == (
            f"Another Daily Papers already runs with the database {box.database}: end it first, or set another "
            "`database`.\n"
        )
        assert "none yet" in await box.said("status")
