"""Short ways to set up and observe posting in end-to-end tests."""

import json
from pathlib import Path

from sandbox.discord import Permission
from tests.support.running import RunningSandbox


def config_with(sandbox: RunningSandbox, *names: str, keyword: str = "reward model") -> Path:
    """Writes a config file that subscribes these channels; no user did, so nobody gets a direct message."""
    config = sandbox.database.with_name("config.json")
    subscriptions = [{"channel_id": sandbox.channel(name), "keywords": [keyword]} for name in names]
    config.write_text(json.dumps({"subscriptions": subscriptions}), encoding="utf-8")
    return config


def add_papers(sandbox: RunningSandbox, count: int = 3) -> list[str]:
    """Adds new papers about reward models; returns their URLs."""
    return [sandbox.add_paper(f"Reward Models, Part {part}") for part in range(count)]


async def wait_for_first_poll(sandbox: RunningSandbox) -> None:
    """Waits for the initial sync: papers added after it are new."""
    await sandbox.wait_for_status("Last checked**: <t:")


def send_statuses(sandbox: RunningSandbox, name: str) -> list[int | None]:
    """Returns the statuses of all attempts to post in a channel."""
    path = f"/channels/{sandbox.channel(name)}/messages"
    return [request.status for request in sandbox.discord.requests if (request.method, request.path) == ("POST", path)]


def deny(sandbox: RunningSandbox, name: str, permission: Permission = Permission.SEND_MESSAGES) -> None:
    sandbox.world.set_overwrite(sandbox.channel(name), sandbox.world.default.bot_role_id, deny=permission)


def allow(sandbox: RunningSandbox, name: str) -> None:
    sandbox.world.set_overwrite(sandbox.channel(name), sandbox.world.default.bot_role_id)
