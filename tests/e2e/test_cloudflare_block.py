"""Cloudflare blocks the bot's address: nothing is sent, no channel is at fault, and afterwards everything is posted."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from bot.__main__ import keyword_fault
from bot.composition.app import run
from bot.config import load_settings
from bot.publish.dispatcher import CHANNELS_AT_ONCE
from sandbox.discord import ChannelKind, CloudflareBlock, DropAfter, Message, MessageFlag, Status
from tests.support.embeds import papers_in
from tests.support.loopback import free_port
from tests.support.posting import add_papers, config_with, send_statuses, wait_for_first_poll
from tests.support.quiescence import wait_until
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow

CHANNELS = ("papers", "vision", "reward-models")
NOT_REPLIES = r"^/(?!interactions|webhooks)"


async def health(port: int) -> dict[str, dict[str, object]]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as response:
        checks: dict[str, dict[str, object]] = (await response.json())["checks"]
        return checks


async def wait_for_check(port: int, *, present: bool) -> dict[str, object]:
    """Polls `/healthz` until the check "discord" is there, or gone."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            with suppress(aiohttp.ClientConnectionError):
                checks = await health(port)
                if ("discord" in checks) == present:
                    return checks.get("discord", {})
            await asyncio.sleep(0.05)


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    formatter = logging.Formatter()
    return [f"{formatter.format(record)} {vars(record)}" for record in caplog.records]


def events(caplog: pytest.LogCaptureFixture) -> Counter[str]:
    return Counter(record.getMessage() for record in caplog.records if record.name.startswith("bot."))


@pytest.mark.parametrize(
    "block",
    [
        CloudflareBlock(403),
        CloudflareBlock(403, retry_after="1"),
        CloudflareBlock(403, page='{"type": "about:blank", "title": "Access denied"}', content_type="application/json"),
        CloudflareBlock(403, page="error code: 1020", content_type="text/plain"),
        CloudflareBlock(401),
        CloudflareBlock(404),
        CloudflareBlock(200),
        CloudflareBlock(429, retry_after="1"),
        CloudflareBlock(429, retry_after="nan"),
        CloudflareBlock(
            429, page='{"retry_after": 1.5, "message": "x", "global": false}', content_type="application/json"
        ),
        CloudflareBlock(503, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"),
    ],
    ids=lambda block: f"{block.status}-{block.retry_after}-{block.content_type}",
)
async def test_block_pauses_everything_and_afterwards_each_paper_is_posted_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, block: CloudflareBlock
) -> None:
    caplog.set_level(logging.INFO)
    port = free_port()
    async with running_sandbox(tmp_path) as sandbox:
        config = config_with(sandbox, *CHANNELS)
        async with running_bot(sandbox, config=config, DAILY_PAPERS_WEB__PORT=str(port)):
            await wait_for_first_poll(sandbox)
            sandbox.discord.faults.block(block)
            urls = add_papers(sandbox)
            check = await wait_for_check(port, present=True)
            assert check["ok"] is False
            assert "Cloudflare blocks the bot's requests to Discord" in str(check["detail"])
            await sandbox.wait_for_next_poll()
            sandbox.discord.faults.unblock()
            for name in CHANNELS:
                await sandbox.wait_for_papers(name, 3)
            await wait_for_check(port, present=False)
            assert {name: sandbox.posted_urls(name) for name in CHANNELS} == dict.fromkeys(CHANNELS, urls)
            reply = await sandbox.reply_to("status")
            assert "blocked" not in reply
            assert "Cloudflare" not in reply
    assert {event: count for event, count in events(caplog).items() if "backoff" in event} == {
        "Discord backoff": 1,
        "Discord backoff over": 1,
    }
    assert not [line for line in logged(caplog) if "<html" in line or "Ray ID" in line]


async def test_status_shows_the_block_while_replies_get_through(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, config=config_with(sandbox, *CHANNELS)):
        await wait_for_first_poll(sandbox)
        sandbox.discord.faults.block(CloudflareBlock(429, retry_after="3600", path_pattern=NOT_REPLIES))
        add_papers(sandbox)
        reply = await sandbox.wait_for_status("Posting is paused: Cloudflare blocks")
        assert "Next try <t:" in reply
        blocked = requests(sandbox, 429)
        await sandbox.wait_for_next_poll()
        await sandbox.reply_to("status")
        assert requests(sandbox, 429) == blocked
        assert blocked <= len(CHANNELS)


