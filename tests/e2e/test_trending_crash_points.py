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
from tests.support.running import DEADLINE_S, Box, a_box
from tests.support.store import opened

POINTS = [CrashPoint(step, side) for step, side in product((Step.CLAIM, Step.SEND, Step.SETTLE), ("before", "after"))]


async def wants_lists(box: Box) -> None:
    """#papers asked for the lists two days ago; yesterday's has papers."""
    now = datetime.now(UTC)
    async with opened(box.database) as store:
        papers = box.channel("papers")
        before = await store.channel_settings.of(papers)
        await store.channel_settings.write(
            papers, replace(before, trending=TrendingSettings(0, now - timedelta(days=2)))
        )
    box.huggingface.lists.generate((now - timedelta(days=1)).date(), 40)


def settings(box: Box) -> tuple[dict[str, str], Path, Path]:
    """What a bot of the box is started with."""
    config = box.database.with_name("config.json")
    config.write_text("{}", encoding="utf-8")
    return box.environment(DAILY_PAPERS_HUGGINGFACE__ENABLED="true"), config, box.database.with_name("log")


@pytest.mark.slow
@pytest.mark.parametrize("nonces", Nonces)
@pytest.mark.parametrize("point", [*POINTS, STORED], ids=str)
async def test_a_crash_neither_loses_nor_doubles_a_days_list(
    tmp_path: Path, point: CrashPoint | Stored, nonces: Nonces
) -> None:
    async with a_box(tmp_path) as box:
        await wants_lists(box)
        async with a_killable_bot(*settings(box), at=point if isinstance(point, CrashPoint) else None) as bot:
            if isinstance(point, Stored):
                box.world.subscribe(lambda event, *_: bot.kill() if event == "MESSAGE_CREATE" else None)
            assert await bot.ended(DEADLINE_S) == KILLED, bot.said()
        await until(lambda: all(request.status is not None for request in box.discord.requests), DEADLINE_S)
        if nonces is Nonces.FORGOTTEN:
            box.discord.forget_nonces()
        async with a_killable_bot(*settings(box)) as bot:
            await box.until(lambda: len(box.posts("papers")) >= 1)
            await until_settled(box.database, DEADLINE_S)
            read = len(box.huggingface.requests)
            await until(lambda: len(box.huggingface.requests) > read + TRENDING_POLL_DAYS, DEADLINE_S)
            assert await bot.asked_to_end(DEADLINE_S) == 0, bot.said()
        (post,) = box.posts("papers")
        assert post.content.endswith(": 40 papers")
