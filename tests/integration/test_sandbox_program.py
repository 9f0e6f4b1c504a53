"""`python -m sandbox` as a program: addresses, shutdown, startup errors, and the supervision of the bot."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from sandbox.__main__ import main
from sandbox.arxiv import SandboxPaper
from sandbox.arxiv.atom import FeedHeader, feed
from sandbox.bot_supervisor import BotState, BotSupervisor, RestartBackoff

DEADLINE_S = 40


@pytest.fixture
def few_papers(tmp_path: Path) -> tuple[str, str]:
    """Returns arguments that load one recorded paper: generating a year of them takes half a second."""
    now = datetime(2026, 11, 18, tzinfo=UTC)
    recorded = tmp_path / "recorded"
    recorded.mkdir()
    paper = SandboxPaper(arxiv_id="2611.00001", title="A title", abstract="We compute.", published=now, updated=now)
    (recorded / "one.xml").write_bytes(feed(FeedHeader("all:title", "all:title", "", 0, 1, 1, now), [paper]))
    return "--papers", str(recorded)


@asynccontextmanager
async def run_sandbox(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Runs the program; if it is still running when the block ends, kills it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def first_line(process: asyncio.subprocess.Process) -> str:
    """Returns the first line of the program's standard output."""
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().rstrip("\n")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_program_serves_the_page_and_exits_with_0_on_a_signal(
    number: signal.Signals, few_papers: tuple[str, str]
) -> None:
    async with run_sandbox("--port", "0", "--no-bot", *few_papers) as process:
        line = await first_line(process)
        assert line.startswith("Daily Papers sandbox: http://127.0.0.1:")
        assert line.endswith("/ (press Ctrl-C to stop)")
        async with aiohttp.ClientSession() as client, client.get(line.split()[3]) as response:
            assert response.status == 200
            assert response.content_type == "text/html"
        process.send_signal(number)
        async with asyncio.timeout(DEADLINE_S):
            assert await process.wait() == 0


@pytest.mark.slow
async def test_headless_prints_addresses_as_json_and_serves_no_page() -> None:
    async with run_sandbox("--headless", "--port", "0", "--no-bot") as process:
        addresses = json.loads(await first_line(process))
        assert addresses["token"] == "sandbox-token"
        assert addresses["gateway_url"] == addresses["url"].replace("http://", "ws://") + "/gateway"
        authorized = {"Authorization": f"Bot {addresses['token']}"}
        async with aiohttp.ClientSession(headers=authorized) as client:
            async with client.get(f"{addresses['discord_api_url']}/users/@me") as response:
                assert (await response.json())["username"] == "Daily Papers"
            query = {"id_list": "2611.00001"}  # a search would first index every paper
            async with client.get(addresses["arxiv_api_url"], params=query) as response:
                assert response.status == 200
            async with client.get(addresses["url"]) as response:
                assert response.status == 404


def startup_error(printed: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Returns the single line that the program prints before it exits with code 1."""
    assert main(arguments) == 1
    out, err = printed.readouterr()
    assert out == ""
    [line] = err.splitlines()
    return line


def test_port_in_use_prints_one_line_with_a_hint(
    capsys: pytest.CaptureFixture[str], few_papers: tuple[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = startup_error(capsys, "--port", str(port), "--no-bot", *few_papers)
    assert message == f"Port {port} on 127.0.0.1 is in use. Run make run ARGS='--port 0' to use a free port."


def test_directory_without_recorded_papers_prints_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for directory in (tmp_path, tmp_path / "absent"):
        message = startup_error(capsys, "--papers", str(directory), "--port", "0", "--no-bot")
        assert (
            message
            == f"--papers needs a directory with recorded Atom files (*.xml): no recorded papers in {directory}."
        )


class WatchedProcess:
    """A bot process that records its lines and states, and lets tests wait for them."""

    def __init__(self, script: str, **settings: float) -> None:
        self.lines: list[str] = []
        self.states: list[BotState] = []
        self._changed = asyncio.Event()
        self.supervisor = BotSupervisor(
            [sys.executable, "-c", script],
            {"NAME_FOR_TESTS": "Erdős"},
            write_line=self._write_line,
            on_state_change=self._on_state_change,
            backoff=RestartBackoff(floor_s=0.01, ceiling_s=0.02),
            **settings,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs the process until the block ends."""
        task = asyncio.create_task(self.supervisor.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def wait_for_line(self, line: str, times: int = 1) -> None:
        """Waits until a line has been written `times` times."""
        async with asyncio.timeout(DEADLINE_S):
            while self.lines.count(line) < times:
                self._changed.clear()
                await self._changed.wait()

    def _write_line(self, line: str) -> None:
        self.lines.append(line)
        self._changed.set()

    def _on_state_change(self, state: BotState) -> None:
        self.states.append(state)
        self._changed.set()


async def test_bot_output_is_prefixed_and_the_bot_is_restarted() -> None:
    process = WatchedProcess("import os; print(os.environ['NAME_FOR_TESTS']); raise SystemExit(3)")
    async with process.running():
        await process.wait_for_line("bot | Erdős", 2)
    assert process.states[:3] == [BotState.RUNNING, BotState.DOWN, BotState.RUNNING]
    assert "sandbox | the bot exited with code 3; restarting in 0.01 s" in process.lines


async def test_very_long_line_is_forwarded_in_parts() -> None:
    process = WatchedProcess("print('x' * 300_000); print('after', flush=True); import time; time.sleep(60)")
    async with process.running():
        await process.wait_for_line("bot | after")
    assert sum(line.count("x") for line in process.lines if line != "bot | after") == 300_000


async def test_bot_is_terminated_and_its_last_output_is_forwarded() -> None:
    process = WatchedProcess(
        "import signal\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
        "print('ready', flush=True)\n"
        "signal.sigwait([signal.SIGTERM])\n"
        "print('goodbye', flush=True)"
    )
    async with process.running():
        await process.wait_for_line("bot | ready")
    assert process.lines[-1] == "bot | goodbye"
    assert process.states == [BotState.RUNNING]


async def test_bot_that_does_not_exit_is_killed() -> None:
    process = WatchedProcess(
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(os.getpid(), flush=True)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)",
        kill_after_s=0.05,
    )
    async with process.running():
        await process.wait_for_line("bot | ready")
    assert process.lines[-1] == "sandbox | the bot did not exit within 0.05 s and was killed"
    with pytest.raises(ProcessLookupError):
        os.kill(int(process.lines[0].removeprefix("bot | ")), 0)


async def test_restart_shuts_the_bot_down_and_starts_the_new_command_at_once() -> None:
    process = WatchedProcess("print('first', flush=True); import time; time.sleep(60)")
    async with process.running():
        await process.wait_for_line("bot | first")
        process.supervisor.restart([sys.executable, "-c", "print('second', flush=True); import time; time.sleep(60)"])
        await process.wait_for_line("bot | second")
    assert process.lines == ["bot | first", "bot | second"]
    assert process.states == [BotState.RUNNING, BotState.RUNNING]


def test_restart_delay_doubles_up_to_its_ceiling() -> None:
    backoff = RestartBackoff(floor_s=1, ceiling_s=30)
    assert [backoff.delay_s(failures) for failures in (1, 2, 3, 5, 6, 1000)] == [1, 2, 4, 16, 30, 30]
