"""`/status` in all its states."""

import json
import re
from pathlib import Path

from sandbox.arxiv import ArxivFault, ArxivFaultKind
from sandbox.discord import Permission
from tests.support.running import DEADLINE_S, a_bot, a_box

ACKNOWLEDGEMENT = "-# Thank you to arXiv for use of its open access interoperability."
# What a look without new papers is called depends on the hour and the day of arXiv's calendar.
NOTHING = r"(nothing announced: \w+day|no new papers|no announcement: holiday or late|not announced yet(: late)?)"
NO_SUCH_CHANNEL = 1191319909171999999


async def test_before_the_first_look_the_status_says_what_it_waits_for(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        assert (await box.said("status")).splitlines() == [
            "**Last look at arXiv**: none yet.",
            "**Next look**: as soon as a channel watches a keyword.",
            "**Waiting to be posted**: 0 papers.",
            ACKNOWLEDGEMENT,
        ]


async def test_the_status_says_in_words_what_came_of_the_last_look(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        await box.subscribe("reward model")
        said = await box.until_status_says("Last look at arXiv**: <t:")
        assert re.match(rf"\*\*Last look at arXiv\*\*: <t:\d+:R>, {NOTHING}\.\n\*\*Next look\*\*: <t:\d+:R>\.\n", said)
        box.arxiv.faults.add(ArxivFault(ArxivFaultKind.TRUNCATED, times=None))
        said = await box.until_status_says("arXiv's answer is not a complete feed, next try in ")
        assert re.search(r"not a complete feed, next try in \d+ s\.$", said, re.MULTILINE)
        box.arxiv.faults.clear()
        for number in range(12):
            box.publish(f"Reward Models, Part {number}")
        await box.posted("papers", 12)
        # A second later it would be "no new papers": the next look does not end.
        box.arxiv.faults.add(ArxivFault(ArxivFaultKind.SLOW_FIRST_BYTE, times=None, delay_s=DEADLINE_S))
        await box.until_status_says(":R>, 12 new papers.")


async def test_the_status_says_in_words_that_arxiv_asks_us_to_wait(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        await box.subscribe("reward model")
        box.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="240"))
        await box.until_status_says("arXiv asks us to wait, next try in 4 min.")
        await box.command("subscribe", {"keyword": "agents, diffusion"})
        await box.until_status_says("**Being read for the first time**: 2 keywords, put off: arXiv asks us to wait.")


async def test_an_answer_without_any_paper_is_never_called_no_papers(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        await box.subscribe("reward model")
        box.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=None))
        await box.until_status_says("arXiv shows no papers at all, next try in ")


async def test_papers_that_wait_and_paused_channels_are_shown_to_those_who_can_view_them(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        member, papers, admins = box.world.default.member_id, box.channel("papers"), box.channel("admins")
        bot_role = box.world.default.bot_role_id
        await box.subscribe("reward model")
        await box.said("subscribe", {"keyword": "reward model", "channel": admins})
        for channel_id in (papers, admins):
            denied = Permission.SEND_MESSAGES
            box.world.set_overwrite(channel_id, bot_role, allow=Permission.VIEW_CHANNEL, deny=denied)
        for number in (1, 2):
            box.publish(f"Reward Models, Part {number}")
        said = await box.until_status_says("**Waiting to be posted**: 4 papers.")
        for channel_id in (papers, admins):
            paused = rf"^⏸️ <#{channel_id}>, paused <t:\d+:R>: The bot needs Send Messages there\.$"
            assert re.search(paused, said, re.MULTILINE)
        said = await box.said("status", user_id=member)
        assert "**Waiting to be posted**: 2 papers." in said
        assert f"<#{papers}>" in said
        assert f"<#{admins}>" not in said
        in_dm = await box.said("status", channel=None)
        assert "Waiting" not in in_dm
        assert "⏸️" not in in_dm
        assert in_dm.endswith(ACKNOWLEDGEMENT)
        # An admin mends it, and what waited is posted without anybody asking.
        box.world.set_overwrite(papers, bot_role)
        await box.posted("papers", 2)
        said = await box.until_status_says("**Waiting to be posted**: 2 papers.")
        assert f"<#{papers}>" not in said


async def test_a_channel_of_the_settings_file_that_is_not_there_is_shown_to_those_who_manage_the_server(
    tmp_path: Path,
) -> None:
    async with a_box(tmp_path) as box:
        config = tmp_path / "config.json"
        wanted = [
            {"channel_id": NO_SUCH_CHANNEL, "keywords": ["reward model"]},
            {"channel_id": str(box.channel("no-entry")), "keywords": ["reward model"]},
            {"channel_id": str(box.channel("papers")), "keywords": ["reward model"]},
        ]
        config.write_text(json.dumps({"subscriptions": wanted}), encoding="utf-8")
        async with a_bot(box, config=config):
            said = await box.until_status_says(f"⏸️ Channel `{NO_SUCH_CHANNEL}` of the settings file: The channel does")
            assert f"<#{box.channel('no-entry')}>, paused" in said
            assert "The bot needs View Channel there." in said
            said = await box.said("status", user_id=box.world.default.member_id)
            assert str(NO_SUCH_CHANNEL) not in said
            # Who has the app for themselves, in a server that the bot is not in, manages nothing of the bot's.
            stranger = box.world.default.admin_id
            elsewhere = box.world.add_guild("Strangers", owner_id=stranger, with_bot=False)
            lounge = box.world.add_channel(elsewhere.id, "lounge")
            box.world.user_installs.add(stranger)
            answer = await (
                await box.discord.run_command("status", user_id=stranger, channel_id=lounge.id)
            ).wait_for_reply()
            assert "Waiting" not in answer.content
            assert str(NO_SUCH_CHANNEL) not in answer.content
            # The others work.
            await box.until_status_says("Last look at arXiv**: <t:")
            url = box.publish("A Reward Model")
            await box.posted("papers", 1)
            assert box.posted_urls("papers") == [url]
