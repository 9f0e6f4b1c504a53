"""The disk is full, or somebody else holds the file: the bot goes on, says so, and owes nothing once it is over."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.disks import SmallDisk, a_small_disk
from tests.support.quiescence import until_settled
from tests.support.running import DEADLINE_S, Box, a_bot, a_box

PAPERS = 12
FULL = "the database cannot be used at the moment: database or disk is full"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of one megabyte."""
    with a_small_disk(tmp_path / "disk") as mounted:
        yield mounted


async def everything_is_posted_once(box: Box, urls: list[str]) -> None:
    """Wait until nothing is owed any more; each paper stands there once."""
    async with asyncio.timeout(DEADLINE_S):
        await box.posted("papers", len(urls))
    await until_settled(box.database, DEADLINE_S)
    await box.until_looked_again()
    assert sorted(box.posted_urls("papers")) == sorted(urls)


@pytest.mark.usefixtures("as_root")
@pytest.mark.slow
async def test_disk_that_is_full_when_papers_are_written_is_told_and_they_are_posted_once_there_is_room(
    disk: SmallDisk,
) -> None:
    async with a_box(disk.path) as box, a_bot(box):
        await box.subscribe("reward model")
        disk.fill()
        urls = [box.publish(f"Reward Models, Part {part}", "A reward model. " * 200) for part in range(PAPERS)]
        await box.until_status_says(f"⚠️ Reading arXiv stopped: {FULL}.")
        assert f"{FULL}" in await box.said("subscribe", {"keyword": "agents"})
        assert box.posted_urls("papers") == []
        disk.make_room()
        await everything_is_posted_once(box, urls)


@pytest.mark.usefixtures("as_root")
@pytest.mark.slow
async def test_disk_that_is_full_when_discord_has_answered_leaves_no_message_double(disk: SmallDisk) -> None:
    async with a_box(disk.path) as box, a_bot(box):
        await box.subscribe("reward model")
        # The first message of two is stored, and in the same moment the disk is full.
        stop = box.world.listen(lambda event, *_: disk.fill() if event == "MESSAGE_CREATE" else None)
        urls = [box.publish(f"Reward Models, Part {part}") for part in range(PAPERS)]
        await box.until_status_says(f"⚠️ Posting stopped: {FULL}.")
        stop()
        disk.make_room()
        await everything_is_posted_once(box, urls)


@pytest.mark.slow  # a write waits five seconds for who holds the file
async def test_file_that_somebody_else_holds_is_told_and_waited_for(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        await box.subscribe("reward model")
        with closing(sqlite3.connect(box.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            urls = [box.publish(f"Reward Models, Part {part}") for part in range(PAPERS)]
            # Which loop waits in vain first is chance: each write waits for the one before.
            await box.until_status_says(" stopped: the database cannot be used at the moment: database is locked")
            assert box.posted_urls("papers") == []
            other.execute("ROLLBACK")
        await everything_is_posted_once(box, urls)
