"""The answer to a message is lost: the bot finds it in the channel, whatever its clock shows and however long it is."""

import json
import time
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.arxiv import SandboxPaper
from sandbox.discord.events import Listener
from sandbox.discord.primitives import snowflake_at
from tests.support.crashes import wait_for_requests
from tests.support.killable import KILLED, BotProcess, killable_command
from tests.support.quiescence import wait_until_settled, wait_until_synced
from tests.support.running import DEADLINE_S, RunningSandbox, abs_url, running_sandbox

DAY_S = 86_400
LONG_HISTORY = 15_000


def bot(sandbox: RunningSandbox, ahead_s: int) -> AbstractAsyncContextManager[BotProcess]:
    """Starts a bot whose clock is ahead by this many seconds."""
    config = sandbox.database.with_name("config.json")
    subscription = {"channel_id": sandbox.channel("papers"), "keywords": ["reward model"]}
    config.write_text(json.dumps({"subscriptions": [subscription]}), encoding="utf-8")
    arguments = ("--config", str(config), "--clock-ahead", str(ahead_s))
    return killable_command(arguments, sandbox.environment(), sandbox.database.with_name("log"))


async def lose_answer(sandbox: RunningSandbox, ahead_s: int) -> str:
    """Kills a bot when Discord has stored its message, before the answer; Discord forgets the nonce."""
    async with bot(sandbox, ahead_s) as first:
        await wait_until_synced(sandbox.database, DEADLINE_S)
        unsubscribe = sandbox.world.subscribe(kill_on_message(first))
        published = datetime.now(UTC) - timedelta(days=5)  # in the past for every clock
        url = abs_url(sandbox.arxiv.add_paper(SandboxPaper(title="A Reward Model", abstract="", published=published)))
        # Before its first message in the channel, the bot may read a long history.
        assert await first.wait_for_exit(3 * DEADLINE_S) == KILLED, first.log_text()
        unsubscribe()
    await wait_for_requests(sandbox)
    sandbox.discord.forget_nonces()
    return url


def kill_on_message(process: BotProcess) -> Listener:
    return lambda event, *_: process.kill() if event == "MESSAGE_CREATE" else None


async def settle(sandbox: RunningSandbox, ahead_s: int) -> None:
    """Runs a bot until every message is settled."""
    async with bot(sandbox, ahead_s) as second:
        await wait_until_settled(sandbox.database, DEADLINE_S * 2)
        assert await second.terminate(DEADLINE_S) == 0, second.log_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first_s", "second_s"),
    [
        (90, 90),
        (-90, -90),
        (2 * DAY_S, 2 * DAY_S),
        (-2 * DAY_S, -2 * DAY_S),
        (0, 2 * DAY_S),
        (-2 * DAY_S, 2 * DAY_S),
        (90, 2 * DAY_S),
    ],
)
async def test_wrong_clock_causes_no_second_message(tmp_path: Path, first_s: int, second_s: int) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        url = await lose_answer(sandbox, first_s)
        await settle(sandbox, second_s)
        assert sandbox.posted_urls("papers") == [url]


def write(sandbox: RunningSandbox, count: int, *, ago: timedelta = timedelta()) -> None:
    """Writes messages of the admin to the channel, all at the same time."""
    first_id = snowflake_at((datetime.now(UTC) - ago).timestamp())
    for number in range(count):
        sandbox.world.messages.post(
            sandbox.channel("papers"), sandbox.world.default.admin_id, "hello", message_id=first_id + number
        )


def pages(sandbox: RunningSandbox) -> int:
    """Returns how many pages of histories the bots have read."""
    read = [each for each in sandbox.discord.requests if each.method == "GET" and each.path.endswith("/messages")]
    return sum(each.query.get("limit") == "100" for each in read)


async def wait_for_pages(sandbox: RunningSandbox, count: int) -> None:
    await sandbox.wait_until(lambda: pages(sandbox) >= count)


@pytest.mark.slow
@pytest.mark.parametrize("ahead_s", [0, 2 * DAY_S])
async def test_message_between_15000_others_is_found_in_one_reading(tmp_path: Path, ahead_s: int) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        write(sandbox, LONG_HISTORY, ago=timedelta(hours=1))
        url = await lose_answer(sandbox, ahead_s)
        write(sandbox, LONG_HISTORY)
        before = pages(sandbox)
        await settle(sandbox, ahead_s)
        assert sandbox.posted_urls("papers") == [url]
        assert pages(sandbox) - before < LONG_HISTORY / 100 + 10


@pytest.mark.slow
async def test_search_of_a_long_history_continues_after_each_kill(tmp_path: Path) -> None:
    """The message never arrived, and the bot is killed repeatedly while it searches for it."""
    async with running_sandbox(tmp_path) as sandbox:
        url = await lose_answer(sandbox, 0)
        (message,) = sandbox.posts("papers")
        sandbox.world.messages.delete(message)
        # An hour later.
        for number in range(LONG_HISTORY):
            message_id = snowflake_at(time.time() + 3600 + number)
            sandbox.world.messages.post(
                sandbox.channel("papers"), sandbox.world.default.admin_id, "hello", message_id=message_id
            )
        read = pages(sandbox)
        for _ in range(3):
            async with bot(sandbox, 0) as killed:
                await wait_for_pages(sandbox, pages(sandbox) + 40)
                killed.kill()
                await killed.wait_for_exit(DEADLINE_S)
        await settle(sandbox, 0)
        assert sandbox.posted_urls("papers") == [url]
        assert pages(sandbox) - read < LONG_HISTORY / 100 + 40
