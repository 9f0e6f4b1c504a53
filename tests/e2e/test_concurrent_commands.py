"""Two `/channel` commands at the same moment, in every pair: both changes are kept."""

import asyncio
from itertools import combinations
from pathlib import Path

import pytest

from sandbox.discord.permissions import BOT_PERMISSIONS, NONE, Permission
from tests.support.running import RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow

CHANNEL = "announcements"
# Each command with its options, and what `/channel show` says once it was run.
COMMANDS: dict[str, tuple[dict[str, object], str]] = {
    "style": ({"style": "compact"}, "- Style: compact"),
    "schedule": ({"time": "08:30", "zone": "Europe/Berlin"}, "- Schedule: daily at 08:30 (Europe/Berlin)"),
    "mention": ({}, "- Pings: <@&"),
    "publish": ({"wanted": True}, "- New papers are published to followers"),
    "trending daily": ({"votes": 7}, "at least 7 votes"),
    "pause": ({}, "⏸️ Paused"),
}
# The options and the name of the command that resets the setting.
UNDO: dict[str, tuple[dict[str, object], str]] = {
    "style": ({"style": "auto"}, "style"),
    "schedule": ({"time": "as they come"}, "schedule"),
    "mention": ({}, "mention"),
    "publish": ({"wanted": False}, "publish"),
    "trending daily": ({}, "trending off"),
    "pause": ({}, "resume"),
}


async def test_no_pair_of_concurrent_commands_loses_a_setting(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, DAILY_PAPERS_HUGGINGFACE__ENABLED="true"):
        bot_role, permissions = sandbox.world.default.bot_role_id, BOT_PERMISSIONS | Permission.MENTION_EVERYONE
        sandbox.world.set_role_permissions(sandbox.world.default.guild_id, bot_role, permissions)
        role = sandbox.world.add_role(sandbox.world.default.guild_id, "readers", NONE)
        for first, second in combinations(COMMANDS, 2):
            for _ in range(3):
                await asyncio.gather(run(sandbox, first, role.id), run(sandbox, second, role.id))
                shown = await sandbox.reply_to("channel show", channel=CHANNEL)
                for name in (first, second):
                    assert COMMANDS[name][1] in shown, (first, second)
                    options, undo = UNDO[name]
                    await sandbox.reply_to(f"channel {undo}", options, channel=CHANNEL)


async def run(sandbox: RunningSandbox, name: str, role_id: int) -> str:
    options = {"role": role_id} if name == "mention" else COMMANDS[name][0]
    return await sandbox.reply_to(f"channel {name}", options, channel=CHANNEL)
