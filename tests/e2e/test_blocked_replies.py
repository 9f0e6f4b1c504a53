"""Cloudflare blocks everything, replies included: commands, suggestions and buttons fail without a traceback."""

import asyncio
import gc
import logging
from pathlib import Path
from typing import Final

import pytest

from bot.discord_api.autocompletion import SUGGESTIONS_PER_PERSON
from sandbox.discord import CloudflareBlock, Message, NotAcknowledged
from sandbox.discord.invocations import FIRST_RESPONSE_S
from tests.support.embeds import components_of
from tests.support.quiescence import wait_until
from tests.support.running import DEADLINE_S, RunningSandbox, leftover_discord_tasks, running_bot, running_sandbox

pytestmark = pytest.mark.slow

COMMANDS: Final[dict[str, dict[str, object]]] = {
    "subscribe": {"keyword": "graph"},
    "unsubscribe": {"keyword": "graph"},
    "keywords": {},
    "latest": {"keyword": "reward model"},
    "trend": {"keyword": "reward model"},
    "stats": {},
    "status": {},
    "help": {},
    "page": {},
    "trending": {},
    "channel show": {},
    "channel pause": {},
}
INTERACTION_TASKS: Final = ("CommandTree-invoker", "discord-ui-dynamic-item")


def handling() -> list[asyncio.Task[object]]:
    """The tasks in which discord.py handles interactions."""
    return [task for task in leftover_discord_tasks() if task.get_name().startswith(INTERACTION_TASKS)]


async def type_keyword(sandbox: RunningSandbox, keystrokes: int) -> None:
    """Types faster than the limit of suggestions allows; no keystroke is answered."""
    typed = [
        sandbox.suggestions(name, {option: "r" * (number % 5 + 1)}, option)
        for number in range(keystrokes)
        for name, option in (("trend", "keyword"), ("unsubscribe", "keyword"), ("trending", "date"))
    ]
    answers = await asyncio.gather(*typed, return_exceptions=True)
    assert {type(answer) for answer in answers} == {NotAcknowledged}


async def press_all(sandbox: RunningSandbox, message: Message) -> None:
    admin = sandbox.world.default.admin_id
    for component in components_of(message):
        if "custom_id" in component:
            await sandbox.discord.press(message.id, str(component["custom_id"]), user_id=admin)


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.exc_info or record.name == "asyncio"]


async def test_blocked_replies_leave_no_traceback(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with (
        running_sandbox(tmp_path, first_response_s=FIRST_RESPONSE_S) as sandbox,
        running_bot(sandbox, DAILY_PAPERS_HUGGINGFACE__ENABLED="true"),
    ):
        subscribed = await sandbox.subscribe("reward model")
        sandbox.add_paper("On Reward Models")
        (post, *_) = await sandbox.wait_for_papers("papers", 1)
        sandbox.discord.faults.block(CloudflareBlock(403))
        admin, papers = sandbox.world.default.admin_id, sandbox.channel("papers")
        for name, options in COMMANDS.items():
            await sandbox.discord.run_command(name, options, user_id=admin, channel_id=papers)
        for message in (post, subscribed.reply):
            assert message is not None
            await press_all(sandbox, message)
        await type_keyword(sandbox, SUGGESTIONS_PER_PERSON)
        await wait_until(lambda: not handling(), DEADLINE_S)
        gc.collect()
        sandbox.discord.faults.unblock()
        await wait_until(lambda: "Discord backoff over" in caplog.text, DEADLINE_S)
        assert "**Queued**" in await sandbox.reply_to("status")
    assert tracebacks(caplog) == []
    errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert errors == []
