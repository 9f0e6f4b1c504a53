"""The password of the database appears nowhere, whatever fails: every output of every command is searched for it."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from bot.runtime.server_url import ServerUrl
from tests.support.loopback import free_port
from tests.support.running import DEADLINE_S, RunningSandbox, bot_process, running_sandbox
from tests.support.tcp_server import PASSWORD, TcpServer

pytestmark = pytest.mark.slow

# Every part of the password contains it.
PART = "hush"
CLERK = "clerk"
PAGES = ("/healthz", "/metrics", "/", "/page")
COMMANDS = ("status", "keywords", "channel show", "page")


def create(server: TcpServer) -> ServerUrl:
    """Creates a database for a user with the password; returns its URL."""
    server.create("papers")
    password = PASSWORD.replace("%", "%%")
    server.execute(f"CREATE ROLE {CLERK} LOGIN PASSWORD '{password}'")
    server.execute(f"GRANT ALL ON SCHEMA public TO {CLERK}", "papers")
    return server.url("papers", user=CLERK)


async def pages(port: int) -> list[str]:
    """Returns what the web server shows."""
    async with aiohttp.ClientSession() as session:
        responses = [await session.get(f"http://127.0.0.1:{port}{path}") for path in PAGES]
        return [f"{response.headers} {await response.text()}" for response in responses]


async def outputs(sandbox: RunningSandbox, *arguments: str, **environment: str) -> list[str]:
    """Returns what a command prints."""
    async with bot_process(sandbox, *arguments, **environment) as process, asyncio.timeout(DEADLINE_S):
        return [output.decode() for output in await process.communicate()]


async def replies(sandbox: RunningSandbox) -> list[str]:
    return [await sandbox.reply_to(name) for name in COMMANDS]


@pytest.mark.timeout(240)  # it runs ten processes
async def test_password_appears_in_no_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with TcpServer.running() as server:
        assert isinstance(server, TcpServer)
        assert PASSWORD.count(PART) > 2
        port = free_port()
        environment = {
            "DAILY_PAPERS_DATABASE": create(server).secret,
            "DAILY_PAPERS_WEB__PORT": str(port),
            "DAILY_PAPERS_LOG__LEVEL": "DEBUG",
            "PYTHONPATH": str(Path(__file__).parents[2]),  # the working directory is another one
        }
        monkeypatch.chdir(tmp_path)
        async with running_sandbox(tmp_path) as sandbox:
            channel = str(sandbox.channel("papers"))
            environment["DAILY_PAPERS_WEB__PUBLIC_CHANNELS"] = f'["{channel}"]'
            seen: list[str] = []
            async with bot_process(sandbox, **environment) as process:
                assert process.stderr is not None
                reading = asyncio.create_task(process.stderr.read())
                await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
                await sandbox.subscribe("reward model")
                seen += await replies(sandbox) + await pages(port)
                seen += await outputs(sandbox, "check", **environment)
                seen += await outputs(sandbox, "page", **environment)
                seen += await outputs(sandbox, "backup", "copy.sqlite3", **environment)
                # The bot is running: the copy is rejected.
                seen += await outputs(sandbox, "copy", DAILY_PAPERS_COPY_TO="copied.sqlite3", **environment)
                await fail_in_every_way(server, sandbox)
                seen += await replies(sandbox) + await pages(port)
                seen += await outputs(sandbox, "check", **environment)
                seen += await outputs(sandbox, "page", **environment)
                process.terminate()
                log = (await reading).decode()
            seen += await outputs(sandbox, **environment | {"DAILY_PAPERS_DATABASE": broken(environment)})
            seen += await outputs(
                sandbox, "copy", DAILY_PAPERS_COPY_TO=server.url("papers").secret, PYTHONPATH=environment["PYTHONPATH"]
            )
        assert "Traceback" in log
        assert "database unreachable" in log
        assert "password authentication failed" in log
        assert not [output for output in (*seen, log) if PART in output]


def broken(environment: dict[str, str]) -> str:
    """Returns an invalid URL with the same password."""
    return environment["DAILY_PAPERS_DATABASE"].replace("127.0.0.1", "hush@127.0.0.1")


async def fail_in_every_way(server: TcpServer, sandbox: RunningSandbox) -> None:
    """Has the bot fail with a traceback, lose the server, and be rejected for its password."""
    server.execute("ALTER TABLE papers RENAME TO others", "papers")
    sandbox.add_paper("A Reward Model")
    await sandbox.wait_for_status("stopped unexpectedly")
    await asyncio.to_thread(server.stop)
    assert "cannot be used" in await sandbox.reply_to("status")
    await asyncio.to_thread(server.start)
    await sandbox.wait_for_status("stopped unexpectedly")
    server.execute(f"ALTER ROLE {CLERK} PASSWORD 'other'")
    server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{CLERK}'")  # noqa: S608 - own
    assert "rejects connections" in await sandbox.reply_to("subscribe", {"keyword": "agents"})
