"""Sessions start within the limits that Discord announces, whatever the shards do."""

import asyncio
import logging
from collections.abc import Callable

import aiohttp
import pytest

from bot.discord_api.http_client import UnreadableAnswer
from bot.discord_api.session_starts import (
    CONNECTING_AT_ONCE,
    IDENTIFY_MARGIN_S,
    LIMITS_FRESH_S,
    SESSIONS_USED_UP,
    SessionStarts,
    parse_limits,
)
from bot.runtime.limits import IDENTIFY_INTERVAL_S
from bot.runtime.problems import ReportedProblems
from tests.support.clock import FakeClock

INTERVAL_S = IDENTIFY_INTERVAL_S + IDENTIFY_MARGIN_S


class Discord:
    """Answers GET /gateway/bot, and records when shards identified."""

    def __init__(self, *, max_concurrency: int = 1, remaining: int = 1000) -> None:
        self.clock = FakeClock()
        self.problems = ReportedProblems()
        self.remaining, self.max_concurrency = remaining, max_concurrency
        self.reset_after_s = 3600.0
        self.requested = 0
        self.error: Exception | None = None
        self.identified: list[tuple[int, float]] = []
        self.starts = SessionStarts(self.answer, self.clock, self.problems)

    async def answer(self) -> object:
        self.requested += 1
        if self.error is not None:
            raise self.error
        limit = {"total": 1000, "remaining": self.remaining, "max_concurrency": self.max_concurrency}
        return {"shards": 4, "session_start_limit": limit | {"reset_after": 1000 * self.reset_after_s}}

    async def start(self, shard_id: int) -> None:
        """Connects a shard and identifies."""
        async with self.starts.starting(shard_id):
            await self.starts.take_turn(shard_id)
            self.identified.append((shard_id, self.clock.monotonic()))
            self.remaining -= 1

    async def start_all(self, shard_ids: range, *, within_s: float) -> None:
        async with asyncio.TaskGroup() as group:
            for shard_id in shard_ids:
                group.create_task(self.start(shard_id))
            await self.clock.advance(within_s)


async def test_shards_of_a_bucket_start_five_seconds_apart() -> None:
    discord = Discord()
    await discord.start_all(range(6), within_s=30)
    assert [shard_id for shard_id, _ in discord.identified] == list(range(6))
    assert [at_s for _, at_s in discord.identified] == pytest.approx([number * INTERVAL_S for number in range(6)])


async def test_buckets_do_not_wait_for_each_other() -> None:
    discord = Discord(max_concurrency=2)
    await discord.start_all(range(4), within_s=30)
    assert sorted(discord.identified) == [(0, 0), (1, 0), (2, INTERVAL_S), (3, INTERVAL_S)]


async def test_only_a_few_shards_of_a_bucket_connect_at_once() -> None:
    discord = Discord()
    connecting = 0
    end = asyncio.Event()

    async def connect(shard_id: int) -> None:
        nonlocal connecting
        async with discord.starts.starting(shard_id):
            connecting += 1
            await end.wait()

    async with asyncio.TaskGroup() as group:
        for shard_id in range(10):
            group.create_task(connect(shard_id))
        await discord.clock.advance(1)
        assert connecting == CONNECTING_AT_ONCE
        end.set()


async def test_shards_wait_when_the_sessions_of_the_day_are_used(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    discord = Discord(remaining=2)
    async with asyncio.TaskGroup() as group:
        for shard_id in range(4):
            group.create_task(discord.start(shard_id))
        await discord.clock.advance(600)
        assert [shard_id for shard_id, _ in discord.identified] == [0, 1]
        problem = discord.problems.current[SESSIONS_USED_UP]
        assert problem.text == "Discord allows 1000 connections per day, and all of them were used"
        assert problem.retry_at is not None
        discord.remaining, discord.reset_after_s = 1000, 86_400.0
        await discord.clock.advance(3600)
    assert [shard_id for shard_id, _ in discord.identified] == [0, 1, 2, 3]
    assert not discord.problems.current
    events = [record.message for record in caplog.records if record.name == "bot.discord_api.session_starts"]
    assert events == ["sessions used up", "sessions allowed again"]


async def test_last_session_of_the_day_is_started_once() -> None:
    discord = Discord(remaining=1, max_concurrency=2)
    async with asyncio.TaskGroup() as group:
        for shard_id in range(2):
            group.create_task(discord.start(shard_id))
        await discord.clock.advance(300)
        assert len(discord.identified) == 1
        discord.remaining = 1000
        await discord.clock.advance(3600)
    assert len(discord.identified) == 2


async def test_limits_are_asked_for_again_after_a_minute() -> None:
    discord = Discord()
    await discord.start_all(range(1), within_s=LIMITS_FRESH_S / 2)
    assert discord.requested == 1
    await discord.clock.advance(LIMITS_FRESH_S)
    await discord.start_all(range(1), within_s=1)
    assert discord.requested == 2


async def test_known_limits_apply_while_discord_does_not_answer() -> None:
    discord = Discord()
    await discord.starts.fetch_limits()
    discord.error = aiohttp.ClientConnectionError()
    await discord.clock.advance(LIMITS_FRESH_S + 1)
    await discord.start_all(range(1), within_s=1)
    assert len(discord.identified) == 1
    await discord.clock.advance(discord.reset_after_s)
    with pytest.raises(aiohttp.ClientConnectionError):
        await discord.start(0)


LIMIT: dict[str, object] = {"total": 1000, "remaining": 999, "reset_after": 1, "max_concurrency": 1}
UNREADABLE: tuple[Callable[[], object], ...] = (
    lambda: None,
    list,
    lambda: {"shards": 1},
    lambda: {"shards": "many", "session_start_limit": LIMIT},
    lambda: {"shards": 1, "session_start_limit": None},
    lambda: {"shards": 1, "session_start_limit": LIMIT | {"remaining": None}},
)


@pytest.mark.parametrize("answer", UNREADABLE)
def test_answer_without_limits_is_unreadable(answer: Callable[[], object]) -> None:
    with pytest.raises(UnreadableAnswer):
        parse_limits(answer(), 0.0)


def test_answer_with_impossible_numbers_means_one_shard_at_a_time() -> None:
    limits = parse_limits({"shards": 0, "session_start_limit": LIMIT | {"max_concurrency": 0, "reset_after": -1}}, 5.0)
    assert (limits.shards, limits.max_concurrency, limits.reset_at_s) == (1, 1, 5.0)
