"""A 429 of Discord with any wait, on every kind of request: the wait is bounded, and no exception stops a loop."""

import math
from collections.abc import Awaitable, Callable

import pytest

from bot.discord_api.backoff import BACKOFF_CEILING_S, WAIT_MAX_S
from bot.domain.outgoing import Delivered, OutcomeUnknown, RetryLater
from bot.domain.subscription import BlockedNotice
from sandbox.discord import ChannelKind, CloudflareBlock, ExtraHeaders
from tests.support.guarded_client import GuardedHarness, check, edit, find, guarded, publish, rate_limited

pytestmark = pytest.mark.slow

TOO_LONG = [30.5, 3601, 99_999_999, 1e12, 1e300, 10**20, 10**300]
UNUSABLE = [math.nan, math.inf, -math.inf, -1, -1e12, 0, 10**400, "60", "1e12", "", "soon", None, True, [], {}, [60]]


@pytest.mark.parametrize("retry_after", TOO_LONG, ids=repr)
async def test_wait_that_is_too_long_is_limited_to_an_hour(retry_after: float) -> None:
    async with guarded() as harness:
        harness.lab.local.faults.add("POST", "/messages$", rate_limited(retry_after))
        wait_s = harness.wait_s(await harness.delivery.send(harness.post()))
        assert wait_s == min(retry_after, WAIT_MAX_S)
        assert isinstance(await harness.delivery.send(harness.post("vision")), Delivered)


@pytest.mark.parametrize("retry_after", UNUSABLE, ids=repr)
async def test_unusable_wait_is_replaced_by_an_own_one_that_doubles(retry_after: object) -> None:
    async with guarded() as harness:
        harness.lab.local.faults.add("POST", "/messages$", rate_limited(retry_after), times=11)
        before = len(harness.lab.local.requests)
        waits_s = [harness.wait_s(await harness.delivery.send(harness.post())) for _ in range(11)]
        assert waits_s[:4] == [2, 4, 8, 16]
        assert waits_s[-1] == BACKOFF_CEILING_S
        assert len(harness.lab.local.requests) == before + 11
        assert isinstance(await harness.delivery.send(harness.post()), Delivered)


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        ("120", 120),
        ("99999999", WAIT_MAX_S),
        ("Wed, 18 Nov 2026 12:05:00 GMT", 300),
        ("1e12", 2),
        ("nan", 2),
        ("-5", 2),
    ],
)
async def test_header_counts_where_the_body_says_nothing(header: str, wait_s: float) -> None:
    async with guarded() as harness:
        harness.lab.local.faults.add("POST", "/messages$", rate_limited(None, {"Retry-After": header}))
        assert harness.wait_s(await harness.delivery.send(harness.post())) == wait_s


REQUESTS: list[Callable[[GuardedHarness], Awaitable[object]]] = [edit, publish, find, check]


@pytest.mark.parametrize("request_of", REQUESTS)
@pytest.mark.parametrize("retry_after", [1e12, math.nan, "soon", None])
async def test_every_kind_of_request_is_retried_within_an_hour(
    request_of: Callable[[GuardedHarness], Awaitable[object]], retry_after: object
) -> None:
    async with guarded() as harness:
        harness.lab.local.faults.add(None, "", rate_limited(retry_after))
        assert 0 < harness.wait_s(await request_of(harness)) <= WAIT_MAX_S


@pytest.mark.parametrize("retry_after", [1e12, math.nan, "soon"])
async def test_notice_is_retried_after_any_rate_limit(retry_after: object) -> None:
    async with guarded() as harness:
        ids = harness.lab.world.default
        harness.lab.local.faults.add(None, "", rate_limited(retry_after), times=2)
        notice = BlockedNotice(ids.channel("papers"), ids.guild_id, "a reason", ids.member_id)
        assert not await harness.notices.send(notice)


