"""A full disk or a locked database: the bot keeps running, reports it, and posts everything once afterwards."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from tests.support.disks import SmallDisk, small_disk
from tests.support.loopback import free_port
from tests.support.quiescence import wait_until_settled
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

PAPERS = 12
FULL = "the database cannot be used at the moment: database or disk is full"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of one megabyte."""
    with small_disk(tmp_path / "disk") as mounted:
        yield mounted


async def health_checks(port: int) -> dict[str, str]:
    """The checks of `/healthz` with their details."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as response:
        checks = (await response.json())["checks"]
        return {name: check["detail"] for name, check in checks.items()}


async def check_everything_is_posted_once(sandbox: RunningSandbox, urls: list[str]) -> None:
    """Waits until everything is posted and settled; each paper is posted once."""
    async with asyncio.timeout(DEADLINE_S):
        await sandbox.wait_for_papers("papers", len(urls))
    await wait_until_settled(sandbox.database, DEADLINE_S)
    await sandbox.wait_for_next_poll()
    assert sorted(sandbox.posted_urls("papers")) == sorted(urls)


@pytest.mark.usefixtures("as_root")
@pytest.mark.slow
async def test_full_disk_at_a_poll_is_reported_and_papers_post_later(
    disk: SmallDisk,
) -> None:
    port = free_port()
    async with running_sandbox(disk.path) as sandbox, running_bot(sandbox, DAILY_PAPERS_WEB__PORT=str(port)):
        await sandbox.subscribe("reward model")
        assert "database" not in await health_checks(port)
        disk.fill()
        assert "no space left on device" in (await health_checks(port))["database"]
        urls = [sandbox.add_paper(f"Reward Models, Part {part}", "A reward model. " * 200) for part in range(PAPERS)]
        await sandbox.wait_for_status(f"⚠️ Reading arXiv stopped: {FULL}.")
        assert f"{FULL}" in await sandbox.reply_to("subscribe", {"keyword": "agents"})
        assert sandbox.posted_urls("papers") == []
        disk.free()
        await check_everything_is_posted_once(sandbox, urls)
        assert "database" not in await health_checks(port)


@pytest.mark.usefixtures("as_root")
@pytest.mark.slow
async def test_full_disk_after_sending_causes_no_duplicate(disk: SmallDisk) -> None:
    async with running_sandbox(disk.path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        # The disk fills up at the moment when Discord stores the first of two messages.
        stop = sandbox.world.subscribe(lambda event, *_: disk.fill() if event == "MESSAGE_CREATE" else None)
        urls = [sandbox.add_paper(f"Reward Models, Part {part}") for part in range(PAPERS)]
        await sandbox.wait_for_status(f"⚠️ Posting stopped: {FULL}.")
        stop()
        disk.free()
        await check_everything_is_posted_once(sandbox, urls)


@pytest.mark.slow  # a write waits five seconds for the lock
async def test_locked_database_is_reported_and_waited_for(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        with closing(sqlite3.connect(sandbox.database, isolation_level=None, check_same_thread=False)) as other:
            await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")  # may wait for a transaction of the bot
            urls = [sandbox.add_paper(f"Reward Models, Part {part}") for part in range(PAPERS)]
            # Any loop may time out first, because writes wait for each other.
            await sandbox.wait_for_status(" stopped: the database cannot be used at the moment: database is locked")
            assert sandbox.posted_urls("papers") == []
            other.execute("ROLLBACK")
        await check_everything_is_posted_once(sandbox, urls)
