"""Simulated failures: rate limits, errors, dropped connections, a closing gateway."""

import asyncio
import time

import aiohttp
import discord
import pytest

from sandbox.discord import (
    CloudflareBlock,
    DropAfter,
    DropBefore,
    ExtraHeaders,
    IdentifyLimits,
    Limit,
    LocalDiscord,
    RateLimited,
    RateLimits,
    Slow,
    Status,
    StatusAfter,
)
from sandbox.discord.ratelimits import RateLimiter
from tests.support.discord_client import DEADLINE_S, DiscordHarness, SmallClient, connected, logged_in, served

pytestmark = pytest.mark.slow

MESSAGES = r"/channels/\d+/messages$"


def statuses(local: LocalDiscord, method: str) -> list[int | None]:
    return [request.status for request in local.requests if request.method == method]


def sent(harness: DiscordHarness) -> list[str]:
    kept = harness.world.messages.history(harness.world.default.channel("papers"))
    return [message.content for message in reversed(kept)]


def client_that_answers() -> SmallClient:
    client = SmallClient()

    @client.tree.command(description="Answer")
    async def ping(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("pong")

    return client


async def pong(harness: DiscordHarness) -> str:
    done = await harness.local.run_command("ping", user_id=harness.world.default.member_id, channel_id=None)
    return (await done.wait_for_reply()).content


async def test_discord_py_respects_rate_limit_headers() -> None:
    limits = RateLimits(messages=Limit(2, 0.15))
    async with logged_in(rate_limits=limits) as harness:
        started_at_s = time.monotonic()
        for number in range(5):
            await harness.partial("papers").send(str(number))
        assert time.monotonic() - started_at_s >= 0.3
        assert statuses(harness.local, "POST") == [200] * 5


async def test_discord_py_retries_requests_that_get_429() -> None:
    limits = RateLimits(messages=Limit(2, 0.3))
    async with logged_in(rate_limits=limits) as harness:
        other = SmallClient()
        await other.login("sandbox-token")  # has its own state of the buckets
        papers = harness.world.default.channel("papers")
        sender = [
            client.get_partial_messageable(papers).send("x") for client in (harness.client, other) for _ in range(3)
        ]
        await asyncio.gather(*sender)
        await other.close()
        assert len(sent(harness)) == 6
        assert 429 in statuses(harness.local, "POST")


async def test_injected_429_is_retried_once() -> None:
    async with logged_in() as harness:
        harness.local.faults.add("POST", MESSAGES, RateLimited(0.05))
        harness.local.faults.add("POST", MESSAGES, RateLimited(0.05, is_global=True))
        started_at_s = time.monotonic()
        await harness.partial("papers").send("x")
        assert time.monotonic() - started_at_s >= 0.1
        assert statuses(harness.local, "POST") == [429, 429, 200]
        assert harness.local.faults.pending == 0


async def test_dropped_connection_can_come_before_or_after_the_effect() -> None:
    async with logged_in() as harness:
        harness.local.faults.add("POST", MESSAGES, DropBefore())
        with pytest.raises((aiohttp.ClientError, OSError)):
            await harness.partial("papers").send("before", nonce="n1")
        assert sent(harness) == []
        harness.local.faults.add("POST", MESSAGES, DropAfter())
        with pytest.raises((aiohttp.ClientError, OSError)):
            await harness.partial("papers").send("after", nonce="n2")
        assert sent(harness) == ["after"]
        await harness.partial("papers").send("after", nonce="n2")
        assert sent(harness) == ["after"]
        assert statuses(harness.local, "POST") == [None, None, 200]


async def test_503_can_come_before_or_after_the_message_is_sent() -> None:
    async with logged_in() as harness:
        harness.local.faults.add("POST", MESSAGES, Status(503))
        harness.local.faults.add("POST", MESSAGES, StatusAfter(503))
        for content in ("first", "second"):
            with pytest.raises(discord.DiscordServerError):
                await harness.partial("papers").send(content)
        assert sent(harness) == ["second"]


async def test_injected_error_has_discords_format() -> None:
    async with logged_in() as harness:
        harness.local.faults.add(None, MESSAGES, Status.api_error(403, 50013, "Missing Permissions"), skip=1)
        await harness.partial("papers").send("goes through")
        with pytest.raises(discord.Forbidden) as error:
            await harness.partial("papers").send("does not")
        assert error.value.code == 50013
        harness.local.faults.add(None, MESSAGES, Status(503), times=100)
        harness.local.faults.clear()
        await harness.partial("papers").send("goes through again")


@pytest.mark.parametrize("status", [403, 429, 503])
async def test_cloudflare_block_lasts_until_it_is_ended(status: int) -> None:
    async with logged_in() as harness:
        harness.local.faults.block(CloudflareBlock(status, retry_after="3600"))
        for request in (harness.partial("papers").send("x"), harness.client.fetch_user(1)):
            with pytest.raises(discord.HTTPException, match="<html") as error:
                await request
            assert "Via" not in error.value.response.headers
            assert error.value.response.headers["Retry-After"] == "3600"
        harness.local.faults.unblock()
        await harness.partial("papers").send("goes through")
        assert sent(harness) == ["goes through"]


async def test_cloudflare_block_can_be_limited_to_some_paths() -> None:
    async with logged_in() as harness:
        harness.local.faults.block(CloudflareBlock(path_pattern=f"/{harness.world.default.channel('papers')}/"))
        await harness.partial("vision").send("goes through")
        with pytest.raises(discord.Forbidden):
            await harness.partial("papers").send("does not")
        harness.local.faults.clear()
        await harness.partial("papers").send("goes through")


async def test_extra_headers_are_added_to_the_response() -> None:
    async with logged_in() as harness:
        harness.local.faults.add("POST", MESSAGES, ExtraHeaders({"X-RateLimit-Remaining": "x"}))
        with pytest.raises(ValueError, match="invalid literal"):
            await harness.partial("papers").send("x")
        assert sent(harness) == ["x"]


async def test_slow_response_is_delayed() -> None:
    async with logged_in() as harness:
        harness.local.faults.add("POST", MESSAGES, Slow(0.05))
        started_at_s = time.monotonic()
        await harness.partial("papers").send("x")
        assert time.monotonic() - started_at_s >= 0.05


async def test_dropped_connection_resumes_and_replays_missed_events() -> None:
    async with connected(client_that_answers()) as harness:
        resumed = harness.client.wait_for("resumed", timeout=DEADLINE_S)
        await harness.local.close_gateway()
        await harness.local.changes.wait_until(lambda: not harness.local.bot_is_ready, DEADLINE_S)
        harness.world.add_channel(harness.world.default.guild_id, "made-meanwhile")
        missed = await harness.local.run_command("ping", user_id=harness.world.default.member_id, channel_id=None)
        assert (await missed.wait_for_reply()).content == "pong"
        await resumed
        guild = harness.client.get_guild(harness.world.default.guild_id)
        assert guild is not None
        assert "made-meanwhile" in {channel.name for channel in guild.channels}
        assert harness.local.identify_count == 1


@pytest.mark.parametrize("code", [1000, 4000, 4009])
async def test_closed_gateway_connection_is_resumed(code: int) -> None:
    async with connected(client_that_answers()) as harness:
        resumed = harness.client.wait_for("resumed", timeout=DEADLINE_S)
        await harness.local.close_gateway(code)
        await resumed
        assert await pong(harness) == "pong"
        assert harness.local.identify_count == 1


async def test_client_identifies_again_after_its_session_is_deleted() -> None:
    async with connected(client_that_answers()) as harness:
        ready = harness.client.wait_for("ready", timeout=DEADLINE_S)
        await harness.local.close_gateway(resumable=False)
        await ready
        assert await pong(harness) == "pong"
        assert harness.local.identify_count == 2


async def test_invalid_session_identifies_again_and_reconnect_resumes() -> None:
    async with connected(client_that_answers()) as harness:
        resumed = harness.client.wait_for("resumed", timeout=DEADLINE_S)
        harness.local.request_reconnect()
        await resumed
        assert harness.local.identify_count == 1
        ready = harness.client.wait_for("ready", timeout=DEADLINE_S)
        harness.local.invalidate_sessions()
        await ready
        assert await pong(harness) == "pong"
        assert harness.local.identify_count == 2


async def test_gateway_outage_rejects_connections() -> None:
    async with logged_in() as harness:
        harness.local.gateway_open = False
        with pytest.raises(aiohttp.WSServerHandshakeError) as error:
            await harness.client.connect(reconnect=False)
        assert error.value.status == 503
        assert not harness.local.gateway_open


async def test_gateway_closes_on_a_wrong_token_or_invalid_json() -> None:
    local = LocalDiscord()
    async with served(local) as address, aiohttp.ClientSession() as session:
        frames = {4004: '{"op": 2, "d": {"token": "wrong", "intents": 1}}', 4002: "hello", 4001: '{"op": 99}'}
        for code, text in frames.items():
            async with session.ws_connect(f"{address}/gateway") as socket:
                assert (await socket.receive_json())["op"] == 10
                await socket.send_str(text)
                await socket.receive()
                assert socket.close_code == code


async def test_session_ends_on_a_normal_close_and_survives_others() -> None:
    local = LocalDiscord(identify_limits=IdentifyLimits.off())
    async with served(local) as address, aiohttp.ClientSession() as session:
        for code, expected_op in ((1000, 9), (4000, 0)):
            async with session.ws_connect(f"{address}/gateway") as socket:
                await socket.receive_json()
                await socket.send_json({"op": 2, "d": {"token": "sandbox-token", "intents": 1}})
                ready = await socket.receive_json()
                await socket.close(code=code)
            async with session.ws_connect(f"{address}/gateway") as socket:
                await socket.receive_json()
                known = {"token": "sandbox-token", "session_id": ready["d"]["session_id"], "seq": ready["s"]}
                await socket.send_json({"op": 6, "d": known})
                received = await socket.receive_json()
                assert received["op"] == expected_op
        assert received["t"] == "GUILD_CREATE"  # events after READY are replayed


async def test_gateway_closes_on_too_many_frames() -> None:
    local = LocalDiscord()
    async with (
        served(local) as address,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{address}/gateway") as socket,
    ):
        for _ in range(121):
            await socket.send_json({"op": 1, "d": None})
        while not socket.closed:
            await socket.receive()
        assert socket.close_code == 4008


def test_bucket_resets_after_its_window() -> None:
    limiter = RateLimiter(RateLimits())
    template = "/channels/{channel_id}/messages"
    verdicts = [limiter.check("POST", template, "1", now_s, 1000.0) for now_s in (0.0, 1.0, 1.0, 1.0, 1.0, 2.0, 5.0)]
    assert [verdict.retry_after_s for verdict in verdicts] == [None, None, None, None, None, 3.0, None]
    assert [verdict.headers["X-RateLimit-Remaining"] for verdict in verdicts] == ["4", "3", "2", "1", "0", "0", "4"]
    assert verdicts[5].headers["Via"]
    assert limiter.check("POST", template, "2", 5.0, 1000.0).headers["X-RateLimit-Remaining"] == "4"


def test_global_limit_is_fifty_per_second_without_interactions() -> None:
    limiter = RateLimiter(RateLimits())
    template = "/channels/{channel_id}/messages"
    for channel in range(50):
        assert limiter.check("POST", template, str(channel), 0.0, 1000.0).retry_after_s is None
    error = limiter.check("POST", template, "50", 0.25, 1000.0)
    assert (error.retry_after_s, error.is_global) == (0.75, True)
    callback = "/interactions/{interaction_id}/{interaction_token}/callback"
    assert limiter.check("POST", callback, "t", 0.25, 1000.0).retry_after_s is None
    assert limiter.check("POST", template, "50", 1.0, 1000.0).retry_after_s is None
