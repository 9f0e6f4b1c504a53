"""The bot is killed around every durable step of a trending post; after a restart the list is posted once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from bot.domain.channel_settings import TrendingSettings
from bot.ingest.trending import TRENDING_POLL_DAYS
from bot.runtime.metrics import Step
from tests.support.crashes import STORED, Nonces, Stored, kill_when_stored, wait_for_requests
from tests.support.killable import KILLED, CrashPoint, killable_bot
from tests.support.quiescence import wait_until, wait_until_settled
from tests.support.running import DEADLINE_S, RunningSandbox, running_sandbox
from tests.support.store import opened

POINTS = [CrashPoint(step, side) for step, side in product((Step.BIND, Step.SEND, Step.SETTLE), ("before", "after"))]


async def subscribe_to_lists(sandbox: RunningSandbox) -> None:
    """Subscribes #papers to trending lists two days ago, and generates yesterday's list."""
    now = datetime.now(UTC)
    async with opened(sandbox.database) as store:
        papers = sandbox.channel("papers")
        before = await store.channel_settings.get(papers)
        await store.set_channel(papers, replace(before, trending=TrendingSettings(0, now - timedelta(days=2))))
    sandbox.huggingface.lists.generate((now - timedelta(days=1)).date(), 40)


def settings(sandbox: RunningSandbox) -> tuple[dict[str, str], Path, Path]:
    """Returns the environment, config file and log file for a bot."""
    config = sandbox.database.with_name("config.json")
    config.write_text("{}", encoding="utf-8")
    return sandbox.environment(DAILY_PAPERS_HUGGINGFACE__ENABLED="true"), config, sandbox.database.with_name("log")


@pytest.mark.slow
@pytest.mark.parametrize("nonces", Nonces)
@pytest.mark.parametrize("point", [*POINTS, STORED], ids=str)
async def test_crash_neither_loses_nor_duplicates_a_trending_list(
    tmp_path: Path, point: CrashPoint | Stored, nonces: Nonces
) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        await subscribe_to_lists(sandbox)
        async with killable_bot(*settings(sandbox), at=point if isinstance(point, CrashPoint) else None) as bot:
            if isinstance(point, Stored):
                kill_when_stored(sandbox, bot)
            assert await bot.wait_for_exit(DEADLINE_S) == KILLED, bot.log_text()
        await wait_for_requests(sandbox)
        if nonces is Nonces.FORGOTTEN:
            sandbox.discord.forget_nonces()
        async with killable_bot(*settings(sandbox)) as bot:
            await sandbox.wait_until(lambda: len(sandbox.posts("papers")) >= 1)
            await wait_until_settled(sandbox.database, DEADLINE_S)
            requests = len(sandbox.huggingface.requests)
            await wait_until(lambda: len(sandbox.huggingface.requests) > requests + TRENDING_POLL_DAYS, DEADLINE_S)
            assert await bot.terminate(DEADLINE_S) == 0, bot.log_text()
        (post,) = sandbox.posts("papers")
        assert post.content.endswith(": 40 papers")