def requests(sandbox: RunningSandbox, status: int) -> int:
    return sum(request.status == status for request in sandbox.discord.requests)


async def test_restart_during_a_block_sends_nothing_until_it_may_be_over(tmp_path: Path) -> None:
    port = free_port()
    async with running_sandbox(tmp_path) as sandbox:
        config = config_with(sandbox, *CHANNELS)
        async with running_bot(sandbox, config=config, DAILY_PAPERS_WEB__PORT=str(port)):
            await wait_for_first_poll(sandbox)
            sandbox.discord.faults.block(CloudflareBlock(429, retry_after="99999999"))
            add_papers(sandbox)
            await wait_for_check(port, present=True)
        sent = len(sandbox.discord.requests)
        async with running_without_discord(sandbox, config, DAILY_PAPERS_WEB__PORT=str(port)):
            check = await wait_for_check(port, present=True)
            assert check["ok"] is False
            await sandbox.wait_for_next_poll()
        assert len(sandbox.discord.requests) == sent


@asynccontextmanager
async def running_without_discord(
    sandbox: RunningSandbox, config: Path | None, **environment: str
) -> AsyncIterator[None]:
    """Runs the bot, which may be unable to log in."""
    stop = asyncio.Event()
    bot = asyncio.create_task(run(load_settings(config, sandbox.environment(**environment), keyword_fault), stop))
    try:
        yield
        assert not bot.done()
    finally:
        stop.set()
        await bot


