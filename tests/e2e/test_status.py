"""Tests of `/status`: polls, failures, the queue, and blocked channels."""

import json
import re
from pathlib import Path

import pytest

from sandbox.arxiv import ArxivFault, ArxivFaultKind
from sandbox.discord import Permission
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow

ACKNOWLEDGEMENT = "-# Thank you to arXiv for use of its open access interoperability."
# The description of a poll without new papers depends on arXiv's calendar.
NOTHING = r"(nothing announced: \w+day|no new papers|no announcement: holiday or late|not announced yet(: late)?)"
NO_SUCH_CHANNEL = 1191319909171999999


async def test_status_before_the_first_poll_says_what_starts_it(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        assert (await sandbox.reply_to("status")).splitlines() == [
            "**Last checked**: not yet.",
            "**Next check**: when a channel subscribes to a keyword.",
            "**Queued**: 0 papers.",
            ACKNOWLEDGEMENT,
        ]


async def test_status_describes_the_result_of_the_last_poll(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        reply = await sandbox.wait_for_status("Last checked**: <t:")
        assert re.match(rf"\*\*Last checked\*\*: <t:\d+:R>, {NOTHING}\.\n\*\*Next check\*\*: <t:\d+:R>\.\n", reply)
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.TRUNCATED, times=None))
        reply = await sandbox.wait_for_status("arXiv's response is not a complete feed, next try in ")
        assert re.search(r"not a complete feed, next try in \d+ s\.$", reply, re.MULTILINE)
        sandbox.arxiv.faults.clear()
        for number in range(12):
            sandbox.add_paper(f"Reward Models, Part {number}")
        await sandbox.wait_for_papers("papers", 12)
        # The next poll, which would replace the result, does not end.
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.SLOW_FIRST_BYTE, times=None, delay_s=DEADLINE_S))
        await sandbox.wait_for_status(":R>, 12 new papers.")


async def test_status_says_that_arxiv_asks_the_bot_to_wait(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        world = sandbox.world
        other = world.add_channel(world.add_guild("Other", owner_id=world.default.admin_id).id, "lounge")
        async with running_bot(sandbox):
            await check_status_while_arxiv_asks_to_wait(sandbox, other.id)


async def check_status_while_arxiv_asks_to_wait(sandbox: RunningSandbox, other_channel_id: int) -> None:
    await sandbox.subscribe("reward model")
    sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="240"))
    await sandbox.wait_for_status("arXiv asks us to wait, next try in 4 min.")
    await sandbox.command("subscribe", {"keyword": "agents, diffusion"})
    await sandbox.wait_for_status("**Initial sync pending**: 2 keywords (arXiv asks us to wait).")
    # Another server has no pending keyword.
    admin_id = sandbox.world.default.admin_id
    elsewhere = await sandbox.discord.run_command("status", {}, user_id=admin_id, channel_id=other_channel_id)
    assert "Initial sync pending" not in (await elsewhere.wait_for_reply()).content


async def test_empty_arxiv_response_is_never_reported_as_no_new_papers(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=None))
        status = await sandbox.wait_for_status("arXiv returns no papers at all, next try in ")
        assert "no new papers" not in status


async def test_queue_and_blocked_channels_are_shown_only_to_those_who_can_view(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        member, papers, admins = sandbox.world.default.member_id, sandbox.channel("papers"), sandbox.channel("admins")
        bot_role = sandbox.world.default.bot_role_id
        await sandbox.subscribe("reward model")
        await sandbox.reply_to("subscribe", {"keyword": "reward model", "channel": admins})
        for channel_id in (papers, admins):
            denied = Permission.SEND_MESSAGES
            sandbox.world.set_overwrite(channel_id, bot_role, allow=Permission.VIEW_CHANNEL, deny=denied)
        for number in (1, 2):
            sandbox.add_paper(f"Reward Models, Part {number}")
        reply = await sandbox.wait_for_status("**Queued**: 4 papers.")
        for channel_id in (papers, admins):
            paused = rf"^⏸️ <#{channel_id}>, blocked <t:\d+:R>: The bot needs the Send Messages permission there\.$"
            assert re.search(paused, reply, re.MULTILINE)
        reply = await sandbox.reply_to("status", user_id=member)
        assert "**Queued**: 2 papers." in reply
        assert f"<#{papers}>" in reply
        assert f"<#{admins}>" not in reply
        in_dm = await sandbox.reply_to("status", channel=None)
        assert "Queued" not in in_dm
        assert "⏸️" not in in_dm
        assert in_dm.endswith(ACKNOWLEDGEMENT)
        # Once an admin restores the permission, the queued papers are posted.
        sandbox.world.set_overwrite(papers, bot_role)
        await sandbox.wait_for_papers("papers", 2)
        reply = await sandbox.wait_for_status("**Queued**: 2 papers.")
        assert f"<#{papers}>" not in reply


async def test_missing_channel_in_the_config_is_shown_to_server_managers_only(
    tmp_path: Path,
) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        config = tmp_path / "config.json"
        wanted = [
            {"channel_id": NO_SUCH_CHANNEL, "keywords": ["reward model"]},
            {"channel_id": str(sandbox.channel("no-entry")), "keywords": ["reward model"]},
            {"channel_id": str(sandbox.channel("papers")), "keywords": ["reward model"]},
        ]
        config.write_text(json.dumps({"subscriptions": wanted}), encoding="utf-8")
        async with running_bot(sandbox, config=config):
            reply = await sandbox.wait_for_status(f"⏸️ Channel `{NO_SUCH_CHANNEL}` in config.json: The channel does")
            assert f"<#{sandbox.channel('no-entry')}>, blocked" in reply
            assert "The bot needs the View Channel permission there." in reply
            reply = await sandbox.reply_to("status", user_id=sandbox.world.default.member_id)
            assert str(NO_SUCH_CHANNEL) not in reply
            # A user install in a server without the bot shows nothing of the bot's channels.
            stranger = sandbox.world.default.admin_id
            elsewhere = sandbox.world.add_guild("Strangers", owner_id=stranger, with_bot=False)
            lounge = sandbox.world.add_channel(elsewhere.id, "lounge")
            sandbox.world.user_installs.add(stranger)
            answer = await (
                await sandbox.discord.run_command("status", user_id=stranger, channel_id=lounge.id)
            ).wait_for_reply()
            assert "Queued" not in answer.content
            assert str(NO_SUCH_CHANNEL) not in answer.content
            # The other channels work.
            await sandbox.wait_for_status("Last checked**: <t:")
            url = sandbox.add_paper("A Reward Model")
            await sandbox.wait_for_papers("papers", 1)
            assert sandbox.posted_urls("papers") == [url]
