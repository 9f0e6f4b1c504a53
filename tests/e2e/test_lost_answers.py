"""A message is stored, its answer is lost, and discord.py's second attempt fails: the message counts as sent."""

from pathlib import Path

import pytest

from sandbox.discord import ChannelKind, DiscordFault, DropAfter, Status, StatusAfter
from tests.support.quiescence import wait_until_settled
from tests.support.running import DEADLINE_S, running_bot, running_sandbox

MESSAGES = r"^/channels/\d+/messages$"
FORBIDDEN = Status.api_error(403, 50013, "Missing Permissions")
CLOUDFLARE = Status(429)  # from Cloudflare: discord.py raises it without a retry
INVALID = Status.api_error(400, 50035, "Invalid Form Body")


@pytest.mark.parametrize(
    "second_answer",
    [
        # The first two take half a minute until the channel's next attempt.
        pytest.param(FORBIDDEN, id="forbidden", marks=pytest.mark.slow),
        pytest.param(CLOUDFLARE, id="rate limited", marks=pytest.mark.slow),
        pytest.param(INVALID, id="invalid", marks=pytest.mark.slow),
    ],
)
async def test_rejected_second_attempt_does_not_settle_the_first(tmp_path: Path, second_answer: DiscordFault) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
            sandbox.discord.faults.add("POST", MESSAGES, StatusAfter(502))
            sandbox.discord.faults.add("POST", MESSAGES, second_answer)
            url = sandbox.add_paper("A Reward Model")
            await sandbox.wait_until(lambda: sandbox.discord.faults.pending == 0)
            # A second paper, with which the first one must not be regrouped.
            sandbox.add_paper("Another Reward Model")
            await sandbox.wait_for_next_poll()
        sandbox.discord.forget_nonces()
        async with running_bot(sandbox):  # the start checks every channel again without a delay
            await sandbox.wait_for_papers("papers", 2)
            await wait_until_settled(sandbox.database, DEADLINE_S * 2)
        assert sandbox.posted_urls("papers").count(url) == 1
        assert len(sandbox.posted_urls("papers")) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(StatusAfter(500), id="500"),
        pytest.param(StatusAfter(502), id="502"),
        pytest.param(DropAfter(), id="dropped"),
    ],
)
async def test_forum_post_whose_answer_was_lost_is_not_created_twice(tmp_path: Path, lost: DiscordFault) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        forum = sandbox.world.add_channel(sandbox.world.default.guild_id, "paper-forum", ChannelKind.FORUM).id
        await sandbox.subscribe("reward model", channel="papers")
        await sandbox.reply_to("subscribe", {"keyword": "reward model", "channel": forum})
        sandbox.discord.faults.add("POST", rf"^/channels/{forum}/threads$", lost)
        sandbox.add_paper("A Reward Model")
        await sandbox.wait_for_papers("papers", 1)
        await sandbox.wait_until(lambda: sandbox.discord.faults.pending == 0)
        await wait_until_settled(sandbox.database, DEADLINE_S)
        assert len([channel for channel in sandbox.world.channels.values() if channel.parent_id == forum]) == 1
