"""Slow failures: an arXiv that answers late, and a disk that is full for a while."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cogs.subscribe import REPLY_WAIT_S
from sandbox.arxiv import ArxivFault, ArxivFaultKind
from tests.support.running import DEADLINE_S, bot_process, running_bot, running_sandbox

pytestmark = pytest.mark.slow


async def test_reply_that_waits_for_a_slow_arxiv_is_edited_later(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        sandbox.add_paper("A Reward Model")
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.SLOW_FIRST_BYTE, delay_s=REPLY_WAIT_S + 5))
        invocation = await sandbox.command("subscribe", {"keyword": "reward model"})
        assert invocation.reply is not None
        assert invocation.reply.content == (
            f"**reward model**: added to <#{sandbox.channel('papers')}>.\n"
            "The existing papers are queued for reading. If no preview follows here, see `/status`."
        )
        read = await invocation.wait_for_edit(lambda message: "next check" in message.content)
        assert "1 paper in the last 30 days" in read.content


@contextmanager
def full_disk(pid: int) -> Iterator[None]:
    """Limits the size of the process's files to one byte, so that writes fail as on a full disk."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


async def test_full_disk_loses_nothing_and_is_shown_in_the_status(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, bot_process(sandbox) as process:
        await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
        await sandbox.subscribe("reward model")
        first = sandbox.add_paper("A Reward Model before")
        await sandbox.wait_for_papers("papers", 1)
        with full_disk(process.pid):
            second = sandbox.add_paper("Another Reward Model")
            reply = await sandbox.wait_for_status("⚠️ Reading arXiv stopped: ")
            assert "cannot be" in reply
            rejected = await sandbox.reply_to("subscribe", {"keyword": "agents"})
            assert rejected.startswith("Nothing was changed: the database cannot be used at the moment: ")
            await asyncio.sleep(1.5)
            assert sandbox.posted_urls("papers") == [first]
        await sandbox.wait_for_papers("papers", 2)
        assert sandbox.posted_urls("papers") == [first, second]
