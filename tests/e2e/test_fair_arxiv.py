"""Many people at once: polls continue, lookups have a budget, and one person's charts do not delay those of others."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.charts.trend import last_year
from bot.services.lookup_budget import LOOKUPS_PER_MINUTE, LOOKUPS_RESERVED
from sandbox.arxiv import Corpus, LocalArxiv, SandboxPaper
from sandbox.discord import Invocation
from tests.support.running import RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow

# All other times are shorter in proportion: ten lookups per 3 s.
INTERVAL_S = 0.15


def slow_arxiv(*titles: str) -> LocalArxiv:
    """An arXiv that shows these papers, with the interval between requests."""
    arxiv = LocalArxiv(Corpus(), interval_s=INTERVAL_S)
    for title in ("Sheaves on a Torus", *titles):
        arxiv.add_paper(SandboxPaper(title=title, abstract="We compute."))
    return arxiv


def people(sandbox: RunningSandbox, count: int) -> list[int]:
    """New members of the default server."""
    users = [sandbox.world.add_user(f"person {number}").id for number in range(count)]
    for user in users:
        sandbox.world.add_member(sandbox.world.default.guild_id, user)
    return users


async def start(sandbox: RunningSandbox, command: str, keyword: str, user_id: int) -> Invocation:
    """Runs a command without waiting for its reply."""
    channel_id = sandbox.channel("general")
    return await sandbox.discord.run_command(command, {"keyword": keyword}, user_id=user_id, channel_id=channel_id)


async def test_papers_are_posted_while_people_look_others_up(tmp_path: Path) -> None:
    arxiv = slow_arxiv()
    async with (
        running_sandbox(tmp_path, arxiv=arxiv) as sandbox,
        running_bot(sandbox, DAILY_PAPERS_ARXIV__REQUEST_INTERVAL_S=str(INTERVAL_S)),
    ):
        await sandbox.subscribe("reward model")
        users = people(sandbox, 6)
        lookups = [await start(sandbox, "latest", f"quokka {n} {user}", user) for n in range(5) for user in users]
        before = len(arxiv.requests)
        sandbox.add_paper("A Reward Model")
        await sandbox.wait_for_papers("papers", 1)
        # A poll takes up to five requests, each in the third slot at the latest; one poll may have started before.
        assert len(arxiv.requests) - before <= 2 * 5 * 3
        for lookup in lookups:
            await lookup.wait_for_reply()


async def test_reply_over_the_budget_of_lookups_says_when_to_try_again(tmp_path: Path) -> None:
    words = [f"word{number}" for number in range(LOOKUPS_PER_MINUTE)]
    arxiv = slow_arxiv(" ".join(words))
    async with (
        running_sandbox(tmp_path, arxiv=arxiv) as sandbox,
        running_bot(sandbox, DAILY_PAPERS_ARXIV__REQUEST_INTERVAL_S=str(INTERVAL_S)),
    ):
        users = people(sandbox, len(words))
        lookups = [await start(sandbox, "latest", word, user) for word, user in zip(words, users, strict=True)]
        replies = [(await lookup.wait_for_reply()).content for lookup in lookups]
        rejected = [reply for reply in replies if not reply.startswith("The newest paper for ")]
        assert len(rejected) == LOOKUPS_RESERVED
        for reply in rejected:
            assert re.fullmatch(
                r"All lookups on arXiv for this minute are used up, and no papers for \*\*word\d\*\* are stored here "
                r"yet\. Try again <t:\d+:R>\.",
                reply,
            )


async def test_charts_of_one_person_leave_room_for_those_of_others(tmp_path: Path) -> None:
    arxiv = slow_arxiv()
    for month in last_year(datetime.now(UTC)):
        arxiv.add_paper(SandboxPaper(title="An Agent", published=month.start + timedelta(days=1)))
    async with (
        running_sandbox(tmp_path, arxiv=arxiv) as sandbox,
        running_bot(sandbox, DAILY_PAPERS_ARXIV__REQUEST_INTERVAL_S=str(INTERVAL_S)),
    ):
        first, second = people(sandbox, 2)
        keywords = [", ".join(f"quokka {5 * chart + n}" for n in range(5)) for chart in range(3)]
        for text in keywords:
            await start(sandbox, "trend", text, first)
        other = await start(sandbox, "trend", "agent", second)
        async with asyncio.timeout(30):
            shown = await other.wait_for_edit(lambda message: message.content == "Papers per month for **agent**")
        assert shown.attachments
