"""The local gateway routes by shard, and refuses shards and sessions as Discord does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from sandbox.discord import IdentifyLimits, LocalDiscord, World
from tests.support.discord_client import served

pytestmark = pytest.mark.slow
TOKEN = "sandbox-token"
INVALID_SESSION = 9


class Socket:
    """One connection to the gateway."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def identify(self, shard: object = (0, 1)) -> object:
        """Identifies; returns the name of the next event, the opcode of another frame, or the close code."""
        await self._socket.receive_json()
        await self._socket.send_json({"op": 2, "d": {"token": TOKEN, "intents": 1, "shard": shard}})
        return await self.next()

    async def next(self) -> object:
        """The name of the next event, the opcode of another frame, or the close code."""
        message = await self._socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            return self._socket.close_code
        frame = message.json()
        return frame["t"] or frame["op"]

    async def next_data(self) -> dict[str, object]:
        """The server and the name of the channel in the next event."""
        data = (await self._socket.receive_json())["d"]
        return {"guild_id": data["guild_id"], "name": data["name"]}


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Socket]:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{address}/gateway") as socket:
        yield Socket(socket)


async def session_start_limit(address: str) -> tuple[int, dict[str, int]]:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bot {TOKEN}"}) as session,
        session.get(f"{address}/api/v10/gateway/bot") as response,
    ):
        answer = await response.json()
        return answer["shards"], answer["session_start_limit"]


def with_guilds(count: int, limits: IdentifyLimits) -> LocalDiscord:
    world = World(application_id=1)
    owner = world.add_user("owner")
    for number in range(1, count + 1):
        world.add_guild(f"Group {number}", owner.id, guild_id=number << 22)
    return LocalDiscord(world=world, identify_limits=limits)


async def test_second_identify_of_a_bucket_within_five_seconds_is_invalid() -> None:
    local = LocalDiscord(identify_limits=IdentifyLimits(recommended_shards=4, max_concurrency=2))
    async with served(local) as address, connected(address) as first, connected(address) as second:
        async with connected(address) as third:
            assert await first.identify((0, 4)) == "READY"
            assert await second.identify((1, 4)) == "READY"
            assert await third.identify((2, 4)) == INVALID_SESSION
        shards, limit = await session_start_limit(address)
        assert (shards, limit["max_concurrency"], limit["remaining"]) == (4, 2, 997)


@pytest.mark.parametrize("shard", [(1, 1), (-1, 2), (0, 0), (0,), "0"])
async def test_gateway_closes_on_an_invalid_shard(shard: object) -> None:
    async with served(LocalDiscord()) as address, connected(address) as socket:
        assert await socket.identify(shard) == 4010


async def test_gateway_requires_shards_for_too_many_servers() -> None:
    local = with_guilds(5, IdentifyLimits(guilds_per_shard_max=3, max_concurrency=2))
    async with served(local) as address, connected(address) as socket, connected(address) as half:
        assert await socket.identify() == 4011
        assert await half.identify((1, 2)) == "READY"


async def test_each_shard_receives_its_own_servers() -> None:
    local = with_guilds(5, IdentifyLimits.off())
    async with served(local) as address, connected(address) as socket:
        assert await socket.identify((1, 2)) == "READY"
        received = [await socket.next() for _ in range(3)]  # the servers 1, 3 and 5 of 1 to 5
        assert received == ["GUILD_CREATE"] * 3
        local.world.add_channel(2 << 22, "other")
        local.world.add_channel(3 << 22, "own")
        assert await socket.next_data() == {"guild_id": str(3 << 22), "name": "own"}


async def test_one_session_too_many_ends_all_sessions_and_resets_the_token() -> None:
    local = LocalDiscord(identify_limits=IdentifyLimits(sessions_per_day=1, max_concurrency=2))
    async with served(local) as address, connected(address) as first, connected(address) as second:
        assert await first.identify((0, 2)) == "READY"
        assert await first.next() == "GUILD_CREATE"
        assert await second.identify((1, 2)) == 4004
        assert await first.next() == 4004


async def test_sessions_of_the_day_can_be_started_again_after_the_reset() -> None:
    local = LocalDiscord(identify_limits=IdentifyLimits(max_concurrency=2))
    local.identifies.use_up(reset_after_s=60.0)
    async with served(local) as address:
        _, limit = await session_start_limit(address)
        assert limit["remaining"] == 0
        assert 59_000 < limit["reset_after"] <= 60_000
        local.identifies.use_up(reset_after_s=0.0)
        _, limit = await session_start_limit(address)
        assert limit["remaining"] == 1000
