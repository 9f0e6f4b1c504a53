"""`python -m sandbox` as a program: its addresses, its end, its refusals, and the bot that it keeps alive."""

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
from sandbox.arxiv.atom import FeedHead, feed
from sandbox.child import Backoff, BotChild, BotState

DEADLINE_S = 40


@pytest.fixture
def few_papers(tmp_path: Path) -> tuple[str, str]:
    """The arguments for a start with one recorded paper: making up a year of them takes half a second."""
    now = datetime(2026, 11, 18, tzinfo=UTC)
    recorded = tmp_path / "recorded"
    recorded.mkdir()
    paper = SandboxPaper(arxiv_id="2611.00001", title="A title", abstract="We compute.", published=now, updated=now)
    (recorded / "one.xml").write_bytes(feed(FeedHead("all:title", "all:title", "", 0, 1, 1, now), [paper]))
    return "--papers", str(recorded)


@asynccontextmanager
async def sandbox(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the program; what still runs when the block ends is killed."""
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
    """What the program says first on its standard output."""
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().rstrip("\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_says_its_address_serves_the_page_and_ends_with_0_when_asked_to(
    number: signal.Signals, few_papers: tuple[str, str]
) -> None:
    async with sandbox("--port", "0", "--no-bot", *few_papers) as process:
        line = await first_line(process)
        assert line.startswith("Daily Papers sandbox: http://127.0.0.1:")
        assert line.endswith("/ (Ctrl-C ends it)")
        async with aiohttp.ClientSession() as client, client.get(line.split()[3]) as response:
            assert response.status == 200
            assert response.content_type == "text/html"
        process.send_signal(number)
        async with asyncio.timeout(DEADLINE_S):
            assert await process.wait() == 0


async def test_headless_prints_its_addresses_as_json_and_serves_no_page() -> None:
    async with sandbox("--headless", "--port", "0", "--no-bot") as process:
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


def refusal(printed: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one sentence of a start that is refused with exit code 1."""
    assert main(arguments) == 1
    out, err = printed.readouterr()
    assert out == ""
    [line] = err.splitlines()
    return line


def test_a_port_in_use_is_one_sentence_with_a_hint(
    capsys: pytest.CaptureFixture[str], few_papers: tuple[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal(capsys, "--port", str(port), "--no-bot", *few_papers)
    assert said == f"Port {port} of 127.0.0.1 is in use: make run ARGS='--port 0' takes a free one."


def test_a_directory_without_recorded_papers_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for directory in (tmp_path, tmp_path / "absent"):
        said = refusal(capsys, "--papers", str(directory), "--port", "0", "--no-bot")
        assert (
            said == f"--papers wants a directory with recorded Atom files (*.xml): no recorded papers in {directory}."
        )


class Watched:
    """A child that keeps what it showed, and lets a test wait for its states and lines."""

    def __init__(self, script: str, **settings: float) -> None:
        self.lines: list[str] = []
        self.states: list[BotState] = []
        self._changed = asyncio.Event()
        self._child = BotChild(
            [sys.executable, "-c", script],
            {"NAME_FOR_TESTS": "Erdős"},
            show=self._show,
            changed=self._change,
            backoff=Backoff(floor_s=0.01, ceiling_s=0.02),
            **settings,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run it until the block ends."""
        task = asyncio.create_task(self._child.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def until_shown(self, line: str, times: int = 1) -> None:
        """Wait for a line to have been shown so often."""
        async with asyncio.timeout(DEADLINE_S):
            while self.lines.count(line) < times:
                self._changed.clear()
                await self._changed.wait()

    def _show(self, line: str) -> None:
        self.lines.append(line)
        self._changed.set()

    def _change(self, state: BotState) -> None:
        self.states.append(state)
        self._changed.set()


async def test_the_bots_lines_are_passed_on_with_a_prefix_and_it_is_started_again_when_it_dies() -> None:
    watched = Watched("import os; print(os.environ['NAME_FOR_TESTS']); raise SystemExit(3)")
    async with watched.running():
        await watched.until_shown("bot | Erdős", 2)
    assert watched.states[:3] == [BotState.RUNNING, BotState.DOWN, BotState.RUNNING]
    assert "sandbox | the bot ended with code 3; it is started again in 0.01 s" in watched.lines


async def test_a_line_longer_than_any_buffer_is_passed_on_in_parts() -> None:
    watched = Watched("print('x' * 300_000); print('after', flush=True); import time; time.sleep(60)")
    async with watched.running():
        await watched.until_shown("bot | after")
    assert sum(line.count("x") for line in watched.lines if line != "bot | after") == 300_000


async def test_the_bot_is_asked_to_end_and_its_last_words_are_heard() -> None:
    watched = Watched(
        "import signal\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
        "print('ready', flush=True)\n"
        "signal.sigwait([signal.SIGTERM])\n"
        "print('goodbye', flush=True)"
    )
    async with watched.running():
        await watched.until_shown("bot | ready")
    assert watched.lines[-1] == "bot | goodbye"
    assert watched.states == [BotState.RUNNING]


async def test_a_bot_that_does_not_end_is_killed() -> None:
    watched = Watched(
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(os.getpid(), flush=True)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)",
        kill_after_s=0.05,
    )
    async with watched.running():
        await watched.until_shown("bot | ready")
    assert watched.lines[-1] == "sandbox | the bot did not end within 0.05 s and was killed"
    with pytest.raises(ProcessLookupError):
        os.kill(int(watched.lines[0].removeprefix("bot | ")), 0)


def test_the_wait_before_a_restart_doubles_up_to_its_ceiling() -> None:
    backoff = Backoff(floor_s=1, ceiling_s=30)
    assert [backoff.delay_s(failures) for failures in (1, 2, 3, 5, 6, 1000)] == [1, 2, 4, 16, 30, 30]
