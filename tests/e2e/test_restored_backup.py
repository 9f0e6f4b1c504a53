"""A backup that is older than the last posts is restored: nothing that was posted since is posted again."""

import json
import shutil
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.discord_api.custom_ids import AbstractButtonId
from bot.discord_api.found_messages import PAGES_PER_STEP
from bot.domain.paper import ArxivId
from bot.ingest.trending import TRENDING_POLL_DAYS
from bot.runtime.metrics import Step
from sandbox.discord import ChannelKind, Message
from sandbox.discord.primitives import Payload
from tests.support.crashes import wait_for_requests
from tests.support.embeds import papers_in
from tests.support.killable import KILLED, CrashPoint, killable_bot, run_command
from tests.support.quiescence import wait_until, wait_until_settled, wait_until_synced
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox
from tests.support.store import opened
from tests.support.trending_publisher import subscribe_to_trending

KEYWORD = "reward model"


async def back_up(sandbox: RunningSandbox) -> Path:
    """Runs `python -m bot backup`."""
    backup = sandbox.database.with_name("backup.sqlite3")
    log = sandbox.database.with_name("backup.log")
    result = await run_command(("backup", str(backup)), sandbox.environment(), log, DEADLINE_S)
    assert result[0] == 0, result[1]
    return backup


def restore(sandbox: RunningSandbox, backup: Path) -> None:
    """Replaces the database, as docs/operating.md describes it."""
    for suffix in ("-wal", "-shm"):
        sandbox.database.with_name(sandbox.database.name + suffix).unlink(missing_ok=True)
    shutil.copy(backup, sandbox.database)


def config(sandbox: RunningSandbox, *channel_ids: int) -> Path:
    path = sandbox.database.with_name("config.json")
    subscriptions = [{"channel_id": channel_id, "keywords": [KEYWORD]} for channel_id in channel_ids]
    path.write_text(json.dumps({"subscriptions": subscriptions}), encoding="utf-8")
    return path


def announce(sandbox: RunningSandbox, numbers: Collection[int]) -> set[str]:
    return {sandbox.add_paper(f"Reward Models, Part {number}") for number in numbers}


def urls_in(sandbox: RunningSandbox, channel_id: int) -> list[str]:
    """Returns the URLs of the papers in the bot's posts in a channel, in a forum in those of its threads."""
    channels = sandbox.world.channels
    is_forum = channels[channel_id].kind is ChannelKind.FORUM
    places = [each.id for each in channels.values() if each.parent_id == channel_id] if is_forum else [channel_id]
    return sorted(
        url
        for place in places
        for message in sandbox.world.messages.in_channel(place)
        if message.author_id == sandbox.world.bot_id and message.interaction is None
        if not message.content.startswith("**Sample**")
        for url in papers_in(message)
    )


async def wait_for_urls(sandbox: RunningSandbox, channel_ids: Collection[int], urls: Collection[str]) -> None:
    """Waits until every channel has all of these papers, and the bot has no work left."""
    await wait_until(lambda: all(set(urls_in(sandbox, each)) >= set(urls) for each in channel_ids), DEADLINE_S)
    await wait_until_settled(sandbox.database, DEADLINE_S)


