"""Spelling hints: one comparison at a time, and none for those that would have to wait."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from bot.domain.keyword import Keyword
from bot.services.spelling_hints import SpellingHints
from tests.support.store import opened

CHANNEL, GUILD, ADMIN = 1, 2, 3


async def test_hint_that_would_wait_for_another_one_is_left_out(tmp_path: Path) -> None:
    async with opened(tmp_path / "papers.sqlite3") as store:
        await store.subscriptions.add_all(
            [Keyword.parse("reward model")], CHANNEL, GUILD, added_by=ADMIN, now=datetime.now(UTC)
        )
        hints = SpellingHints(store.subscriptions, store.papers, wait_s=0)
        typed = Keyword.parse("reward modl")
        concurrent = await asyncio.gather(hints.keywords(typed, CHANNEL), hints.keywords(typed, CHANNEL))
        assert list(concurrent) == [("reward model",), ()]
        assert await hints.keywords(typed, CHANNEL) == ("reward model",)