@pytest.mark.parametrize("retry_after", [1e12, math.nan, "soon"])
async def test_forum_post_is_retried_after_any_rate_limit(retry_after: object) -> None:
    async with guarded(gateway=True) as harness:
        created = harness.lab.client.wait_for("guild_channel_create", timeout=10.0)
        forum = harness.lab.world.add_channel(harness.lab.world.default.guild_id, "forum", ChannelKind.FORUM)
        await created
        harness.lab.local.faults.add("POST", "/threads$", rate_limited(retry_after))
        post = harness.post(channel_id=forum.id)
        assert harness.wait_s(await harness.delivery.send(post)) <= WAIT_MAX_S
        assert isinstance(await harness.delivery.send(post), Delivered)


async def test_long_global_rate_limit_stops_every_request_until_the_probe() -> None:
    async with guarded() as harness:
        harness.lab.local.faults.add("POST", "/messages$", rate_limited(1e12, is_global=True))
        outcome = await harness.delivery.send(harness.post())
        sent = len(harness.lab.local.requests)
        assert isinstance(outcome, RetryLater)
        assert outcome.everywhere
        assert await harness.delivery.send(harness.post("vision")) == outcome
        assert harness.problems.current["discord"].text == "Posting is paused: Discord's global rate limit"
        assert harness.backoff.probe_due_in_s() == WAIT_MAX_S
        assert len(harness.lab.local.requests) == sent


async def test_short_rate_limit_is_waited_out_by_discord_py() -> None:
    async with guarded() as harness:
        harness.lab.local.faults.add("POST", "/messages$", rate_limited(0.01))
        assert isinstance(await harness.delivery.send(harness.post()), Delivered)


BAD_HEADERS = [
    {"X-RateLimit-Remaining": "many"},
    {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "nan"},
    {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "inf"},
    {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "-1e12"},
    {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "soon"},
    {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1e300"},
    {"X-RateLimit-Remaining": "0"},
    {"X-RateLimit-Remaining": "1", "X-RateLimit-Limit": "x", "X-RateLimit-Reset-After": "1"},
    {"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "0", "X-RateLimit-Reset-After": "9"},
    {"X-RateLimit-Remaining": "-5", "X-RateLimit-Limit": "-5", "X-RateLimit-Reset-After": "9"},
    {"X-RateLimit-Remaining": "9" * 5000, "X-RateLimit-Limit": "1", "X-RateLimit-Reset-After": "1"},
]


@pytest.mark.parametrize("headers", BAD_HEADERS, ids=lambda headers: ",".join(headers.values())[:30])
async def test_unusable_rate_limit_headers_delay_nothing(headers: dict[str, str]) -> None:
    async with guarded() as harness:
        harness.lab.local.faults.add("POST", "/messages$", ExtraHeaders(headers), times=2)
        for _ in range(3):
            assert isinstance(await harness.delivery.send(harness.post()), Delivered)


@pytest.mark.parametrize("reset_after", ["99999999", "1e12"])
async def test_bucket_with_a_long_window_is_tried_again_after_an_hour(reset_after: str) -> None:
    async with guarded() as harness:
        window = {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "3", "X-RateLimit-Reset-After": reset_after}
        harness.lab.local.faults.add("POST", "/messages$", ExtraHeaders(window))
        assert isinstance(await harness.delivery.send(harness.post()), Delivered)
        assert WAIT_MAX_S - 60 < harness.wait_s(await harness.delivery.send(harness.post())) <= WAIT_MAX_S


@pytest.mark.parametrize("body", ["{", "[1, 2", "\\x00", "9" * 5000])
async def test_unreadable_answer_to_a_message_leaves_its_outcome_unknown(body: str) -> None:
    async with guarded() as harness:
        harness.lab.local.faults.block(CloudflareBlock(200, page=body, content_type="application/json"))
        assert isinstance(await harness.delivery.send(harness.post()), OutcomeUnknown)
