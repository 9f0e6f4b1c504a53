"""Votes on posted cards, and each day's list in a channel: with the real client, over lost answers and restarts."""

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


def yesterday() -> date:
    """The day whose list is posted today, as the bot and the local Hugging Face see it."""
    return datetime.now(UTC).date() - timedelta(days=1)


def a_listing_bot(sandbox: RunningSandbox) -> AbstractAsyncContextManager[object]:
    """A bot that asks Hugging Face."""
    return running_bot(sandbox, DAILY_PAPERS_HUGGINGFACE__ENABLED="true")


def listed(sandbox: RunningSandbox, title: str, *, votes: int, paper_url: str | None = None, **told: object) -> str:
    """Put a paper on yesterday's list; returns its id."""
    papers = {paper.arxiv_id: paper for paper in sandbox.arxiv.papers}
    known = papers.get((paper_url or "").rpartition("/")[2])
    paper = known or SandboxPaper(title=title, abstract="We say why.", arxiv_id=f"2601.{votes:05}")
    sandbox.huggingface.lists.add(paper, yesterday(), upvotes=votes, **told)
    return str(paper.arxiv_id)


async def asked_yesterday(sandbox: RunningSandbox, **options: object) -> None:
    """`/channel trending daily` in #papers, a day ago."""
    async with a_listing_bot(sandbox):
        reply = await sandbox.reply_to("channel trending daily", options)
        assert reply.startswith("Each day's trending papers ")
    with closing(sqlite3.connect(sandbox.database)) as connection:
        since = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="microseconds")
        connection.execute("UPDATE channel_settings SET trending_since = ?", (since,))
        connection.commit()


def lists(sandbox: RunningSandbox, channel: str = "papers") -> list[Message]:
    return [post for post in sandbox.posts(channel) if post.content.startswith("**Trending on ")]


def shown(post: Message) -> str:
    return "\n".join(embed.description for embed in embeds_of(post))


@pytest.mark.parametrize("style", ["cards", pytest.param("compact", marks=pytest.mark.slow)])
async def test_posted_paper_gets_its_votes_and_code_by_an_edit_once_it_is_listed(tmp_path: Path, style: str) -> None:
    async with running_sandbox(tmp_path) as sandbox, a_listing_bot(sandbox):
        await sandbox.reply_to("channel style", {"style": style})
        await sandbox.subscribe("reward model")
        url = sandbox.add_paper("A Reward Model")
        (post,) = await sandbox.wait_for_papers("papers", 1)
        assert "▲" not in shown(post)
        arxiv_id = listed(sandbox, "A Reward Model", votes=41, paper_url=url, githubRepo="https://github.com/a/b",
                          githubStars=1234)  # fmt: skip
        votes = f"[▲ 41](https://huggingface.co/papers/{arxiv_id}) · [code ★ 1.2k](https://github.com/a/b)"
        await sandbox.wait_until(lambda: votes in shown(sandbox.posts("papers")[0]))
        sandbox.huggingface.lists.set_votes(arxiv_id, 90)
        await sandbox.wait_until(lambda: "[▲ 90](" in shown(sandbox.posts("papers")[0]))
        assert len(sandbox.posts("papers")) == 1
        latest = await sandbox.command("latest", {"keyword": "reward model"})
        await latest.wait_for_edit(lambda message: "▲ 90" in shown(message))
        # Whoever reads the abstract sees them too.
        invocation = await sandbox.discord.press(
            post.id, str(components_of(post)[0]["custom_id"]), user_id=sandbox.world.default.admin_id
        )
        await invocation.wait_for_reply()
        assert invocation.reply is not None
        assert "▲ 90" in shown(invocation.reply)


