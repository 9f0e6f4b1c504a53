"""`/latest`: papers for anybody, anywhere, from the store or from arXiv."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.arxiv import ArxivFault, ArxivFaultKind, SandboxPaper
from sandbox.discord import InvalidAction, Message
from tests.support.running import Box, a_bot, a_box, abs_url


def publish_series(box: Box, count: int) -> list[str]:
    """So many papers about reward models, one a day; their addresses, newest first."""
    now = datetime.now(UTC).replace(microsecond=0)
    dates = [now - timedelta(days=days + 2) for days in range(count)]
    return [abs_url(box.arxiv.add_paper(SandboxPaper(title="On Reward Models", published=date))) for date in dates]


async def latest(box: Box, keyword: str, *, channel: str | None = "general", count: int | None = None) -> Message:
    """What the member is answered."""
    options: dict[str, object] = {"keyword": keyword} if count is None else {"keyword": keyword, "count": count}
    invocation = await box.command("latest", options, channel=channel, user_id=box.world.default.member_id)
    assert invocation.reply is not None
    return invocation.reply


def urls(message: Message) -> list[str]:
    """The papers in a reply."""
    return [str(embed["url"]) for embed in message.shown_embeds]


async def test_the_newest_papers_of_any_keyword_come_from_arxiv_and_are_shown_to_everybody(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        newest_first = publish_series(box, 12)
        answer = await latest(box, "Reward model")
        assert not answer.is_ephemeral
        assert answer.content == "The newest 5 papers for **Reward model**"
        assert urls(answer) == newest_first[:5]
        asked = len(box.arxiv.requests)
        assert (await latest(box, "reward  models", count=1)).content == "The newest paper for **reward models**"
        assert urls(await latest(box, "Reward model", count=10)) == newest_first[:10]
        assert len(box.arxiv.requests) <= asked + 2
        assert (await latest(box, "quokka")).content == "arXiv has no paper for **quokka**."
        # What was looked up counts as new for nobody.
        assert box.posts("general") == []


async def test_a_keyword_that_is_watched_and_read_is_answered_from_the_store(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box, DAILY_PAPERS_ARXIV__POLL_INTERVAL_S="3600"):
        newest_first = publish_series(box, 3)
        await box.subscribe("reward model")
        await box.until_status_says("Last look at arXiv**: <t:")
        asked = len(box.arxiv.requests)
        box.arxiv.faults.add(ArxivFault(ArxivFaultKind.SERVER_ERROR, times=None))
        answer = await latest(box, "reward model", count=2)
        assert answer.content == "The newest 2 papers for **reward model**"
        assert urls(answer) == newest_first[:2]
        assert len(box.arxiv.requests) == asked
        # More than the store holds: arXiv would know, but does not answer.
        answer = await latest(box, "reward model", count=10)
        assert re.fullmatch(
            r"The newest 3 papers for \*\*reward model\*\*, as far as they are known here: .+\.", answer.content
        )
        assert urls(answer) == newest_first


async def test_with_arxiv_out_of_reach_a_look_up_says_so_and_when_to_try_again(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        box.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="60"))
        said = (await latest(box, "reward model")).content
        assert re.fullmatch(
            r"arXiv asks us to wait\. Nothing is known of \*\*reward model\*\* here yet: try again <t:\d+:R>\.", said
        )


async def test_papers_can_be_looked_up_in_direct_messages_and_where_only_the_person_has_the_app(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        world, member = box.world, box.world.default.member_id
        url = box.publish("A Reward Model")
        in_dm = await latest(box, "reward model", channel=None)
        assert urls(in_dm) == [url]
        await pressed(box, in_dm)
        elsewhere = world.add_guild("Strangers", owner_id=member, with_bot=False)
        channel = world.add_channel(elsewhere.id, "lounge")
        world.user_installs.add(member)
        for name, options in {"latest": {"keyword": "reward model"}, "status": {}}.items():
            invocation = await box.discord.run_command(name, options, user_id=member, channel_id=channel.id)
            answer = await invocation.wait_for_reply()
            assert (urls(answer) == [url]) if name == "latest" else ("Last look at arXiv" in answer.content)
        with pytest.raises(InvalidAction):
            await box.said("keywords", channel=None)


async def pressed(box: Box, message: Message) -> Message:
    """What the member reads after pressing the message's only button."""
    row = message.components[0]["components"]
    assert isinstance(row, list)
    invocation = await box.discord.press(message.id, row[0]["custom_id"], user_id=box.world.default.member_id)
    return await invocation.wait_for_reply()


async def test_five_look_ups_a_minute_are_answered_and_the_sixth_is_told_when(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        box.publish("A Reward Model")
        for _ in range(5):
            assert urls(await latest(box, "reward model"))
        refused = await latest(box, "reward model")
        assert refused.is_ephemeral
        assert re.fullmatch(r"That was quick: try again in (5\d|60) s\.", refused.content)
        # Five for each person, not for all.
        assert (await box.said("latest", {"keyword": "reward model"})).startswith("The newest paper")


async def test_a_look_up_takes_one_to_ten_papers_of_a_keyword_that_says_something(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        for count in (0, 11):
            with pytest.raises(InvalidAction):
                await latest(box, "reward model", count=count)
        refused = await latest(box, "of the")
        assert refused.is_ephemeral
        assert refused.content == 'Use at least one word besides stop words such as "the" or "of".'
        assert box.arxiv.requests == []
