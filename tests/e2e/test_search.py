"""Tests of `/search`: pages, order, buttons after a restart, mistakes and rate limits."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cogs.search import SEARCHES_PER_MINUTE
from sandbox.arxiv import ArxivFault, ArxivFaultKind, SandboxPaper
from sandbox.discord import InvalidAction, Message
from tests.support.embeds import components_of, papers_in
from tests.support.running import DEADLINE_S, RunningSandbox, abs_url, running_bot, running_sandbox


async def search(sandbox: RunningSandbox, query: str, *, channel: str | None = "general", **options: object) -> Message:
    """The reply to the member."""
    member = sandbox.world.default.member_id
    invocation = await sandbox.command("search", {"query": query} | options, channel=channel, user_id=member)
    assert invocation.reply is not None
    return invocation.reply


async def press(sandbox: RunningSandbox, message: Message, label: str, *, user_id: int | None = None) -> Message:
    """The message after the member, or another user, pressed a button."""
    (button,) = [component for component in components_of(message) if label in str(component.get("label"))]
    presser = sandbox.world.default.member_id if user_id is None else user_id
    invocation = await sandbox.discord.press(message.id, str(button["custom_id"]), user_id=presser)
    before = message.content
    return await invocation.wait_for_edit(lambda shown: shown.id != message.id or shown.content != before, DEADLINE_S)


def urls(message: Message) -> list[str]:
    """The papers in a reply."""
    return papers_in(message)


async def store_papers(sandbox: RunningSandbox, count: int) -> list[str]:
    """Has the bot store papers about reward models, one per day; returns their URLs, newest first."""
    now = datetime.now(UTC).replace(microsecond=0)
    listed = [
        SandboxPaper(
            title=f"Reward models {'and agents' if days % 3 == 0 else ''}",
            abstract="A survey." if days % 2 else "A study of reward models.",
            published=now - timedelta(days=days + 2),
        )
        for days in range(count)
    ]
    found = [abs_url(sandbox.arxiv.add_paper(each)) for each in listed]
    await sandbox.subscribe("reward model")
    await sandbox.wait_for_status("Last checked**: <t:")
    return found


async def test_stored_papers_are_found_page_by_page_without_asking_arxiv(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox, DAILY_PAPERS_ARXIV__POLL_INTERVAL_S="3600"):
            newest_first = await store_papers(sandbox, 12)
            sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.SERVER_ERROR, times=None))
            first = await search(sandbox, "(reward OR rlhf) AND cat:cs.* -survey", sort="newest")
            assert not first.is_ephemeral
            assert first.content == (
                "6 stored papers, newest first.\n-# `(reward OR rlhf) AND cat:cs.* ANDNOT survey` · papers 1–5"
            )
            assert urls(first) == newest_first[0:10:2]
            by_rank = await search(sandbox, "reward model", count=10)
            assert by_rank.content.startswith("12 stored papers, best match first.")
            assert set(urls(by_rank)) < set(newest_first)
            assert len(urls(by_rank)) == 10
        # The buttons work after a restart.
        async with running_bot(sandbox, DAILY_PAPERS_ARXIV__POLL_INTERVAL_S="3600"):
            second = await press(sandbox, first, "More")
            assert second.id == first.id
            assert urls(second) == newest_first[10:12:2]
            assert second.content.endswith(" · paper 6")
            copy = await press(sandbox, second, "Back", user_id=sandbox.world.default.admin_id)
            assert copy.is_ephemeral
            assert urls(copy) == newest_first[0:10:2]


# Fewer than a person may make per minute.
MISTAKES = (
    ("quokka", "No stored paper matches **quokka**. Check the spelling. `/latest` asks arXiv."),
    ("au:Quokka AND reward", "No stored paper matches **au:Quokka AND reward**. Check the spelling, or require less."),
    ("of the", 'Use at least one word besides stop words such as "the" or "of".'),
    ("(reward OR", "There is no `)` for this `(`."),
    ("reward, agents", "`/search` takes one keyword; you gave 2: **reward**, **agents**. Run it once for each."),
    ("reward AND (x", "\n```\nreward AND (x\n           ^\n```"),
    ("-survey", "That is nearly everything"),
    ("cat:cs.XX", "There is no arXiv category `cs.XX`"),
    ("(" * 6000, "can be up to"),
)


@pytest.mark.slow
async def test_mistake_or_empty_result_is_answered_with_a_sentence(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        for query, text in MISTAKES:
            reply = await search(sandbox, query)
            assert reply.is_ephemeral, query
            assert text in reply.content


@pytest.mark.slow
async def test_ambiguous_search_asks_and_shows_its_pages_in_a_public_message(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, DAILY_PAPERS_ARXIV__POLL_INTERVAL_S="3600"):
        newest_first = await store_papers(sandbox, 7)
        question_reply = await search(sandbox, "models and agents", count=2, sort="newest")
        assert question_reply.is_ephemeral
        assert question_reply.content.startswith(
            "**models and agents** can be read in several ways. Which one do you mean?"
        )
        phrase = await press(sandbox, question_reply, '1. "models and agents"')
        assert not phrase.is_ephemeral
        assert phrase.content == "3 stored papers, newest first.\n-# `models and agents` · papers 1–2"
        assert urls(phrase) == newest_first[0:6:3]
        last = await press(sandbox, phrase, "More")
        assert last.content == "3 stored papers, newest first.\n-# `models and agents` · paper 3"
        assert urls(last) == newest_first[6:7]
        assert (await press(sandbox, question_reply, "2. models AND agents")).content.startswith(
            "3 stored papers, newest first."
        )


@pytest.mark.slow
async def test_searches_are_limited_per_person(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        for _ in range(SEARCHES_PER_MINUTE):
            await search(sandbox, "quokka")
        rejected = await search(sandbox, "quokka")
        assert rejected.is_ephemeral
        assert re.fullmatch(r"Rate limit: try again in \d+ s\.", rejected.content)


@pytest.mark.slow
async def test_search_works_in_direct_messages_and_with_one_to_ten_papers(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        (url,) = await store_papers(sandbox, 1)
        assert urls(await search(sandbox, "reward", channel=None)) == [url]
        assert (await search(sandbox, "reward", channel=None)).content == "One stored paper.\n-# `reward` · paper 1"
        for count in (0, 11):
            with pytest.raises(InvalidAction):
                await search(sandbox, "reward", count=count)


@pytest.mark.slow
async def test_search_says_that_old_abstracts_are_not_kept(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, DAILY_PAPERS_ABSTRACTS_KEPT_DAYS="100"):
        await sandbox.subscribe("reward model")
        sandbox.add_paper("A Reward Model")
        await sandbox.wait_for_papers("papers", 1)
        found = await search(sandbox, "reward model")
        assert found.content.startswith("One stored paper.")
        assert "-# Abstracts are kept for 100 days: older papers are found by their titles." in found.content
