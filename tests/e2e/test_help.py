"""Tests of `/help`: it lists exactly the commands that the caller can use."""

import re
from pathlib import Path

import pytest

from tests.support.loopback import free_port
from tests.support.running import RunningSandbox, running_bot, running_sandbox

PAGE = "https://papers.example.org"


async def help_text(sandbox: RunningSandbox, user_id: int, channel_id: int) -> str:
    """The reply to `/help`, which is private."""
    invocation = await sandbox.discord.run_command("help", {}, user_id=user_id, channel_id=channel_id)
    reply = await invocation.wait_for_reply()
    assert reply.is_ephemeral
    return reply.content


async def check_listed_commands(sandbox: RunningSandbox, user_id: int, channel_id: int) -> None:
    """Compares the listed commands with those that Discord offers this user in this channel."""
    listed = re.findall(r"^- `/(\w+)", await help_text(sandbox, user_id, channel_id), re.MULTILINE)
    known = sandbox.discord.commands_for(user_id, channel_id)
    offered = {str(command["name"]) for command in known if command["type"] == 1}  # not those in menus
    assert {name.split()[0] for name in offered} == {*listed, "help"}


async def test_help_lists_exactly_the_commands_that_the_caller_can_use(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, DAILY_PAPERS_HUGGINGFACE__ENABLED="true"):
        world = sandbox.world
        admin, member = world.default.admin_id, world.default.member_id
        await check_listed_commands(sandbox, admin, sandbox.channel("papers"))
        await check_listed_commands(sandbox, admin, sandbox.channel("reading club"))
        await check_listed_commands(sandbox, member, sandbox.channel("papers"))
        world.user_installs.add(member)
        await check_listed_commands(sandbox, member, world.dm_with(member).id)
        elsewhere = world.add_guild("Elsewhere", member, with_bot=False)
        await check_listed_commands(sandbox, member, world.add_channel(elsewhere.id, "general").id)


@pytest.mark.slow
async def test_help_explains_who_subscribes_to_those_who_cannot(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        member, admin = sandbox.world.default.member_id, sandbox.world.default.admin_id
        in_server = await help_text(sandbox, member, sandbox.channel("papers"))
        assert "Members with **Manage Channels** choose the keywords of a channel" in in_server
        in_messages = await help_text(sandbox, member, sandbox.world.dm_with(member).id)
        assert "add the bot to a server where you have **Manage Server**" in in_messages
        assert "Manage" not in await help_text(sandbox, admin, sandbox.channel("papers"))
        assert "`/trending`" not in in_server  # Hugging Face is off


@pytest.mark.slow
@pytest.mark.parametrize("public", [True, False])
async def test_help_links_the_page_of_public_channels(tmp_path: Path, *, public: bool) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        channels = f'["{sandbox.channel("papers")}"]' if public else "[]"
        async with running_bot(
            sandbox,
            DAILY_PAPERS_WEB__PORT=str(free_port()),
            DAILY_PAPERS_WEB__ADDRESS=PAGE,
            DAILY_PAPERS_WEB__PUBLIC_CHANNELS=channels,
        ):
            text = await help_text(sandbox, sandbox.world.default.member_id, sandbox.channel("papers"))
            assert (f"<{PAGE}>" in text) == public


async def test_help_explains_one_command_with_examples_and_options(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        explained = await sandbox.reply_to("help", {"command": "/Channel  schedule"})
        assert explained.startswith("**/channel schedule** posts as papers arrive, daily or weekly.\n")
        assert "- `/channel schedule time:08:30 zone:Europe/Berlin`" in explained
        assert "- `time`: A time of day such as 08:30" in explained
        assert "- `zone` (optional): Time zone" in explained
        group = await sandbox.reply_to("help", {"command": "channel"})
        assert "- `/channel trending daily` posts each day's trending list" in group
        assert "-# `/help command:channel " in group
        for unknown in ("no*such", "channel nothing", "latest more", "/", "trending"):  # Hugging Face is off
            reply = await sandbox.reply_to("help", {"command": unknown})
            assert reply.startswith("There is no command `")
            assert len(reply.splitlines()) == 1
        suggested = await sandbox.suggestions("help", {"command": "/chan"}, "command")
        assert suggested["/channel show"] == "channel show"
        assert all("chan" in name for name in suggested)
        assert "/subscribe" in await sandbox.suggestions("help", {"command": "subs"}, "command")
