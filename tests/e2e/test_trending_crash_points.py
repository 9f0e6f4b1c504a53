"""The bot is killed around every durable step of posting a day's list: the list is there once in the end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from bot.domain.channel_settings import TrendingSettings
from bot.ingest.trending import TRENDING_POLL_DAYS
from bot.runtime.metrics import Step
from tests.support.crashes import STORED, Nonces, Stored
from tests.support.killable import KILLED, CrashPoint, a_killable_bot
from tests.support.quiescence import until, until_settled
from tests.support.running import DEADLINE_S, RunningSandbox, running_sandbox
from tests.support.store import opened

POINTS = [CrashPoint(step, side) for step, side in product((Step.CLAIM, Step.SEND, Step.SETTLE), ("before", "after"))]


async def wants_lists(sandbox: RunningSandbox) -> None:
    """#papers asked for the lists two days ago; yesterday's has papers."""
    now = datetime.now(UTC)
    async with opened(sandbox.database) as store:
        papers = sandbox.channel("papers")
        before = await store.channel_settings.get(papers)
        await store.channel_settings.write(
            papers, replace(before, trending=TrendingSettings(0, now - timedelta(days=2)))
        )
    sandbox.huggingface.lists.generate((now - timedelta(days=1)).date(), 40)


def settings(sandbox: RunningSandbox) -> tuple[dict[str, str], Path, Path]:
    """What a bot of the sandbox is started with."""
    config = sandbox.database.with_name("config.json")
    config.write_text("{}", encoding="utf-8")
    return sandbox.environment(DAILY_PAPERS_HUGGINGFACE__ENABLED="true"), config, sandbox.database.with_name("log")


@pytest.mark.slow
@pytest.mark.parametrize("nonces", Nonces)
@pytest.mark.parametrize("point", [*POINTS, STORED], ids=str)
async def test_a_crash_neither_loses_nor_doubles_a_days_list(
    tmp_path: Path, point: CrashPoint | Stored, nonces: Nonces
) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        await wants_lists(sandbox)
        async with a_killable_bot(*settings(sandbox), at=point if isinstance(point, CrashPoint) else None) as bot:
            if isinstance(point, Stored):
                sandbox.world.subscribe(lambda event, *_: bot.kill() if event == "MESSAGE_CREATE" else None)
            assert await bot.ended(DEADLINE_S) == KILLED, bot.said()
        await until(lambda: all(request.status is not None for request in sandbox.discord.requests), DEADLINE_S)
        if nonces is Nonces.FORGOTTEN:
            sandbox.discord.forget_nonces()
        async with a_killable_bot(*settings(sandbox)) as bot:
            await sandbox.wait_until(lambda: len(sandbox.posts("papers")) >= 1)
            await until_settled(sandbox.database, DEADLINE_S)
            read = len(sandbox.huggingface.requests)
            await until(lambda: len(sandbox.huggingface.requests) > read + TRENDING_POLL_DAYS, DEADLINE_S)
            assert await bot.asked_to_end(DEADLINE_S) == 0, bot.said()
        (post,) = sandbox.posts("papers")
        assert post.content.endswith(": 40 papers")