async def test_posts_are_as_they_were_while_hugging_face_is_down_or_switched_off(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.huggingface.faults.add(HuggingFaceFault(HuggingFaceFaultKind.UNAVAILABLE, times=None))
        async with a_listing_bot(sandbox):
            await sandbox.subscribe("reward model")
            url = sandbox.add_paper("A Reward Model")
            (post,) = await sandbox.wait_for_papers("papers", 1)
            before = shown(post)
        sandbox.huggingface.faults.clear()
        listed(sandbox, "A Reward Model", votes=41, paper_url=url)
        async with a_listing_bot(sandbox):
            await sandbox.wait_until(lambda: "▲ 41" in shown(sandbox.posts("papers")[0]))
        async with running_bot(sandbox):
            assert await sandbox.reply_to("channel trending daily") == "Trending papers are switched off here."
            await sandbox.subscribe("model")  # what matches more is drawn anew
            await sandbox.wait_until(lambda: shown(sandbox.posts("papers")[0]) == before)
            latest = await sandbox.command("latest", {"keyword": "reward model"})
            await latest.wait_for_edit(lambda message: bool(message.embeds))
            assert latest.reply is not None
            assert "▲" not in shown(latest.reply)


@pytest.mark.parametrize(
    "lost",
    [pytest.param(StatusAfter(502), id="502", marks=pytest.mark.slow), pytest.param(DropAfter(), id="dropped")],
)
async def test_list_is_posted_once_over_lost_answers_and_restarts(tmp_path: Path, lost: DiscordFault) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        await asked_yesterday(sandbox, votes=5)
        listed(sandbox, "The Best of All", votes=400)
        listed(sandbox, "A Reward Model of Few Votes", votes=7)
        listed(sandbox, "Hardly Seen Reward Models", votes=2)
        async with running_bot(sandbox):
            assert "at least 5 votes; trending papers are switched off here" in await sandbox.reply_to("channel show")
            await sandbox.subscribe("reward model")
        sandbox.discord.faults.add("POST", rf"^/channels/{sandbox.channel('papers')}/messages$", lost)
        async with a_listing_bot(sandbox):
            await sandbox.wait_until(lambda: len(lists(sandbox)) == 1 and sandbox.discord.faults.pending == 0)
        sandbox.discord.forget_nonces()
        async with a_listing_bot(sandbox):
            await sandbox.wait_for_next_poll()
            await sandbox.wait_for_next_poll()
            (post,) = lists(sandbox)
            first, _, second = shown(post).split("\n")
            few = "[A Reward Model of Few Votes](https://arxiv.org/abs/2601.00007)"
            assert first.startswith(f"▲ 7 · **{few}** · for reward model")
            assert second.startswith("▲ 400 · **[The Best of All](https://arxiv.org/abs/2601.00400)**")
            assert not post.pings
            # The list is all that is known of the paper.
            menu = str(components_of(post)[0]["custom_id"])
            invocation = await sandbox.discord.choose(
                post.id, menu, ["2601.00400"], user_id=sandbox.world.default.admin_id
            )
            await invocation.wait_for_reply()
            assert invocation.reply is not None
            assert "We say why." in shown(invocation.reply)
            assert "- Trending: each day's list, papers with at least 5 votes" in await sandbox.reply_to("channel show")
            assert await sandbox.reply_to("channel trending off") == (
                f"Lists of trending papers will no longer be posted in <#{sandbox.channel('papers')}>."
            )
            assert "Trending" not in await sandbox.reply_to("channel show")


async def test_list_begins_a_post_in_a_forum_and_says_how_many_more_there_are(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        forum = sandbox.world.add_channel(sandbox.world.default.guild_id, "paper-forum", ChannelKind.FORUM).id
        await asked_yesterday(sandbox, channel=forum)
        sandbox.huggingface.lists.generate(yesterday(), 120)
        async with a_listing_bot(sandbox):
            await sandbox.wait_until(lambda: any(each.parent_id == forum for each in sandbox.world.channels.values()))
            (thread,) = (each for each in sandbox.world.channels.values() if each.parent_id == forum)
            assert re.fullmatch(r"Trending on \w+, \d+ \w+ \d{4}: 120 papers", thread.name)
            (post,) = sandbox.world.messages.in_channel(thread.id)
            *lines, last = filter(None, shown(post).split("\n"))
            assert last == f"… and {120 - len(lines)} more: `/trending date:{yesterday().isoformat()}`"
            assert 18 <= len(lines) <= 25
