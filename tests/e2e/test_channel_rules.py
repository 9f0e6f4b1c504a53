"""Tests of `/channel exclude`, `/channel limit` and **Show the rest**: their effect, the replies, and invalid input."""

import re
from pathlib import Path
from typing import Final

import pytest

from sandbox.discord import Message, Permission
from tests.support.embeds import components_of
from tests.support.running import RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow

MISTAKES: Final = {
    "-survey": "An exclusion says what is not posted: leave out `-` in front of it.",
    "NOT survey": "An exclusion says what is not posted: leave out `NOT` in front of it.",
    "survey, benchmark": "Those are 2 exclusions. Add one at a time, or join them with `OR`.",
    "cat:cs.XX": "There is no arXiv category `cs.XX`.",
    "(survey OR": "\n```\n(survey OR\n",
    "llm AND agents, and": "Those are 2 exclusions.",
    "llm and agents": "This can be read in several ways. Type `",
}


async def channel(sandbox: RunningSandbox, command: str, **options: object) -> str:
    """The reply to the admin in #papers."""
    return await sandbox.reply_to(f"channel {command}", options)


def here(sandbox: RunningSandbox) -> str:
    return f"<#{sandbox.channel('papers')}>"


async def test_excluded_papers_are_not_posted_until_the_exclusion_is_removed(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        for number in range(3):
            sandbox.add_paper(f"Reward Models: a Survey, Part {number}")
        sandbox.add_paper("Reward Models alone")
        await sandbox.subscribe("reward model")
        added = (await channel(sandbox, "exclude add", expression="survey OR au:Noether")).splitlines()
        assert added[0] == (
            f"Papers that match **survey OR au:Noether** (title or abstract contains *survey* or by *Noether*) are no "
            f"longer posted in {here(sandbox)}."
        )
        assert added[1] == "4 papers in 30 days; 3 fewer with this exclusion, such as:"
        assert added[2].startswith("- [Reward Models: a Survey, Part ")
        again = await channel(sandbox, "exclude add", expression="au:Noether | surveys")
        assert again == f"{here(sandbox)} already excludes **survey OR au:Noether**."
        sandbox.add_paper("A Survey of Reward Models")
        posted = sandbox.add_paper("Another Reward Model")
        await sandbox.wait_for_papers("papers", 1)
        await sandbox.wait_for_status("**Not posted** in 30 days: 1 by exclusions.")
        assert sandbox.posted_urls("papers") == [posted]
        assert "- Exclusions: 1; 1 paper in 30 days excluded" in await channel(sandbox, "show")
        listed = await channel(sandbox, "exclude list")
        assert "- **survey OR au:Noether** · held back 1 paper in 30 days · added by <@" in listed
        choices = await sandbox.suggestions("channel exclude remove", {"expression": "SURV"}, "expression")
        assert list(choices) == ["survey OR au:Noether"]
        removed = await channel(sandbox, "exclude remove", expression=choices["survey OR au:Noether"])
        assert removed.endswith(f"are posted in {here(sandbox)} again. 1 paper that it held back will be posted.")
        await sandbox.wait_for_papers("papers", 2)
        assert await channel(sandbox, "exclude list") == (
            f"{here(sandbox)} has no exclusions. Add one with `/channel exclude add`."
        )


async def test_mistakes_in_exclusions_are_answered_with_what_to_type(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        for typed, reply in MISTAKES.items():
            assert reply in await channel(sandbox, "exclude add", expression=typed), typed
        unknown = await channel(sandbox, "exclude remove", expression="survey")
        assert unknown == f"{here(sandbox)} does not exclude that. It has no exclusions."
        nothing_known = await channel(sandbox, "exclude add", expression="survey")
        assert nothing_known.endswith("No other papers of the last 30 days are known for this channel.")
        unknown = await channel(sandbox, "exclude remove", expression="exclusion:999")
        assert unknown == f"{here(sandbox)} does not exclude that. `/channel exclude list` shows its exclusions."
        member, vision = sandbox.world.default.member_id, sandbox.channel("vision")
        sandbox.world.set_overwrite(sandbox.channel("papers"), member, allow=Permission.MANAGE_CHANNELS)
        elsewhere = {"expression": "survey", "channel": vision}
        reply = await sandbox.reply_to("channel exclude add", elsewhere, user_id=member)
        assert reply == f"You need **Manage Channels** in <#{vision}> to do that."
        options = {"channel": vision, "expression": ""}
        suggested = await sandbox.discord.autocomplete(
            "channel exclude remove",
            options,
            "expression",
            user_id=member,
            channel_id=sandbox.channel("papers"),
        )
        assert suggested == []


async def test_rest_of_a_limited_batch_is_shown_page_by_page_after_a_restart(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        member = sandbox.world.default.member_id
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
            assert (await channel(sandbox, "limit", papers=2)).startswith(
                f"Each posting in {here(sandbox)} contains at most 2 papers."
            )
            await channel(sandbox, "pause")
            urls = [sandbox.add_paper(f"Reward Models, Part {number}") for number in range(17)]
            await sandbox.wait_for_status("**Queued**: 17 papers.")
            await channel(sandbox, "resume")
            post = (await sandbox.wait_for_papers("papers", 2))[-1]
            assert post.content.endswith("\n+15 more: **Show the rest** below")
            shown = await channel(sandbox, "show")
            assert "- Limit: 2 papers per posting; 15 more in 30 days were not posted" in shown
        async with running_bot(sandbox):
            first = await press(sandbox, post, "Show the rest (+15)", member)
            assert first.content == f"**15 more papers** that the limit of {here(sandbox)} held back: 1–10 of 15"
            assert first.is_ephemeral
            assert links(first) == urls[2:12]
            second = await press(sandbox, first, "More ▶", member)
            assert second.content.endswith("held back: 11–15 of 15")
            assert links(second) == urls[12:]
            assert (await channel(sandbox, "limit")) == f"Each posting in {here(sandbox)} contains all new papers."
            assert sandbox.posted_urls("papers") == urls[:2]
            # From another channel, as if the reply had been there.
            sandbox.world.set_overwrite(sandbox.channel("papers"), member, deny=Permission.VIEW_CHANNEL)
            first.channel_id = sandbox.channel("general")
            hidden = await press(sandbox, first, "◀ Back", member)
            assert hidden.content == "Only people who can view the channel in which this was posted can see the rest."


async def press(sandbox: RunningSandbox, message: Message, label: str, user_id: int) -> Message:
    """Presses a button; returns the reply, or the message that it replaced."""
    (component,) = (each for each in components_of(message) if each.get("label") == label)
    before = message.content
    pressed = await sandbox.discord.press(message.id, str(component["custom_id"]), user_id=user_id)
    return await pressed.wait_for_edit(lambda shown: shown.id != message.id or shown.content != before)


def links(message: Message) -> list[str]:
    """The papers that a list links, in order."""
    text = "\n".join(str(embed["description"]) for embed in message.embeds)
    return re.findall(r"\]\((\S+/abs/\S+)\)\*\*", text)
