"""Votes on posted papers, and trending posts, with lost answers and restarts."""

import re
import sqlite3
from contextlib import AbstractAsyncContextManager, closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.arxiv import SandboxPaper
from sandbox.discord import ChannelKind, DiscordFault, DropAfter, Message, StatusAfter
from sandbox.huggingface import HuggingFaceFault, HuggingFaceFaultKind
from tests.support.embeds import components_of, embeds_of
from tests.support.running import RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow


def yesterday() -> date:
    """Returns the day (UTC) whose list is posted today."""
    return datetime.now(UTC).date() - timedelta(days=1)


def bot_with_trending(sandbox: RunningSandbox) -> AbstractAsyncContextManager[object]:
    """Runs a bot with Hugging Face enabled."""
    return running_bot(sandbox, DAILY_PAPERS_HUGGINGFACE__ENABLED="true")


def add_to_list(
    sandbox: RunningSandbox, title: str, *, votes: int, paper_url: str | None = None, **fields: object
) -> str:
    """Adds a paper to yesterday's list; returns its arXiv id."""
    papers = {paper.arxiv_id: paper for paper in sandbox.arxiv.papers}
    known = papers.get((paper_url or "").rpartition("/")[2])
    paper = known or SandboxPaper(title=title, abstract="We say why.", arxiv_id=f"2601.{votes:05}")
    sandbox.huggingface.lists.add(paper, yesterday(), upvotes=votes, **fields)
    return str(paper.arxiv_id)


async def subscribe_yesterday(sandbox: RunningSandbox, **options: object) -> None:
    """Subscribes #papers with `/channel trending daily`, and dates it one day back."""
    async with bot_with_trending(sandbox):
        reply = await sandbox.reply_to("channel trending daily", options)
        assert reply.startswith("Each day's trending list")
    with closing(sqlite3.connect(sandbox.database)) as connection:
        since = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="microseconds")
        connection.execute("UPDATE channel_settings SET trending_since = ?", (since,))
        connection.commit()


def trending_posts(sandbox: RunningSandbox, channel: str = "papers") -> list[Message]:
    return [post for post in sandbox.posts(channel) if post.content.startswith("**Trending on ")]


def text_of(post: Message) -> str:
    return "\n".join(embed.description for embed in embeds_of(post))


@pytest.mark.parametrize("style", ["cards", pytest.param("compact")])
async def test_posted_paper_gets_its_votes_and_code_by_an_edit(tmp_path: Path, style: str) -> None:
    async with running_sandbox(tmp_path) as sandbox, bot_with_trending(sandbox):
        await sandbox.reply_to("channel style", {"style": style})
        await sandbox.subscribe("reward model")
        url = sandbox.add_paper("A Reward Model")
        (post,) = await sandbox.wait_for_papers("papers", 1)
        assert "▲" not in text_of(post)
        arxiv_id = add_to_list(sandbox, "A Reward Model", votes=41, paper_url=url, githubRepo="https://github.com/a/b",
                          githubStars=1234, ai_summary="It rewards.")  # fmt: skip
        on = " on Hugging Face" if style == "cards" else ""
        votes = f"[▲ 41 votes{on}](https://huggingface.co/papers/{arxiv_id}) · [code ★ 1.2k](https://github.com/a/b)"
        await sandbox.wait_until(lambda: votes in text_of(sandbox.posts("papers")[0]))
        (embed,) = embeds_of(sandbox.posts("papers")[0])
        if style == "cards":  # the same edit adds them
            assert "> **AI summary from Hugging Face:** It rewards.\n" in embed.description
            assert embed.thumbnail == f"{sandbox.url}/huggingface/thumbnails/{arxiv_id}.svg"
        sandbox.huggingface.lists.set_votes(arxiv_id, 90)
        await sandbox.wait_until(lambda: "[▲ 90 votes" in text_of(sandbox.posts("papers")[0]))
        assert len(sandbox.posts("papers")) == 1
        latest = await sandbox.command("latest", {"keyword": "reward model"})
        await latest.wait_for_edit(lambda message: "▲ 90" in text_of(message))
        # The abstract shows them, too.
        invocation = await sandbox.discord.press(
            post.id, str(components_of(post)[0]["custom_id"]), user_id=sandbox.world.default.admin_id
        )
        await invocation.wait_for_reply()
        assert invocation.reply is not None
        assert "▲ 90" in text_of(invocation.reply)