async def test_login_during_a_block_waits_and_then_succeeds(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.discord.faults.block(CloudflareBlock(403))
        async with running_without_discord(sandbox, None):
            await sandbox.wait_until(lambda: len(sandbox.discord.requests) >= 2)
            sandbox.discord.faults.unblock()
            await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
            assert "**Queued**: 0 papers." in await sandbox.reply_to("status")
    assert events(caplog)["loop failed"] == 0


async def test_json_403_of_one_channel_blocks_only_that_channel(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, config=config_with(sandbox, *CHANNELS)):
        await wait_for_first_poll(sandbox)
        path = rf"^/channels/{sandbox.channel('vision')}/messages$"
        sandbox.discord.faults.add("POST", path, Status.api_error(403, 50013, "Missing Permissions"), times=99)
        add_papers(sandbox)
        for name in ("papers", "reward-models"):
            await sandbox.wait_for_papers(name, 3)
        reply = await sandbox.wait_for_status("Send Messages and Embed Links permissions there.")
        assert "Posting is paused" not in reply
        assert send_statuses(sandbox, "vision") == [403]


@pytest.mark.timeout(150)
async def test_edits_crossposts_forum_posts_and_lookups_wait_for_the_end_of_the_block(tmp_path: Path) -> None:
    """A message whose answer was lost before the block is found again after it, and not posted twice."""
    async with running_sandbox(tmp_path) as sandbox:
        forum = sandbox.world.add_channel(sandbox.world.default.guild_id, "paper-forum", ChannelKind.FORUM).id
        announcements = sandbox.channel("announcements")
        async with running_bot(sandbox):
            await sandbox.reply_to("channel publish", {"wanted": True, "channel": announcements})
            for channel_id in (sandbox.channel("papers"), announcements, forum):
                invocation = await sandbox.command("subscribe", {"keyword": "reward model", "channel": channel_id})
                await invocation.wait_for_edit(lambda message: "next check" in message.content, DEADLINE_S)
            (first,) = add_papers(sandbox, 1)
            for name in ("papers", "announcements"):
                await sandbox.wait_for_papers(name, 1)
            await sandbox.wait_until(lambda: len(forum_papers(sandbox, forum)) == 1)
            sandbox.discord.faults.add("POST", f"^/channels/{sandbox.channel('papers')}/messages$", DropAfter())
            second = sandbox.add_paper("Another Reward Model")
            await sandbox.wait_for_papers("papers", 2)
            sandbox.discord.faults.block(CloudflareBlock(403, path_pattern=NOT_REPLIES))
            sandbox.arxiv.revise(first.rpartition("/")[2])
            third = sandbox.add_paper("The Last Reward Model")
            await sandbox.wait_for_status("Posting is paused: Cloudflare blocks")
            await sandbox.wait_for_next_poll()
            assert requests(sandbox, 403) <= 20
            sandbox.discord.faults.unblock()
            for name in ("papers", "announcements"):
                await sandbox.wait_for_papers(name, 3)
                assert Counter(sandbox.posted_urls(name)) == Counter([first, second, third])
            # A forum post has no nonce: it is created again only if it is still absent after a minute.
            await sandbox.wait_until(lambda: len(forum_papers(sandbox, forum)) >= 3, timeout_s=2 * DEADLINE_S)
            assert Counter(forum_papers(sandbox, forum)) == Counter([first, second, third])
            await sandbox.wait_until(lambda: all(is_published(post) for post in sandbox.posts("announcements")))
            await sandbox.wait_until(lambda: "v2" in str(sandbox.posts("papers")[0].embeds), timeout_s=2 * DEADLINE_S)


def forum_papers(sandbox: RunningSandbox, forum: int) -> list[str]:
    """The URLs of the papers in a forum's posts."""
    threads = [channel.id for channel in sandbox.world.channels.values() if channel.parent_id == forum]
    return [url for thread in threads for url in posted(sandbox, thread)]


def is_published(post: Message) -> bool:
    return MessageFlag.CROSSPOSTED in post.flags


async def test_block_of_many_channels_needs_few_requests_and_loses_nothing(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        guild_id = sandbox.world.default.guild_id
        channels = [sandbox.world.add_channel(guild_id, f"many {number}").id for number in range(120)]
        config = sandbox.database.with_name("config.json")
        subscriptions = [{"channel_id": channel_id, "keywords": ["reward model"]} for channel_id in channels]
        config.write_text(json.dumps({"subscriptions": subscriptions}), encoding="utf-8")
        async with running_bot(sandbox, config=config):
            await wait_for_first_poll(sandbox)
            sandbox.discord.faults.block(CloudflareBlock(403, path_pattern=NOT_REPLIES))
            urls = add_papers(sandbox, 2)
            await sandbox.wait_for_status("Posting is paused: Cloudflare blocks")
            await sandbox.wait_for_next_poll()
            before = requests(sandbox, 403)
            assert before <= CHANNELS_AT_ONCE + 1
            await sandbox.wait_until(lambda: requests(sandbox, 403) > before)
            assert requests(sandbox, 403) == before + 1, "only the probe"
            sandbox.discord.faults.unblock()
            await sandbox.wait_until(lambda: all(posted(sandbox, channel_id) == urls for channel_id in channels))


def posted(sandbox: RunningSandbox, channel_id: int) -> list[str]:
    return [url for message in sandbox.world.messages.in_channel(channel_id) for url in papers_in(message)]


async def test_command_whose_reply_is_blocked_is_not_reported_as_a_bug(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        sandbox.discord.faults.block(CloudflareBlock(403, path_pattern="^/webhooks/"))
        admin, papers = sandbox.world.default.admin_id, sandbox.channel("papers")
        await sandbox.discord.run_command("status", {}, user_id=admin, channel_id=papers)
        await wait_until(lambda: events(caplog)["reply not delivered"] == 1, DEADLINE_S)
        sandbox.discord.faults.unblock()
        assert events(caplog)["command failed"] == 0
        (reason,) = (vars(each)["reason"] for each in caplog.records if each.getMessage() == "reply not delivered")
        assert reason == "Cloudflare blocks the bot's requests to Discord (status 403)"
        await wait_until(lambda: events(caplog)["Discord backoff over"] == 1, DEADLINE_S)
        assert "**Queued**" in await sandbox.reply_to("status")


async def test_gateway_that_is_down_at_the_start_is_reported_as_such(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.discord.gateway_open = False
        async with running_without_discord(sandbox, None):
            await wait_until(lambda: events(caplog)["shard disconnected"] == 2, DEADLINE_S)
            sandbox.discord.gateway_open = True
            await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
    assert not events(caplog)["loop failed"]
    assert {vars(each)["reason"] for each in caplog.records if each.getMessage() == "shard disconnected"} == {
        "Discord's gateway does not answer (status 503)"
    }
