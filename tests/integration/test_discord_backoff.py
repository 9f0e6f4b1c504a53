"""The global backoff: what starts it, and what it stops; discord.py against the sandbox."""

import asyncio
from collections.abc import Awaitable, Callable

import discord
import pytest

from bot.discord_api.attempts import INVALID_REQUESTS_MAX
from bot.discord_api.backoff import (
    BACKOFF_FLOOR_S,
    REPLIES_PAUSED_S,
    SERVER_ERROR_PAGES_MAX,
    WAIT_MAX_S,
    DiscordBackoff,
)
from bot.domain.outgoing import Blocked, Delivered, OutcomeUnknown, Rejected, RetryLater
from bot.domain.subscription import BlockedNotice
from sandbox.discord import CloudflareBlock, Status
from tests.support.clock import settle
from tests.support.discord_client import DEADLINE_S
from tests.support.guarded_client import GuardedHarness, check, edit, find, guarded, publish, rate_limited

PAGES = [
    CloudflareBlock(403),
    CloudflareBlock(403, page='{"title": "Error 1020"}', content_type="application/json"),
    CloudflareBlock(403, page="[", content_type="application/json"),
    CloudflareBlock(403, page="[]", content_type="application/json"),
    CloudflareBlock(403, page="error code: 1020", content_type="text/plain"),
    CloudflareBlock(400),
    CloudflareBlock(401),
    CloudflareBlock(404),
    CloudflareBlock(407),
    CloudflareBlock(451),
    CloudflareBlock(429),
    CloudflareBlock(429, page='{"message": "x", "retry_after": 0.1}', content_type="application/json"),
    CloudflareBlock(200),
    CloudflareBlock(500, retry_after="1"),
    CloudflareBlock(503, retry_after="1"),
    CloudflareBlock(520, retry_after="1"),
]


def sent(harness: GuardedHarness) -> int:
    return len(harness.lab.local.requests)


def block(
    harness: GuardedHarness, status: int = 403, *, retry_after: str | None = None, path_pattern: str = ""
) -> None:
    harness.lab.local.faults.block(CloudflareBlock(status, retry_after, path_pattern))


async def send(harness: GuardedHarness, name: str = "papers") -> object:
    return await harness.delivery.send(harness.post(name))


REQUESTS: list[Callable[[GuardedHarness], Awaitable[object]]] = [send, edit, publish, find, check]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.status} {page.content_type} {len(page.page)}")
async def test_page_instead_of_an_answer_starts_a_backoff(page: CloudflareBlock) -> None:
    async with guarded() as harness:
        harness.lab.local.faults.block(page)
        outcome = await send(harness)
        assert isinstance(outcome, RetryLater)
        assert outcome.everywhere
        assert outcome.reason == f"Cloudflare blocks the bot's requests to Discord (status {page.status})"
        assert harness.backoff.probe_due_in_s() == BACKOFF_FLOOR_S


@pytest.mark.parametrize("first", REQUESTS)
async def test_backoff_stops_every_kind_of_request(first: Callable[[GuardedHarness], Awaitable[object]]) -> None:
    async with guarded() as harness:
        block(harness)
        assert isinstance(await first(harness), RetryLater)
        before = sent(harness)
        ids = harness.lab.world.default
        for request_of in REQUESTS:
            assert isinstance(await request_of(harness), RetryLater)
        assert not await harness.notices.send(BlockedNotice(1, ids.guild_id, "a reason", ids.member_id))
        assert sent(harness) == before


@pytest.mark.parametrize(
    ("retry_after", "delay_s"),
    [
        ("1", BACKOFF_FLOOR_S),
        ("600", 600),
        ("3600", 3600),
        ("99999999", WAIT_MAX_S),
        ("Wed, 18 Nov 2026 12:30:00 GMT", 1800),
        ("Wed, 18 Nov 9999 12:30:00 GMT", WAIT_MAX_S),
        *[(unusable, BACKOFF_FLOOR_S) for unusable in ("-1", "0", "nan", "inf", "1e12", "soon", "9" * 400, "")],
    ],
)
async def test_retry_after_is_honoured_up_to_an_hour(retry_after: str, delay_s: float) -> None:
    async with guarded() as harness:
        block(harness, 429, retry_after=retry_after)
        await send(harness)
        assert harness.backoff.probe_due_in_s() == delay_s


@pytest.mark.parametrize("code", [50001, 50013, 0, 40333])
async def test_403_of_discord_blocks_only_its_channel(code: int) -> None:
    async with guarded() as harness:
        harness.lab.local.faults.add("POST", "/messages$", Status.api_error(403, code, "Missing Access"))
        assert isinstance(await send(harness), Blocked)
        assert isinstance(await send(harness, "vision"), Delivered)
        assert harness.backoff.period is None