async def test_posts_have_no_votes_while_hugging_face_is_down_or_disabled(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.huggingface.faults.add(HuggingFaceFault(HuggingFaceFaultKind.UNAVAILABLE, times=None))
        async with bot_with_trending(sandbox):
            await sandbox.subscribe("reward model")
            url = sandbox.add_paper("A Reward Model")
            (post,) = await sandbox.wait_for_papers("papers", 1)
            before = text_of(post)
        sandbox.huggingface.faults.clear()
        add_to_list(sandbox, "A Reward Model", votes=41, paper_url=url)
        async with bot_with_trending(sandbox):
            await sandbox.wait_until(lambda: "▲ 41" in text_of(sandbox.posts("papers")[0]))
        async with running_bot(sandbox):
            assert await sandbox.reply_to("channel trending daily") == "Trending papers are switched off here."
            await sandbox.subscribe("model")  # another match causes an edit
            await sandbox.wait_until(lambda: text_of(sandbox.posts("papers")[0]) == before)
            latest = await sandbox.command("latest", {"keyword": "reward model"})
            await latest.wait_for_edit(lambda message: bool(message.embeds))
            assert latest.reply is not None
            assert "▲" not in text_of(latest.reply)


@pytest.mark.parametrize(
    "lost",
    [pytest.param(StatusAfter(502), id="502"), pytest.param(DropAfter(), id="dropped")],
)
async def test_list_is_posted_once_over_lost_answers_and_restarts(tmp_path: Path, lost: DiscordFault) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        await subscribe_yesterday(sandbox, votes=5)
        add_to_list(sandbox, "The Best of All", votes=400)
        add_to_list(sandbox, "A Reward Model of Few Votes", votes=7)
        add_to_list(sandbox, "Hardly Seen Reward Models", votes=2)
        async with running_bot(sandbox):
            assert "at least 5 votes; trending papers are switched off here" in await sandbox.reply_to("channel show")
            await sandbox.subscribe("reward model")
        sandbox.discord.faults.add("POST", rf"^/channels/{sandbox.channel('papers')}/messages$", lost)
        async with bot_with_trending(sandbox):
            await sandbox.wait_until(lambda: len(trending_posts(sandbox)) == 1 and sandbox.discord.faults.pending == 0)
        sandbox.discord.forget_nonces()
        async with bot_with_trending(sandbox):
            await sandbox.wait_for_next_poll()
            await sandbox.wait_for_next_poll()
            (post,) = trending_posts(sandbox)
            first, second = text_of(post).split("\n\n")
            few = "[A Reward Model of Few Votes](https://arxiv.org/abs/2601.00007)"
            assert first.startswith(f"**{few}**\n-# ▲ 7 votes · for reward model")
            best = "[The Best of All](https://arxiv.org/abs/2601.00400)"
            assert second.startswith(f"**{best}**\n-# ▲ 400 votes")
            assert not post.pings
            # The paper is known from the list only.
            menu = str(components_of(post)[0]["custom_id"])
            invocation = await sandbox.discord.choose(
                post.id, menu, ["2601.00400"], user_id=sandbox.world.default.admin_id
            )
            await invocation.wait_for_reply()
            assert invocation.reply is not None
            assert "We say why." in text_of(invocation.reply)
            assert "- Trending: each day's list, papers with at least 5 votes" in await sandbox.reply_to("channel show")
            assert await sandbox.reply_to("channel trending off") == (
                f"Lists of trending papers will no longer be posted in <#{sandbox.channel('papers')}>."
            )
            assert "Trending" not in await sandbox.reply_to("channel show")


async def test_list_begins_a_forum_post_and_counts_the_papers_left_out(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        forum = sandbox.world.add_channel(sandbox.world.default.guild_id, "paper-forum", ChannelKind.FORUM).id
        await subscribe_yesterday(sandbox, channel=forum)
        sandbox.huggingface.lists.generate(yesterday(), 120)
        async with bot_with_trending(sandbox):
            await sandbox.wait_until(lambda: any(each.parent_id == forum for each in sandbox.world.channels.values()))
            (thread,) = (each for each in sandbox.world.channels.values() if each.parent_id == forum)
            assert re.fullmatch(r"Trending on \w+, \d+ \w+ \d{4}: 120 papers", thread.name)
            (post,) = sandbox.world.messages.in_channel(thread.id)
            last = text_of(post).split("\n")[-1]
            listed = text_of(post).count("\n-# ▲ ")
            assert last == f"… and {120 - listed} more: `/trending date:{yesterday().isoformat()}`"
            assert 18 <= listed <= 25
