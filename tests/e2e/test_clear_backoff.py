"""Tests of `daily-papers clear-backoff`: the way out of a backoff of 24 hours once arXiv has recovered."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from sandbox.arxiv import ArxivFault, ArxivFaultKind
from tests.support.killable import run_command
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow

DAY_S = "86400"


async def clear_backoff(sandbox: RunningSandbox) -> tuple[int, str]:
    """Runs the command; returns its exit code and its output."""
    printed = sandbox.database.with_name(f"printed-{uuid4()}")
    return await run_command(["clear-backoff"], sandbox.environment(COLUMNS="400"), printed, DEADLINE_S)


def backoff_hours(sandbox: RunningSandbox) -> float | None:
    """How long the recorded backoff still lasts."""
    end = json.loads(sandbox.database.with_name(f"{sandbox.database.name}.gate").read_text())["not_before"]
    return None if end is None else (datetime.fromisoformat(end) - datetime.now(UTC)) / timedelta(hours=1)


async def latest(sandbox: RunningSandbox) -> str:
    return await sandbox.reply_to("latest", {"keyword": "agents"})


async def test_recovered_arxiv_ends_a_backoff_of_a_day(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
            sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after=DAY_S))
            await sandbox.wait_for_status("arXiv asks us to wait, next try in 24 h")
            sandbox.add_paper("An Agent")
            assert "arXiv asks us to wait" in await latest(sandbox)
            code, output = await clear_backoff(sandbox)
            assert (code, output.startswith("arXiv answers: the backoff until ")) == (0, True), output
            assert backoff_hours(sandbox) is None
            # The running bot notices at once, except for its next poll.
            assert (await latest(sandbox)).startswith("The newest paper for")
        url = sandbox.add_paper("A Reward Model")
        async with running_bot(sandbox):
            await sandbox.wait_for_papers("papers", 1)
        assert sandbox.posted_urls("papers") == [url]


async def test_backoff_stays_while_arxiv_has_not_recovered(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
            sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after=DAY_S))
            await sandbox.wait_for_status("arXiv asks us to wait")
        for fault in (ArxivFaultKind.RATE_LIMITED, ArxivFaultKind.EMPTY, ArxivFaultKind.HTML):
            sandbox.arxiv.faults.add(ArxivFault(fault))
            code, output = await clear_backoff(sandbox)
            assert (code, output.splitlines()[-1].startswith("arXiv has not recovered: ")) == (1, True), output
            hours = backoff_hours(sandbox)
            assert hours is not None
            assert hours > 23


async def test_backoff_of_a_bot_whose_clock_is_ahead_of_the_machines_is_cleared(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
        now = datetime.now(UTC)
        record = {
            "holder": "bot",
            "since": (now + timedelta(days=3)).isoformat(),
            "not_before": (now + timedelta(days=3, hours=2)).isoformat(),
        }
        sandbox.database.with_name(f"{sandbox.database.name}.gate").write_text(json.dumps(record))
        code, output = await clear_backoff(sandbox)
        assert (code, output.startswith("arXiv answers: the backoff until ")) == (0, True), output
        assert backoff_hours(sandbox) is None


async def test_without_a_backoff_no_request_is_sent(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
        before = len(sandbox.arxiv.requests)
        code, output = await clear_backoff(sandbox)
        assert (code, output) == (0, "No backoff is recorded: the bot may send requests to arXiv.\n")
        assert len(sandbox.arxiv.requests) == before


async def test_missing_database_is_reported(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        code, output = await clear_backoff(sandbox)
        assert code == 1
        assert "start the bot first" in output