@pytest.mark.slow
async def test_restored_backup_reposts_nothing_in_any_kind_of_channel(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        guild_id = sandbox.world.default.guild_id
        forum = sandbox.world.add_channel(guild_id, "paper-forum", ChannelKind.FORUM).id
        thread = sandbox.world.add_thread(sandbox.channel("papers"), "papers", owner_id=sandbox.world.bot_id).id
        channels = (sandbox.channel("papers"), sandbox.channel("vision"), forum, thread)
        settings = config(sandbox, *channels)
        async with running_bot(sandbox, config=settings):
            await sandbox.wait_for_status("Last checked**: <t:")
            urls = announce(sandbox, range(2))
            await wait_for_urls(sandbox, channels, urls)
            backup = await back_up(sandbox)
            urls |= announce(sandbox, range(2, 3))  # cards
            await wait_for_urls(sandbox, channels, urls)
            urls |= announce(sandbox, range(3, 33))  # compact lists in several messages
            await wait_for_urls(sandbox, channels, urls)
            await sandbox.reply_to("channel test")
        for _ in range(2):  # the second time with messages that were found
            restore(sandbox, backup)
            async with running_bot(sandbox, config=settings):
                urls |= announce(sandbox, (len(urls),))
                await wait_for_urls(sandbox, channels, urls)
                await sandbox.wait_for_next_poll()
                await wait_until_settled(sandbox.database, DEADLINE_S)
                assert "second bot" not in await sandbox.reply_to("status")
        assert [urls_in(sandbox, channel_id) for channel_id in channels] == [sorted(urls)] * len(channels)


@pytest.mark.slow
@pytest.mark.parametrize(
    "point", [CrashPoint(Step.CHECK, side, nth) for side in ("before", "after") for nth in (1, 2)], ids=str
)
async def test_crash_while_a_restored_channel_is_read_reposts_nothing(tmp_path: Path, point: CrashPoint) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        channels = (sandbox.channel("papers"), sandbox.channel("vision"))
        settings, log = config(sandbox, *channels), sandbox.database.with_name("log")
        async with running_bot(sandbox, config=settings):
            await sandbox.wait_for_status("Last checked**: <t:")
            backup = await back_up(sandbox)
            urls = announce(sandbox, range(12))
            await wait_for_urls(sandbox, channels, urls)
        restore(sandbox, backup)
        urls |= announce(sandbox, (12,))
        async with killable_bot(sandbox.environment(), settings, log, at=point) as bot:
            assert await bot.wait_for_exit(DEADLINE_S) == KILLED, bot.log_text()
        await wait_for_requests(sandbox)
        sandbox.discord.forget_nonces()
        async with running_bot(sandbox, config=settings):
            await wait_for_urls(sandbox, channels, urls)
            await sandbox.wait_for_next_poll()
        assert [urls_in(sandbox, channel_id) for channel_id in channels] == [sorted(urls)] * len(channels)


@pytest.mark.slow
@pytest.mark.parametrize("step", [Step.BIND, Step.SEND])
async def test_backup_with_an_unsettled_message_reposts_nothing(tmp_path: Path, step: Step) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        channel = sandbox.channel("papers")
        settings, log = config(sandbox, channel), sandbox.database.with_name("log")
        async with killable_bot(sandbox.environment(), settings, log, at=CrashPoint(step, "after")) as bot:
            await wait_until_synced(sandbox.database, DEADLINE_S)
            urls = announce(sandbox, range(3))
            assert await bot.wait_for_exit(DEADLINE_S) == KILLED, bot.log_text()
        await wait_for_requests(sandbox)
        backup = await back_up(sandbox)
        for number in (3, 4):
            sandbox.discord.forget_nonces()
            async with running_bot(sandbox, config=settings):
                urls |= announce(sandbox, (number,))
                await wait_for_urls(sandbox, (channel,), urls)
            restore(sandbox, backup)
        async with running_bot(sandbox, config=settings):
            urls |= announce(sandbox, (5,))
            await wait_for_urls(sandbox, (channel,), urls)
        assert urls_in(sandbox, channel) == sorted(urls)


async def wait_for_lists(sandbox: RunningSandbox) -> None:
    """Waits until the bot has read all lists twice."""
    requests = len(sandbox.huggingface.requests) + 2 * TRENDING_POLL_DAYS
    await wait_until(lambda: len(sandbox.huggingface.requests) > requests, DEADLINE_S)


@pytest.mark.slow
async def test_restored_backup_reposts_no_trending_list(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        now = datetime.now(UTC)
        channel = sandbox.channel("papers")
        async with opened(sandbox.database) as store:
            await store.subscribe("graph", channel)
            await subscribe_to_trending(store, channel, since=now - timedelta(days=2))
        backup = await back_up(sandbox)
        sandbox.huggingface.lists.generate((now - timedelta(days=1)).date(), 40)
        for _ in range(2):
            async with running_bot(sandbox, DAILY_PAPERS_HUGGINGFACE__ENABLED="true"):
                await sandbox.wait_until(lambda: len(sandbox.posts("papers")) >= 1)
                await wait_until_settled(sandbox.database, DEADLINE_S)
                await wait_for_lists(sandbox)
            restore(sandbox, backup)
        assert len(sandbox.posts("papers")) == 1


@pytest.mark.slow
async def test_papers_in_forum_posts_that_people_commented_on_are_not_posted_again(tmp_path: Path) -> None:
    """More forum posts than one step reads, sent after the backup; the first one continues after all of them."""
    async with running_sandbox(tmp_path) as sandbox:
        world = sandbox.world
        forum = world.add_channel(world.default.guild_id, "paper-forum", ChannelKind.FORUM).id
        settings, log = config(sandbox, forum), sandbox.database.with_name("log")
        async with running_bot(sandbox, config=settings):
            await wait_until_synced(sandbox.database, DEADLINE_S)
        urls = announce(sandbox, range(PAGES_PER_STEP + 3))
        first, *others = sorted(urls)
        threads = [_add_forum_post(sandbox, forum, url) for url in others]
        for thread_id in threads:
            world.messages.post(thread_id, world.default.admin_id, "Interesting")
        _add_post(sandbox, threads[0], first)
        urls |= announce(sandbox, (100,))
        async with killable_bot(sandbox.environment(), settings, log, at=CrashPoint(Step.CHECK, "after", 1)) as bot:
            assert await bot.wait_for_exit(DEADLINE_S) == KILLED, bot.log_text()
        async with running_bot(sandbox, config=settings):
            await wait_for_urls(sandbox, (forum,), urls)
            assert "second bot" not in await sandbox.reply_to("status")
        assert urls_in(sandbox, forum) == sorted(urls)


def _add_forum_post(sandbox: RunningSandbox, forum: int, url: str) -> int:
    """Adds a forum post of the bot with one paper; returns its id."""
    thread = sandbox.world.add_thread(forum, "1 new paper", owner_id=sandbox.world.bot_id)
    _add_post(sandbox, thread.id, url, message_id=thread.id)
    return thread.id


def _add_post(sandbox: RunningSandbox, channel_id: int, url: str, message_id: int | None = None) -> None:
    """Adds a message of the bot with one paper and a key that the database does not have."""
    arxiv_id = ArxivId(url.rsplit("/", 1)[1])
    button: Payload = {"type": 2, "style": 2, "label": "Abstract"}
    button["custom_id"] = AbstractButtonId(arxiv_id, f"key-of-{arxiv_id.value.replace('.', '-')}").encode()
    message = Message(message_id or sandbox.world.new_id(), channel_id, sandbox.world.bot_id, "**1 new paper**")
    message.embeds.append({"type": "rich", "title": "A paper", "url": url})
    message.components.append({"type": 1, "components": [button]})
    sandbox.world.messages.add(message)
