"""What goes wrong on demand: rate limits, failures, broken connections, a gateway that hangs up."""

import asyncio
import time

import aiohttp
import discord
import pytest

from sandbox.discord import (
    DropAfter,
    DropBefore,
    Limit,
    LocalDiscord,
    RateLimited,
    RateLimits,
    Slow,
    Status,
    StatusAfter,
)
from sandbox.discord.ratelimits import RateLimiter
from tests.support.discord_client import DEADLINE_S, Lab, SmallClient, connected, logged_in, served

MESSAGES = r"/channels/\d+/messages$"


def statuses(local: LocalDiscord, method: str) -> list[int | None]:
    return [request.status for request in local.requests if request.method == method]


def sent(lab: Lab) -> list[str]:
    kept = lab.world.messages.history(lab.world.default.channel("papers"))
    return [message.content for message in reversed(kept)]


def client_that_answers() -> SmallClient:
    client = SmallClient()

    @client.tree.command(description="Answer")
    async def ping(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("pong")

    return client


async def pong(lab: Lab) -> str:
    done = await lab.local.run_command("ping", user_id=lab.world.default.member_id, channel_id=None)
    return (await done.wait_for_reply()).content


async def test_discord_py_paces_itself_by_the_buckets_headers() -> None:
    limits = RateLimits(messages=Limit(2, 0.15))
    async with logged_in(rate_limits=limits) as lab:
        began_s = time.monotonic()
        for number in range(5):
            await lab.partial("papers").send(str(number))
        assert time.monotonic() - began_s >= 0.3
        assert statuses(lab.local, "POST") == [200] * 5


async def test_too_early_requests_get_429_and_are_repeated_by_discord_py() -> None:
    limits = RateLimits(messages=Limit(2, 0.3))
    async with logged_in(rate_limits=limits) as lab:
        other = SmallClient()
        await other.login("sandbox-token")  # its own idea of the buckets
        papers = lab.world.default.channel("papers")
        sending = [client.get_partial_messageable(papers).send("x") for client in (lab.client, other) for _ in range(3)]
        await asyncio.gather(*sending)
        await other.close()
        assert len(sent(lab)) == 6
        assert 429 in statuses(lab.local, "POST")


async def test_planned_429_is_waited_out_once() -> None:
    async with logged_in() as lab:
        lab.local.faults.add("POST", MESSAGES, RateLimited(0.05))
        lab.local.faults.add("POST", MESSAGES, RateLimited(0.05, is_global=True))
        began_s = time.monotonic()
        await lab.partial("papers").send("x")
        assert time.monotonic() - began_s >= 0.1
        assert statuses(lab.local, "POST") == [429, 429, 200]
        assert lab.local.faults.pending == 0


async def test_dropped_before_nothing_happened_dropped_after_it_did() -> None:
    async with logged_in() as lab:
        lab.local.faults.add("POST", MESSAGES, DropBefore())
        with pytest.raises((aiohttp.ClientError, OSError)):
            await lab.partial("papers").send("before", nonce="n1")
        assert sent(lab) == []
        lab.local.faults.add("POST", MESSAGES, DropAfter())
        with pytest.raises((aiohttp.ClientError, OSError)):
            await lab.partial("papers").send("after", nonce="n2")
        assert sent(lab) == ["after"]
        await lab.partial("papers").send("after", nonce="n2")
        assert sent(lab) == ["after"]
        assert statuses(lab.local, "POST") == [None, None, 200]


async def test_503_is_raised_and_the_message_exists_only_if_it_came_after() -> None:
    async with logged_in() as lab:
        lab.local.faults.add("POST", MESSAGES, Status(503))
        lab.local.faults.add("POST", MESSAGES, StatusAfter(503))
        for content in ("first", "second"):
            with pytest.raises(discord.DiscordServerError):
                await lab.partial("papers").send(content)
        assert sent(lab) == ["second"]


async def test_refusal_on_demand_looks_like_discords_own() -> None:
    async with logged_in() as lab:
        lab.local.faults.add(None, MESSAGES, Status.api_error(403, 50013, "Missing Permissions"), skip=1)
        await lab.partial("papers").send("goes through")
        with pytest.raises(discord.Forbidden) as refused:
            await lab.partial("papers").send("does not")
        assert refused.value.code == 50013
        lab.local.faults.add(None, MESSAGES, Status(503), times=100)
        lab.local.faults.clear()
        await lab.partial("papers").send("goes through again")


async def test_slow_answers_come_late() -> None:
    async with logged_in() as lab:
        lab.local.faults.add("POST", MESSAGES, Slow(0.05))
        began_s = time.monotonic()
        await lab.partial("papers").send("x")
        assert time.monotonic() - began_s >= 0.05


async def test_broken_connection_is_resumed_and_what_was_missed_is_replayed() -> None:
    async with connected(client_that_answers()) as lab:
        resumed = lab.client.wait_for("resumed", timeout=DEADLINE_S)
        await lab.local.close_gateway()
        await lab.local.changes.wait_until(lambda: not lab.local.bot_is_ready, DEADLINE_S)
        lab.world.add_channel(lab.world.default.guild_id, "made-meanwhile")
        missed = await lab.local.run_command("ping", user_id=lab.world.default.member_id, channel_id=None)
        assert (await missed.wait_for_reply()).content == "pong"
        await resumed
        guild = lab.client.get_guild(lab.world.default.guild_id)
        assert guild is not None
        assert "made-meanwhile" in {channel.name for channel in guild.channels}
        assert lab.local.identify_count == 1


@pytest.mark.parametrize("code", [1000, 4000, 4009])
async def test_gateway_that_hangs_up_is_resumed(code: int) -> None:
    async with connected(client_that_answers()) as lab:
        resumed = lab.client.wait_for("resumed", timeout=DEADLINE_S)
        await lab.local.close_gateway(code)
        await resumed
        assert await pong(lab) == "pong"
        assert lab.local.identify_count == 1


async def test_forgotten_session_is_identified_again() -> None:
    async with connected(client_that_answers()) as lab:
        ready = lab.client.wait_for("ready", timeout=DEADLINE_S)
        await lab.local.close_gateway(resumable=False)
        await ready
        assert await pong(lab) == "pong"
        assert lab.local.identify_count == 2


async def test_invalidated_session_is_identified_again_and_a_reconnect_is_resumed() -> None:
    async with connected(client_that_answers()) as lab:
        resumed = lab.client.wait_for("resumed", timeout=DEADLINE_S)
        lab.local.request_reconnect()
        await resumed
        assert lab.local.identify_count == 1
        ready = lab.client.wait_for("ready", timeout=DEADLINE_S)
        lab.local.invalidate_sessions()
        await ready
        assert await pong(lab) == "pong"
        assert lab.local.identify_count == 2


async def test_closed_gateway_refuses_connections() -> None:
    async with logged_in() as lab:
        lab.local.gateway_open = False
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await lab.client.connect(reconnect=False)
        assert refused.value.status == 503
        assert not lab.local.gateway_open


async def test_gateway_hangs_up_on_who_does_not_know_the_token_or_speaks_no_json() -> None:
    local = LocalDiscord()
    async with served(local) as address, aiohttp.ClientSession() as session:
        said = {4004: '{"op": 2, "d": {"token": "wrong", "intents": 1}}', 4002: "hello", 4001: '{"op": 99}'}
        for code, text in said.items():
            async with session.ws_connect(f"{address}/gateway") as socket:
                assert (await socket.receive_json())["op"] == 10
                await socket.send_str(text)
                await socket.receive()
                assert socket.close_code == code


async def test_session_ends_when_the_bot_hangs_up_for_good_and_waits_when_it_does_not() -> None:
    local = LocalDiscord()
    async with served(local) as address, aiohttp.ClientSession() as session:
        for code, answer in ((1000, 9), (4000, 0)):
            async with session.ws_connect(f"{address}/gateway") as socket:
                await socket.receive_json()
                await socket.send_json({"op": 2, "d": {"token": "sandbox-token", "intents": 1}})
                ready = await socket.receive_json()
                await socket.close(code=code)
            async with session.ws_connect(f"{address}/gateway") as socket:
                await socket.receive_json()
                known = {"token": "sandbox-token", "session_id": ready["d"]["session_id"], "seq": ready["s"]}
                await socket.send_json({"op": 6, "d": known})
                heard = await socket.receive_json()
                assert heard["op"] == answer
        assert heard["t"] == "GUILD_CREATE"  # what came after READY is replayed


async def test_gateway_hangs_up_on_a_bot_that_talks_too_much() -> None:
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


def test_bucket_fills_and_empties_with_its_window() -> None:
    limiter = RateLimiter(RateLimits())
    template = "/channels/{channel_id}/messages"
    verdicts = [limiter.check("POST", template, "1", now_s, 1000.0) for now_s in (0.0, 1.0, 1.0, 1.0, 1.0, 2.0, 5.0)]
    assert [verdict.retry_after_s for verdict in verdicts] == [None, None, None, None, None, 3.0, None]
    assert [verdict.headers["X-RateLimit-Remaining"] for verdict in verdicts] == ["4", "3", "2", "1", "0", "0", "4"]
    assert verdicts[5].headers["Via"]
    assert limiter.check("POST", template, "2", 5.0, 1000.0).headers["X-RateLimit-Remaining"] == "4"


def test_fifty_requests_a_second_are_allowed_over_all_routes_but_interactions() -> None:
    limiter = RateLimiter(RateLimits())
    template = "/channels/{channel_id}/messages"
    for channel in range(50):
        assert limiter.check("POST", template, str(channel), 0.0, 1000.0).retry_after_s is None
    refused = limiter.check("POST", template, "50", 0.25, 1000.0)
    assert (refused.retry_after_s, refused.is_global) == (0.75, True)
    callback = "/interactions/{interaction_id}/{interaction_token}/callback"
    assert limiter.check("POST", callback, "t", 0.25, 1000.0).retry_after_s is None
    assert limiter.check("POST", template, "50", 1.0, 1000.0).retry_after_s is None
