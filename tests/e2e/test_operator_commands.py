"""Tests of `daily-papers check` and `daily-papers backup`, before the first start and next to a running bot."""

import asyncio
import json
import re
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.store.database import Database
from sandbox.arxiv import ArxivFault, ArxivFaultKind, Corpus, LocalArxiv, SandboxPaper
from sandbox.huggingface import HuggingFaceFault, HuggingFaceFaultKind
from tests.support.disks import small_disk
from tests.support.killable import KILLED, run_command
from tests.support.quiescence import wait_until_settled
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow

CHANNELS = ("papers", "vision", "general", "reading club")
PAPERS = 50
WRONG_TOKEN = "MTE5MTMxOTkwOTE3MTIwMDAwMQ.wrong.token"


async def daily_papers(sandbox: RunningSandbox, *arguments: str, **environment: str) -> tuple[int, str]:
    """Runs a command; returns its exit code and its output."""
    printed = sandbox.database.with_name(f"printed-{uuid4()}")
    return await run_command(arguments, sandbox.environment(**environment, COLUMNS="400"), printed, DEADLINE_S)


async def run_check(
    sandbox: RunningSandbox, *arguments: str, **environment: str
) -> tuple[int, dict[str, tuple[str, str]]]:
    """Runs the check; returns its exit code and its table: result and details by subject."""
    code, output = await daily_papers(sandbox, *arguments, "check", **environment)
    rows = [re.split(r"\s*│\s*", line.strip("│ ")) for line in output.splitlines() if line.startswith("│")]
    assert all(len(row) == 3 for row in rows), output
    return code, {what: (state, words) for what, state, words in rows}


def settings_file(sandbox: RunningSandbox, *channels: str) -> tuple[str, str]:
    """Arguments for a settings file with subscriptions in these channels."""
    path = sandbox.database.with_name("config.json")
    wanted = [{"channel_id": str(sandbox.channel(name)), "keywords": ["reward model"]} for name in channels]
    path.write_text(json.dumps({"subscriptions": wanted}), encoding="utf-8")
    return "--config", str(path)


