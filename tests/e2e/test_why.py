"""`/why`: what matched, where a paper was posted, what it waits for, and why it was not posted."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.store.schema import posts
from sandbox.arxiv import SandboxPaper
from sandbox.discord import InvalidAction, Message
from tests.support.posting import deny
from tests.support.quiescence import wait_until_true
from tests.support.running import DEADLINE_S, RunningSandbox, abs_url, running_bot, running_sandbox

pytestmark = pytest.mark.slow


async def why(sandbox: RunningSandbox, paper: str, *, user_id: int | None = None, **options: object) -> str:
    """The reply to `/why` in #papers."""
    return await sandbox.reply_to("why", {"paper": paper, **options}, user_id=user_id)


async def posted(sandbox: RunningSandbox, name: str) -> Message:
    """The first post in a channel, once Discord's answer is stored."""
    (message,) = await sandbox.wait_for_papers(name, 1)
    settled = sa.select(posts.c.key).where(posts.c.settled_at.is_not(None))
    await wait_until_true(sandbox.database, settled.exists(), DEADLINE_S)
    return message


def link(sandbox: RunningSandbox, message: Message) -> str:
    return f"https://discord.com/channels/{sandbox.world.default.guild_id}/{message.channel_id}/{message.id}"


async def test_posted_paper_is_explained_by_its_words_and_its_message(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        url = sandbox.add_paper("Training *Reward Models*", "We study @everyone. RLHF needs a reward model, too.")
        message = await posted(sandbox, "papers")
        arxiv_id = url.removeprefix("https://arxiv.org/abs/")
        for typed in (url, f"{arxiv_id}v3", f"arXiv:{arxiv_id}"):
            reply = await why(sandbox, typed)
            assert f"<#{sandbox.channel('papers')}>: posted <t:" in reply
            assert link(sandbox, message) in reply
            assert r"- **reward model**: title “Training \***Reward Models**\*”" in reply
            assert re.search(r"-# Found by a poll, <t:\d+:f>\.", reply)
        suggested = await sandbox.suggestions("why", {"paper": "reward"}, "paper")
        assert suggested == {f"{arxiv_id}: Training *Reward Models*": arxiv_id}


async def test_waiting_paper_is_explained_by_everything_that_it_waits_for(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        await sandbox.subscribe("reward model")
        later = datetime.now(UTC) + timedelta(hours=5)
        await sandbox.reply_to("channel schedule", {"time": f"{later:%H:%M}", "zone": "UTC"})
        url = sandbox.add_paper("Reward Models")
        await sandbox.wait_for_status("**Queued**: 1 paper.")
        reply = await why(sandbox, url)
        assert f"queued. It waits:\n- 🕗 Papers are posted daily at {later:%H:%M} (UTC); this one is due <t:" in reply
        await sandbox.reply_to("channel pause")
        assert "- ⏸️ The channel was paused <t:" in await why(sandbox, url)
        await sandbox.reply_to("channel resume")
        deny(sandbox, "papers")
        await sandbox.wait_for_status("The bot needs the Send Messages permission there.")
        reply = await why(sandbox, url)
        assert re.search(r"- ⏸️ The channel is blocked <t:\d+:R>: The bot needs the Send Messages permission", reply)
        assert "paused" not in reply


async def test_paper_that_does_not_match_is_compared_with_the_nearest_keywords(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        url = sandbox.add_paper("Sheaves and Reward Models")
        await sandbox.subscribe("quokka")
        await sandbox.subscribe("sheaves [math.AG]")
        reply = await why(sandbox, url)
        papers = sandbox.channel("papers")
        assert f"Not matched by any of the 2 keywords of <#{papers}>. The nearest:" in reply
        first, second = reply.splitlines()[-2:]
        assert first == r"- **sheaves \[math.AG]**: not listed in math.AG (it is in cs.LG)"
        assert second == "- **quokka**: neither title nor abstract contains *quokka*"
        assert f"{sandbox.world.default.guild_id}" not in reply


async def test_paper_older_than_the_subscription_counts_as_seen(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        now = datetime.now(UTC).replace(microsecond=0)
        known = sandbox.add_paper("Reward Models")
        old = sandbox.arxiv.add_paper(SandboxPaper(title="Old Reward Models", published=now - timedelta(days=90)))
        await sandbox.subscribe("reward model")
        reply = await why(sandbox, known)
        assert "-# Found by the initial sync, <t:" in reply
        assert "Papers that exist when a keyword is added count as seen, and are not posted." in reply
        reply = await why(sandbox, abs_url(old))
        assert "not posted." in reply
        assert re.search(r"-# It was submitted before <t:\d+:f>: older papers are not new for this keyword\.", reply)


async def test_unknown_paper_is_looked_up_and_one_that_arxiv_lacks_is_named(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        assert await why(sandbox, "2101.00001") == ("arXiv has no paper with the id `2101.00001`. Check the id.")
        assert "is not an arXiv id" in await why(sandbox, "a paper about sheaves")


async def test_hidden_channel_does_not_appear_in_an_explanation(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        member, admins = sandbox.world.default.member_id, sandbox.channel("admins")
        await sandbox.subscribe("secret models", channel="admins")
        url = sandbox.add_paper("Secret Models")
        message = await posted(sandbox, "admins")
        assert link(sandbox, message) in await why(sandbox, url)
        reply = await why(sandbox, url, user_id=member)
        assert reply.endswith(
            "No keyword was compared: no channel that you can view has any. Add some with `/subscribe`."
        )
        assert "posted" not in reply
        assert not {str(admins), str(message.id)} & set(re.findall(r"\d+", reply))
        with pytest.raises(InvalidAction):
            await why(sandbox, url, user_id=member, channel=admins)