async def test_message_of_discord_is_shown_on_one_line_without_formatting() -> None:
    async with guarded() as harness:
        error = Status.api_error(403, 0, "No\n# **Access** @everyone\n" + "x" * 5000)
        harness.lab.local.faults.add("POST", "/messages$", error)
        outcome = await send(harness)
        assert isinstance(outcome, Blocked)
        assert "\n" not in outcome.reason
        assert "**" not in outcome.reason.replace(r"\*", "")
        assert "@everyone" not in outcome.reason
        assert len(outcome.reason) < 400


@pytest.mark.parametrize("status", [413, 414])
async def test_page_about_a_request_that_is_too_large_starts_no_backoff(status: int) -> None:
    async with guarded() as harness:
        block(harness, status)
        assert isinstance(await send(harness), OutcomeUnknown | Rejected)
        assert harness.backoff.period is None


async def test_single_page_of_a_server_error_starts_no_backoff() -> None:
    async with guarded() as harness:
        for _ in range(SERVER_ERROR_PAGES_MAX):
            harness.lab.local.faults.add("POST", "/messages$", Status(503))
            assert isinstance(await send(harness), OutcomeUnknown)
            assert isinstance(await send(harness, "vision"), Delivered)
        assert harness.backoff.period is None


async def test_many_pages_of_server_errors_in_a_row_start_a_backoff() -> None:
    async with guarded() as harness:
        harness.lab.local.faults.add("POST", "/messages$", Status(503), times=99)
        outcomes = [await send(harness) for _ in range(SERVER_ERROR_PAGES_MAX)]
        assert [type(outcome) for outcome in outcomes[:-1]] == [OutcomeUnknown] * (SERVER_ERROR_PAGES_MAX - 1)
        assert isinstance(outcomes[-1], RetryLater)
        assert outcomes[-1].reason == "Discord is unavailable (status 503)"


async def test_answers_to_requests_under_way_neither_extend_nor_end_the_backoff() -> None:
    async with guarded() as harness:
        block(harness, path_pattern="/channels/")
        await asyncio.gather(*(send(harness, name) for name in ("papers", "vision", "general")))
        assert harness.backoff.probe_due_in_s() == BACKOFF_FLOOR_S


async def test_many_requests_blocked_at_once_do_not_count_as_invalid() -> None:
    async with guarded() as harness:
        block(harness)
        await asyncio.gather(*(send(harness) for _ in range(INVALID_REQUESTS_MAX + 1)))
        assert list(harness.problems.current) == ["discord"]


async def test_many_rejections_by_discord_pause_posting_and_are_reported() -> None:
    async with guarded() as harness:
        harness.lab.local.faults.add("POST", "/messages$", Status.api_error(403, 50013, "No"), times=99)
        for _ in range(INVALID_REQUESTS_MAX):
            await send(harness)
        assert harness.problems.current["rejections"].is_shown(harness.clock.now())
        outcome = await harness.access.check_channel(1191319909171999999)
        assert isinstance(outcome, RetryLater)
        assert outcome.everywhere
        await harness.clock.advance(600)
        assert not harness.problems.current["rejections"].is_shown(harness.clock.now())


async def test_request_cancelled_in_a_global_rate_limit_does_not_stop_the_others() -> None:
    async with guarded() as harness:
        harness.lab.local.faults.add("POST", "/messages$", rate_limited(29, is_global=True))
        sending = asyncio.create_task(harness.delivery.send(harness.post()))
        before = sent(harness)
        await harness.lab.local.changes.wait_until(lambda: sent(harness) > before, DEADLINE_S)
        await settle()
        sending.cancel()
        await asyncio.wait([sending])
        assert isinstance(await send(harness, "vision"), Delivered)


# Replies to interactions.


async def reply(harness: GuardedHarness) -> None:
    """Answers an interaction that does not exist: only whether a request is sent matters."""
    webhook = discord.Webhook.partial(1, "token", client=harness.lab.client)
    await webhook.send("text")


async def test_blocked_reply_is_tried_at_most_every_ten_seconds() -> None:
    async with guarded() as harness:
        block(harness, 429, retry_after="3600")
        await send(harness)
        for _ in range(2):
            before = sent(harness)
            for _ in range(20):
                with pytest.raises(DiscordBackoff):
                    await reply(harness)
            assert sent(harness) == before + 1
            await harness.clock.advance(REPLIES_PAUSED_S)


async def test_reply_is_sent_during_a_backoff_that_does_not_concern_it() -> None:
    async with guarded() as harness:
        block(harness, path_pattern="^/channels/")
        await send(harness)
        for _ in range(2):
            with pytest.raises(discord.NotFound):
                await reply(harness)
        assert harness.backoff.period is not None