def files_in(folder: Path) -> dict[str, bytes]:
    """The files of a folder, without those that contain a command's output."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith("printed-")}


def rows(table: dict[str, tuple[str, str]], state: str) -> dict[str, str]:
    """The details of the rows with one result."""
    return {what: words for what, (its, words) in table.items() if its == state}


async def test_check_before_the_first_start_passes(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        code, table = await run_check(sandbox, *settings_file(sandbox, "papers"))
        assert code == 0
        assert rows(table, "failed") == {}
        assert table["database"][1].endswith("does not exist yet; the first start creates it")
        assert table["token"][1] == "logged in as Daily Papers, in 1 server"
        assert table["arXiv"][1] == "reachable: 1 paper in the last 7 days"
        assert table[f"channel {sandbox.channel('papers')}"][1] == "the bot can post here"
        assert set(files_in(tmp_path)) == {"config.json"}


async def test_check_changes_no_file_next_to_the_database(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        await (await Database.open_exclusive(sandbox.database)).close()
        before = files_in(tmp_path)
        assert (await run_check(sandbox))[0] == 0
        assert files_in(tmp_path) == before


async def test_check_prints_only_its_table(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.SERVER_ERROR))
        code, output = await daily_papers(sandbox, "check", DAILY_PAPERS_LOG__LEVEL="DEBUG")
        assert code == 1
        assert {line[0] for line in output.splitlines()} == set("┏┃┡│└")


async def test_check_reports_a_rejected_token_without_printing_it(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        code, output = await daily_papers(sandbox, "check", DISCORD_TOKEN=WRONG_TOKEN)
        assert code == 1
        assert WRONG_TOKEN not in output
        _, table = await run_check(sandbox, DISCORD_TOKEN=WRONG_TOKEN)
        assert rows(table, "failed") == {"token": "Discord rejected it"}


async def test_check_reports_the_missing_permission_of_each_channel(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        code, table = await run_check(sandbox, *settings_file(sandbox, "papers", "no-entry", "read-only"))
        assert code == 1
        assert rows(table, "failed") == {
            f"channel {sandbox.channel('no-entry')}": "The bot needs the View Channel permission there.",
            f"channel {sandbox.channel('read-only')}": "The bot needs the Send Messages permission there.",
        }


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ArxivFaultKind.RATE_LIMITED, "arXiv asks us to wait"),
        (ArxivFaultKind.RESET_BEFORE_ANSWER, "arXiv is unreachable (no connection)"),
        (ArxivFaultKind.HTML, "arXiv's response is not a complete feed"),
        (ArxivFaultKind.SERVER_ERROR, "arXiv returned an unexpected response (status 500)"),
    ],
)
async def test_check_reports_what_is_wrong_with_arxiv(tmp_path: Path, fault: ArxivFaultKind, words: str) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.arxiv.faults.add(ArxivFault(fault))
        code, table = await run_check(sandbox)
        assert code == 1
        assert rows(table, "failed") == {"arXiv": words}


async def test_check_reports_whether_hugging_face_answers(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        assert (await run_check(sandbox))[1]["Hugging Face"] == ("ok", "switched off: huggingface.enabled is false")
        for ago in range(1, 3):  # midnight may pass during the test
            sandbox.huggingface.lists.generate(datetime.now(UTC).date() - timedelta(days=ago), 120)
        code, table = await run_check(sandbox, DAILY_PAPERS_HUGGINGFACE__ENABLED="true")
        assert code == 0
        assert table["Hugging Face"][1].startswith("reachable: 120 papers on 20")
        sandbox.huggingface.faults.add(HuggingFaceFault(HuggingFaceFaultKind.SERVER_ERROR))
        code, table = await run_check(sandbox, DAILY_PAPERS_HUGGINGFACE__ENABLED="true")
        assert code == 1
        assert rows(table, "failed") == {"Hugging Face": "Hugging Face returned an unexpected response (status 500)"}


async def test_check_reports_that_discord_is_unreachable(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        code, table = await run_check(sandbox, DAILY_PAPERS_DISCORD__API_URL="http://127.0.0.1:9/api/v10")
        assert code == 1
        assert rows(table, "failed") == {"Discord": "unreachable (no connection)"}


async def test_check_reports_that_only_the_gateway_is_unreachable(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        code, table = await run_check(sandbox, DAILY_PAPERS_DISCORD__GATEWAY_URL="ws://127.0.0.1:9/")
        assert code == 1
        assert rows(table, "failed") == {"Discord": "unreachable (no connection)"}


async def test_check_reports_why_the_gateway_closed_the_connection(tmp_path: Path) -> None:
    async def close_at_once(request: web.Request) -> web.StreamResponse:
        await (socket := web.WebSocketResponse()).prepare(request)
        await socket.close(code=4011)
        return socket

    gateway = web.Application()
    gateway.router.add_get("/{anything:.*}", close_at_once)
    async with running_sandbox(tmp_path) as sandbox, TestServer(gateway, skip_url_asserts=True) as server:
        code, table = await run_check(sandbox, DAILY_PAPERS_DISCORD__GATEWAY_URL=f"ws://127.0.0.1:{server.port}")
        assert code == 1
        ((what, words),) = rows(table, "failed").items()
        assert what == "Discord"
        assert words.startswith("Discord requires sharding")


async def test_check_reports_a_damaged_database_and_leaves_it_unchanged(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.database.write_bytes(b"Buy milk." * 1000)
        code, table = await run_check(sandbox)
        assert code == 1
        (words,) = rows(table, "failed").values()
        assert "is not a database or is damaged" in words
        assert "Move it away, or replace it with a backup." in words
        assert sandbox.database.read_bytes() == b"Buy milk." * 1000


async def test_check_next_to_a_running_bot_uses_the_same_request_gate(tmp_path: Path) -> None:
    arxiv = LocalArxiv(Corpus(), interval_s=0.4)
    arxiv.add_paper(SandboxPaper(title="Sheaves on a Torus", abstract="We compute."))
    async with running_sandbox(tmp_path, arxiv=arxiv) as sandbox:
        async with running_bot(sandbox, DAILY_PAPERS_ARXIV__REQUEST_INTERVAL_S="0.4"):
            await sandbox.subscribe("reward model")
            codes = [(await run_check(sandbox, DAILY_PAPERS_ARXIV__REQUEST_INTERVAL_S="0.4"))[0] for _ in range(2)]
            url = sandbox.add_paper("A Reward Model")
            await sandbox.wait_for_papers("papers", 1)
        assert codes == [0, 0]
        assert sandbox.posted_urls("papers") == [url]
        assert arxiv.violations == []


async def test_backup_made_while_the_bot_posts_is_complete(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        for name in CHANNELS:
            await sandbox.subscribe("reward model", channel=name)
        for part in range(PAPERS):
            sandbox.add_paper(f"Reward Models, Part {part}")
        await sandbox.wait_for_papers("papers", 1)
        copy = tmp_path / "copy.sqlite3"
        code, output = await daily_papers(sandbox, "backup", str(copy))
        assert code == 0, output
        assert output == f"Copied {sandbox.database} to {copy}.\n"
        for name in CHANNELS:
            await sandbox.wait_for_papers(name, PAPERS)
        with closing(sqlite3.connect(copy)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            assert connection.execute("SELECT count(*) FROM subscriptions").fetchone() == (len(CHANNELS),)
            assert connection.execute("SELECT count(*) FROM outbox").fetchone() == (len(CHANNELS) * PAPERS,)


async def test_bot_continues_with_a_backup_where_the_original_stopped(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        copy = tmp_path / "copy.sqlite3"
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
            before = sandbox.add_paper("A Reward Model")
            await sandbox.wait_for_papers("papers", 1)
            await wait_until_settled(sandbox.database, DEADLINE_S)
            assert (await daily_papers(sandbox, "backup", str(copy)))[0] == 0
        after = sandbox.add_paper("Another Reward Model")
        async with running_bot(sandbox, DAILY_PAPERS_DATABASE=str(copy)):
            await sandbox.wait_for_papers("papers", 2)
        assert sandbox.posted_urls("papers") == [before, after]


async def test_killed_backup_leaves_the_previous_one_unchanged(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
        copy = tmp_path / "copy.sqlite3"
        copy.write_bytes(b"older")
        script = (
            "import os, pathlib, sys; from bot.store.backup import back_up;"
            "back_up(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), lambda *_: os.kill(os.getpid(), 9))"
        )
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(sandbox.database), str(copy))
        assert await process.wait() == KILLED
        assert copy.read_bytes() == b"older"


@pytest.mark.usefixtures("as_root")
async def test_backup_that_does_not_fit_on_the_disk_leaves_no_file(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size_kb=16) as disk:
        async with running_sandbox(tmp_path) as sandbox:
            async with running_bot(sandbox):
                await sandbox.subscribe("reward model")
            code, output = await daily_papers(sandbox, "backup", str(disk.path / "copy.sqlite3"))
        assert code == 1
        assert "disk is full. No copy was made." in output
        assert list(disk.path.iterdir()) == []


async def test_invalid_source_or_target_of_a_backup_is_reported_in_one_line(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        copy = tmp_path / "copy.sqlite3"
        code, output = await daily_papers(sandbox, "backup", str(copy))
        assert (code, output) == (
            1,
            f"There is no database {sandbox.database} yet: start the bot first, which creates it, or set `database`.\n",
        )
        async with running_bot(sandbox):
            missing = tmp_path / "missing" / "copy.sqlite3"
            code, output = await daily_papers(sandbox, "backup", str(missing))
            assert (code, output) == (1, f"The folder of {missing} does not exist.\n")
            code, output = await daily_papers(sandbox, "backup", str(sandbox.database))
            assert (code, output) == (1, f"{sandbox.database} is the database itself: choose another file.\n")
        assert not copy.exists()
