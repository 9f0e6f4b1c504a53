"""Before the gateway has sent the servers, the bot knows neither channels nor permissions, and sends nothing."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.__main__ import keyword_fault
from bot.composition.app import run
from bot.config import load_settings
from bot.domain.channel_settings import TrendingSettings
from bot.domain.keyword import Keyword
from bot.domain.outgoing import Blocked, Delivered
from sandbox.discord import Permission
from tests.support.builders import paper
from tests.support.quiescence import wait_until
from tests.support.running import DEADLINE_S, RunningSandbox, running_sandbox
from tests.support.store import Store, opened

KEYWORD = Keyword.parse("reward model")


async def make_work_due(sandbox: RunningSandbox) -> None:
    """Makes due: a post and a trending post in #papers, an edit there, and a notice about #vision."""
    sandbox.huggingface.lists.generate(datetime.now(UTC).date() - timedelta(days=1), 3)
    sandbox.world.set_overwrite(
        sandbox.channel("vision"), sandbox.world.default.bot_role_id, deny=Permission.SEND_MESSAGES
    )
    async with opened(sandbox.database) as store:
        now = datetime.now(UTC)
        papers, vision = sandbox.channel("papers"), sandbox.channel("vision")
        for channel_id in (papers, vision):
            admin_id = sandbox.world.default.admin_id
            guild_id = sandbox.world.default.guild_id
            await store.subscriptions.add_all([KEYWORD], channel_id, guild_id, added_by=admin_id, now=now)
        await store.sync(new_since=now - timedelta(days=1), synced_until=now)
        await make_edit_due(store, papers, now)
        await store.poll(paper("2601.00002", title="Another Reward Model", published=now), now=now)
        settings = await store.channel_settings.get(papers)
        trending = TrendingSettings(0, now - timedelta(days=2))
        await store.set_channel(papers, replace(settings, trending=trending))
        await store.channels.block(
            vision, Blocked("The bot needs the Send Messages permission there."), now=now, not_before=now
        )


async def make_edit_due(store: Store, channel_id: int, now: datetime) -> None:
    await store.poll(paper("2601.00001", title="A Reward Model", published=now), now=now)
    post = await store.outbox.bind(channel_id, await store.due(channel_id, now=now), key="key", nonce="nonce", now=now)
    assert post is not None
    await store.outbox.delivered(post, Delivered(1), now)
    await store.papers.add([paper("2601.00001", title="A Reward Model", published=now, version=2)])


def writes(sandbox: RunningSandbox) -> list[str]:
    """The methods of all requests that send or edit a message."""
    return [
        request.method
        for request in sandbox.discord.requests
        if request.method in ("POST", "PATCH") and "/channels" in request.path
    ]


@pytest.mark.slow
async def test_nothing_is_sent_before_the_gateway_has_sent_the_servers(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        await make_work_due(sandbox)
        sandbox.discord.gateway_open = False
        end = asyncio.Event()
        environment = sandbox.environment(DAILY_PAPERS_HUGGINGFACE__ENABLED="true")
        bot = asyncio.create_task(run(load_settings(None, environment, keyword_fault), end))
        try:
            await wait_until(lambda: bool(sandbox.huggingface.requests), DEADLINE_S)
            await sandbox.wait_for_next_poll()
            assert writes(sandbox) == []
            sandbox.discord.gateway_open = True
            await sandbox.wait_until(lambda: len(sandbox.posts("papers")) == 2)
            admin = sandbox.world.dm_with(sandbox.world.default.admin_id)
            await sandbox.wait_until(lambda: bool(sandbox.world.messages.in_channel(admin.id)))
            await wait_until(lambda: "PATCH" in writes(sandbox), DEADLINE_S)
        finally:
            end.set()
            await bot
