"""A PostgreSQL server that goes away: commands answer and name the cause, nothing is lost, and everything resumes."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from bot import log
from bot.config import load_settings
from bot.runtime.server_url import ServerUrl
from sandbox.discord import Invocation, Message
from tests.support.loopback import free_port
from tests.support.quiescence import wait_until
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox
from tests.support.tcp_server import PASSWORD, Proxy, TcpServer, server_url

pytestmark = pytest.mark.slow

PAPERS = 12
UNUSABLE = "the database cannot be used at the moment: "
# A command never waits longer: the time in which a ping and then an attempt to connect fail, on a busy machine.
COMMAND_MAX_S = 15.0
# While an outage is known, no command waits for the server.
KNOWN_OUTAGE_MAX_S = 3.0
# After the server is back: the longest interval between two attempts to reach it, and the one of the supervisor.
RESUMES_WITHIN_S = 15.0
# Each of a dozen loops reports its failure, and repeats it with a backoff that doubles.
LINES_MAX = 100
COMMANDS: dict[str, dict[str, object]] = {
    "status": {},
    "keywords": {},
    "subscribe": {"keyword": "agents"},
    "unsubscribe": {"keyword": "reward model"},
    "latest": {"keyword": "reward model"},
    "channel show": {},
    "channel pause": {},
    "page": {},
}


@pytest.fixture(scope="module")
def server() -> Iterator[TcpServer]:
    """A server that the tests of this module share."""
    with TcpServer.running() as server:
        assert isinstance(server, TcpServer)
        yield server


@dataclass
class Outage:
    """A bot whose database is on a server that the test stops."""

    sandbox: RunningSandbox
    server: TcpServer
    name: str
    web_port: int
    lines: io.StringIO

    @property
    def log(self) -> list[str]:
        return self.lines.getvalue().splitlines()

    def add_papers(self) -> list[str]:
        return [self.sandbox.add_paper(f"Reward Models, Part {part}") for part in range(PAPERS)]

    def is_settled(self) -> bool:
        """Whether every paper was posted and every message is settled."""
        waiting = "SELECT count(*) FROM outbox WHERE state = 'waiting'"
        unsettled = "SELECT count(*) FROM posts WHERE settled_at IS NULL"
        return all(self.server.execute(each, self.name) == [(0,)] for each in (waiting, unsettled))

    async def health(self) -> tuple[int, str]:
        """Returns the status of `/healthz`, and its check of the database."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.address}/healthz") as response:
            checks = (await response.json())["checks"]
            return response.status, checks.get("database", {}).get("detail", "")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    async def run_commands(self) -> list[Invocation]:
        """Runs every command at the same time; returns when each has answered."""
        return await asyncio.gather(*(self.run_command(name, options) for name, options in COMMANDS.items()))

    async def run_command(self, name: str, options: dict[str, object]) -> Invocation:
        """Runs a command whose first answer is in time, as Discord requires, and whose reply does not take long."""
        started_at_s = time.monotonic()
        invocation = await self.sandbox.command(name, options)
        assert time.monotonic() - started_at_s < COMMAND_MAX_S, name
        return invocation

    async def check_commands_name_the_cause(self) -> None:
        for invocation in await self.run_commands():
            assert invocation.reply is not None
            assert UNUSABLE in invocation.reply.content
            assert "127.0.0.1" not in invocation.reply.content

    async def check_everything_is_posted_once(self, urls: list[str]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await self.sandbox.wait_for_papers("papers", len(urls))
        await wait_until(self.is_settled, DEADLINE_S)
        assert sorted(self.sandbox.posted_urls("papers")) == sorted(urls)

    async def check_it_resumes(self, urls: list[str]) -> None:
        """Checks that a new paper is posted soon, too, and that the log is short and has no traceback."""
        started_at_s = time.monotonic()
        urls = [*urls, self.sandbox.add_paper("Another Reward Model")]
        await self.check_everything_is_posted_once(urls)
        assert time.monotonic() - started_at_s < RESUMES_WITHIN_S
        await self.sandbox.subscribe("diffusion")
        assert (await self.health())[1] == ""
        self.check_log()

    def check_log(self) -> None:
        assert not [line for line in self.log if "Traceback" in line or "Ignoring exception" in line]
        assert len(self.log) < LINES_MAX
        assert "hush" not in self.lines.getvalue()
        assert PASSWORD not in self.lines.getvalue()


@asynccontextmanager
async def outage(tmp_path: Path, server: TcpServer, url: ServerUrl) -> AsyncIterator[Outage]:
    """Runs a bot that is subscribed to a keyword on this database."""
    output, port = io.StringIO(), free_port()
    async with running_sandbox(tmp_path) as sandbox:
        environment = {"DAILY_PAPERS_DATABASE": url.secret, "DAILY_PAPERS_WEB__PORT": str(port)}
        log.configure(load_settings(None, sandbox.environment(**environment), lambda _: None), output)
        async with running_bot(sandbox, DAILY_PAPERS_DATABASE=url.secret, DAILY_PAPERS_WEB__PORT=str(port)):
            running = Outage(sandbox, server, str(url).partition(" ")[0], port, output)
            await sandbox.subscribe("reward model")
            async with asyncio.timeout(DEADLINE_S):
                while await running.health() != (200, ""):  # noqa: ASYNC110 - no event reports it
                    await asyncio.sleep(0.05)
            yield running


@pytest.fixture
def name(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a test's own database; the other files of its bot are in a folder of their own, too."""
    monkeypatch.chdir(tmp_path)
    return f"d{abs(hash(request.node.nodeid))}"


@pytest.fixture
async def bot(tmp_path: Path, server: TcpServer, name: str) -> AsyncIterator[Outage]:
    """A bot that is connected to the server."""
    async with outage(tmp_path, server, server.create(name)) as running:
        yield running


async def test_stopped_server_is_reported_and_everything_resumes(bot: Outage) -> None:
    # The server crashes at the moment when Discord stores the first of two messages.
    stop = bot.sandbox.world.subscribe(lambda event, *_: bot.server.stop() if event == "MESSAGE_CREATE" else None)
    urls = bot.add_papers()
    await bot.sandbox.wait_for_papers("papers", 1)
    stop()
    await bot.check_commands_name_the_cause()
    status, detail = await bot.health()
    assert (status, detail) == (503, f"{UNUSABLE}the server cannot be reached")
    new_server = join_server(bot.sandbox)
    # From here on, the backoff of the loops is longer than the test waits for them to resume.
    await wait_until(lambda: any("loop failed" in line and "failures=5" in line for line in bot.log), DEADLINE_S)
    await bot.check_commands_name_the_cause()
    await asyncio.to_thread(bot.server.start)
    await bot.check_it_resumes(urls)
    messages = bot.sandbox.world.messages
    await bot.sandbox.wait_until(lambda: len(messages.in_channel(new_server)) == 1)


def join_server(sandbox: RunningSandbox) -> int:
    """Adds the bot to another server; returns the channel for its greeting."""
    world = sandbox.world
    guild = world.add_guild("Elsewhere", world.default.admin_id, with_bot=False)
    guild.system_channel_id = world.add_channel(guild.id, "welcome").id
    world.add_bot_to_guild(guild.id)
    return guild.system_channel_id


async def test_server_that_stops_answering_is_reported_and_everything_resumes(
    tmp_path: Path, server: TcpServer, name: str
) -> None:
    server.create(name)
    async with (
        Proxy.running(server.port) as proxy,
        outage(tmp_path, server, server_url(proxy.port, name)) as bot,
    ):
        first = bot.sandbox.add_paper("A Reward Model before")
        (post,) = await bot.sandbox.wait_for_papers("papers", 1)
        stop = bot.sandbox.world.subscribe(lambda event, *_: proxy.fall_silent() if event == "MESSAGE_CREATE" else None)
        urls = [first, *bot.add_papers()]
        await bot.sandbox.wait_for_papers("papers", 2)
        stop()
        await asyncio.gather(bot.check_commands_name_the_cause(), check_abstract_is_a_link(bot.sandbox, post))
        assert (await bot.health())[0] == 503
        started_at_s = time.monotonic()
        await bot.check_commands_name_the_cause()
        assert time.monotonic() - started_at_s < KNOWN_OUTAGE_MAX_S
        proxy.answer()
        await bot.check_it_resumes(urls)


async def check_abstract_is_a_link(sandbox: RunningSandbox, post: Message) -> None:
    """Presses the button of a post, which is answered in time although the database does not answer."""
    row = post.components[0]["components"]
    assert isinstance(row, list)
    invocation = await sandbox.discord.press(post.id, row[0]["custom_id"], user_id=sandbox.world.default.member_id)
    reply = await invocation.wait_for_reply(COMMAND_MAX_S)
    assert reply.content.startswith("Read the abstract on arXiv: <https://arxiv.org/abs/")


async def test_terminated_connections_lose_and_duplicate_nothing(bot: Outage) -> None:
    urls = [url for _ in range(3) for url in bot.add_papers()]
    for _ in range(10):
        terminate(bot)
        await asyncio.sleep(0.3)
    await bot.check_it_resumes(urls)


async def test_server_that_becomes_read_only_is_reported_and_everything_resumes(bot: Outage) -> None:
    bot.server.execute(f"ALTER DATABASE {bot.name} SET default_transaction_read_only = on")
    terminate(bot)
    urls = bot.add_papers()
    await bot.sandbox.wait_for_status("read-only transaction")
    assert "read-only transaction" in await bot.sandbox.reply_to("subscribe", {"keyword": "agents"})
    status, detail = await bot.health()
    assert status == 503
    assert "read-only transaction" in detail
    assert bot.sandbox.posted_urls("papers") == []
    bot.server.execute(f"ALTER DATABASE {bot.name} RESET default_transaction_read_only")
    await bot.check_it_resumes(urls)


def terminate(bot: Outage) -> None:
    """Ends every connection of the bot, as an administrator or a failover does."""
    own = f"application_name = 'daily-papers' AND datname = '{bot.name}'"
    bot.server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {own}")  # noqa: S608 - own name
