"""A message was stored, its answer was lost, and discord.py's own second try is refused: it is there all the same."""

from pathlib import Path

import pytest

from sandbox.discord import ChannelKind, DiscordFault, DropAfter, Status, StatusAfter
from tests.support.quiescence import until_settled
from tests.support.running import DEADLINE_S, a_bot, a_box

MESSAGES = r"^/channels/\d+/messages$"
FORBIDDEN = Status.api_error(403, 50013, "Missing Permissions")
CLOUDFLARE = Status(429)  # not Discord itself: discord.py raises it at once
INVALID = Status.api_error(400, 50035, "Invalid Form Body")


@pytest.mark.parametrize(
    "second_answer",
    [
        # The first two wait half a minute for the channel's next try.
        pytest.param(FORBIDDEN, id="forbidden", marks=pytest.mark.slow),
        pytest.param(CLOUDFLARE, id="rate limited", marks=pytest.mark.slow),
        pytest.param(INVALID, id="invalid", marks=pytest.mark.slow),
    ],
)
async def test_a_refusal_of_a_second_try_says_nothing_of_the_first(tmp_path: Path, second_answer: DiscordFault) -> None:
    async with a_box(tmp_path) as box:
        async with a_bot(box):
            await box.subscribe("reward model")
            box.discord.faults.add("POST", MESSAGES, StatusAfter(502))
            box.discord.faults.add("POST", MESSAGES, second_answer)
            url = box.publish("A Reward Model")
            await box.until(lambda: box.discord.faults.pending == 0)
            # A second paper, for whoever might group the first anew.
            box.publish("Another Reward Model")
            await box.until_looked_again()
        box.discord.forget_nonces()
        async with a_bot(box):  # a start looks at every channel again, and waits for none of them
            await box.posted("papers", 2)
            await until_settled(box.database, DEADLINE_S * 2)
        assert box.posted_urls("papers").count(url) == 1
        assert len(box.posted_urls("papers")) == 2


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(StatusAfter(500), id="500", marks=pytest.mark.slow),
        pytest.param(StatusAfter(502), id="502", marks=pytest.mark.slow),
        pytest.param(DropAfter(), id="dropped"),
    ],
)
async def test_a_forum_post_whose_answer_was_lost_is_not_begun_twice(tmp_path: Path, lost: DiscordFault) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        forum = box.world.add_channel(box.world.default.guild_id, "paper-forum", ChannelKind.FORUM).id
        await box.subscribe("reward model", channel="papers")
        await box.said("subscribe", {"keyword": "reward model", "channel": forum})
        box.discord.faults.add("POST", rf"^/channels/{forum}/threads$", lost)
        box.publish("A Reward Model")
        await box.posted("papers", 1)
        await box.until(lambda: box.discord.faults.pending == 0)
        await until_settled(box.database, DEADLINE_S)
        assert len([channel for channel in box.world.channels.values() if channel.parent_id == forum]) == 1
