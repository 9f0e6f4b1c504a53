"""Tests of `/trend` and `/stats`: progress, failures, images, and what callers may view."""

import asyncio
import json
import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from bot.domain.charts.trend import last_year
from bot.services.charts import CHART_EDITED_EVERY
from sandbox.arxiv import ArxivFault, ArxivFaultKind, SandboxPaper
from sandbox.discord import Message
from tests.support.quiescence import wait_until
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow

# The drawing process runs with a low priority (nice).
DRAWN_WITHIN_S = 120.0


def add_a_year_of_papers(sandbox: RunningSandbox, title: str) -> None:
    """Adds a paper to each of the last twelve months."""
    for month in last_year(datetime.now(UTC)):
        sandbox.arxiv.add_paper(SandboxPaper(title=title, published=month.start))


async def chart(
    sandbox: RunningSandbox, command: str, *, channel: str | None = "general", **options: object
) -> Message:
    """The final reply to the member."""
    member = sandbox.world.default.member_id
    invocation = await sandbox.command(command, options, channel=channel, user_id=member)
    return await invocation.wait_for_edit(lambda message: not message.content.startswith("Counting "), DRAWN_WITHIN_S)


def edits(sandbox: RunningSandbox) -> list[str]:
    """The texts of all edits of replies."""
    bodies = [
        request.body
        for request in sandbox.discord.requests
        if request.method == "PATCH" and "@original" in request.path
    ]
    return [str(body["content"]) for body in bodies if isinstance(body, dict)]


def delivered(sandbox: RunningSandbox) -> int:
    """How many papers are recorded as posted, in all channels."""
    with closing(sqlite3.connect(f"{sandbox.database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        (papers,) = connection.execute("SELECT count(*) FROM outbox WHERE state = 'delivered'").fetchone()
        return int(papers)


async def assert_has_image(message: Message, *, alt_text: str) -> None:
    (attachment,) = message.attachments
    assert str(attachment["description"]).startswith(alt_text)
    async with aiohttp.ClientSession() as session, session.get(str(attachment["url"])) as response:
        assert (await response.read()).startswith(b"\x89PNG")
    (embed,) = message.shown_embeds
    assert embed["image"]["url"] in ("attachment://chart.png", attachment["url"])  # type: ignore[index] # JSON


async def test_chart_is_edited_until_complete_and_then_served_from_the_store(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        add_a_year_of_papers(sandbox, "A Reward Model")
        answer = await chart(sandbox, "trend", keyword="reward model")
        assert answer.content == "Papers per month for **reward model**"
        assert not answer.is_ephemeral
        alt_text = "Line chart: papers per month on arXiv, "
        await assert_has_image(answer, alt_text=alt_text)
        assert f"**reward model**: {', '.join('1' * 12)} · 12 in total" in str(answer.shown_embeds[0]["description"])
        first, *_, before_last, last = edits(sandbox)
        assert first.startswith("Counting 12 months (about 1 s). This updates as results arrive; ")
        assert before_last.startswith("Counting 4 months (about ")
        assert last == answer.content
        assert len(sandbox.arxiv.requests) == 12
        in_dm = await chart(sandbox, "trend", channel=None, keyword="Reward  model, reward model")
        await assert_has_image(in_dm, alt_text=alt_text)
        assert len(sandbox.arxiv.requests) == 12


async def test_chart_interrupted_by_arxiv_says_when_to_continue(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        add_a_year_of_papers(sandbox, "A Reward Model")
        second = last_year(datetime.now(UTC))[-3]
        sandbox.arxiv.faults.add(
            ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="60", containing=f"[{second.start:%Y%m}010000")
        )
        answer = await chart(sandbox, "trend", keyword="reward model")
        assert answer.content.startswith(
            "arXiv asks us to wait (**reward model**), so 10 of 12 months are not counted yet: run `/trend` again "
        )
        await assert_has_image(answer, alt_text="Line chart")
        assert "–, 1, 1" in str(answer.shown_embeds[0]["description"])


async def test_keyword_without_papers_has_no_chart(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        add_a_year_of_papers(sandbox, "An Agent")
        answer = await chart(sandbox, "trend", keyword="quokka")
        assert answer.content.startswith("arXiv has no papers for **quokka** from ")
        assert answer.shown_embeds == []
        assert answer.attachments == []


async def test_chart_that_cannot_begin_is_rejected_privately(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="60"))
        invocation = await sandbox.command("trend", {"keyword": "reward model"}, channel="general")
        await invocation.wait_for(lambda each: bool(each.followups))
        (rejection,) = invocation.followups
        assert rejection.is_ephemeral
        assert rejection.content.startswith("arXiv asks us to wait (**reward model**), so 12 of 12 months are not ")
        assert invocation.reply is rejection


async def test_counting_stops_when_the_reply_is_deleted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        add_a_year_of_papers(sandbox, "A Reward Model")
        invocation = await sandbox.command("trend", {"keyword": "reward model"})
        assert invocation.reply is not None
        sandbox.world.messages.delete(invocation.reply)
        await sandbox.wait_until(lambda: any(request.status == 404 for request in sandbox.discord.requests))
    assert len(sandbox.arxiv.requests) == CHART_EDITED_EVERY
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_stats_are_private_and_cover_only_channels_the_caller_can_view(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox):
        assert (await chart(sandbox, "stats")).content.startswith("No papers were posted in the last 12 weeks")
        await asyncio.gather(sandbox.subscribe("reward model"), sandbox.subscribe("secret plan", channel="admins"))
        suggested = await sandbox.suggestions("trend", {"keyword": "re"}, "keyword")
        assert sorted(suggested) == ["reward model", "secret plan"]
        sandbox.add_paper("A Reward Model")
        sandbox.add_paper("A Reward Model of a Secret Plan")
        # A message appears slightly before the bot records it as delivered.
        await wait_until(lambda: delivered(sandbox) == 3, DEADLINE_S)
        answer = await chart(sandbox, "stats")
        assert answer.is_ephemeral
        assert answer.content.startswith("2 papers posted in the last 12 weeks in the channels that you can view")
        await assert_has_image(answer, alt_text="Bar chart: papers posted per week, 2 in total")
        shown = str(answer.shown_embeds[0]["description"])
        assert "**reward model**: 2" in shown
        assert "secret" not in shown + str(answer.attachments)
        reply = await sandbox.reply_to("stats")
        assert reply.startswith("3 papers posted")


async def test_chart_in_progress_ends_with_the_bot_without_a_backoff(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            add_a_year_of_papers(sandbox, "A Reward Model")
            sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.SLOW_FIRST_BYTE, times=None, delay_s=DEADLINE_S))
            await sandbox.command("trend", {"keyword": "reward model"})
            await wait_until(lambda: len(sandbox.arxiv.requests) == 1, DEADLINE_S)
        records = [record for record in caplog.records if not record.name.startswith("discord.")]
        assert [record.message for record in records if record.levelno >= logging.WARNING] == []
        gate = json.loads(sandbox.database.with_name(f"{sandbox.database.name}.gate").read_bytes())
        assert gate["not_before"] is None
