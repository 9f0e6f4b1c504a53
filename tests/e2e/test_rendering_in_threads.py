"""Tests that replies are rendered in threads: text full of TeX takes hundreds of milliseconds."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from tests.support.embeds import components_of
from tests.support.running import DEADLINE_S, running_bot, running_sandbox

P = ParamSpec("P")
T = TypeVar("T")


class RecordingExecutor(ThreadPoolExecutor):
    """The threads of an event loop; it records the functions that ran in them."""

    def __init__(self) -> None:
        super().__init__()
        self.functions: list[str] = []

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        # asyncio.to_thread passes the function as the first argument of a context's `run`.
        self.functions.append(getattr(work.args[0] if isinstance(work, partial) else work, "__name__", ""))
        return super().submit(work, *args, **kwargs)


@pytest.mark.slow
async def test_every_reply_is_rendered_in_a_thread(tmp_path: Path) -> None:
    threads = RecordingExecutor()
    asyncio.get_running_loop().set_default_executor(threads)
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.add_paper("A Reward Model")
        sandbox.huggingface.lists.generate(datetime.now(UTC).date(), 3)
        async with running_bot(sandbox, DAILY_PAPERS_HUGGINGFACE__ENABLED="true"):
            await sandbox.subscribe("reward model")
            assert threads.functions.count("paper_lines") == 1
            await sandbox.reply_to("channel test")
            assert threads.functions.count("embeds") == 1
            (sample,) = sandbox.posts("papers")
            button = str(components_of(sample)[0]["custom_id"])
            member = sandbox.world.default.member_id
            await (await sandbox.discord.press(sample.id, button, user_id=member)).wait_for_reply(DEADLINE_S)
            assert "full_abstract" in threads.functions
            await sandbox.reply_to("trending")
            assert "lay_out_page" in threads.functions
