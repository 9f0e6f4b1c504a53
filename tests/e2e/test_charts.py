"""`/trend` and `/stats`: pictures that fill while they are read, and that show nobody what they may not view."""

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
from tests.support.quiescence import until
from tests.support.running import DEADLINE_S, Box, a_bot, a_box

# The process that draws goes behind everybody else (nice).
DRAWN_WITHIN_S = 120.0


def publish_a_year(box: Box, title: str) -> None:
    """arXiv shows a paper with this title in each of the last twelve months."""
    for month in last_year(datetime.now(UTC)):
        box.arxiv.add_paper(SandboxPaper(title=title, published=month.start))


async def chart(box: Box, command: str, *, channel: str | None = "general", **options: object) -> Message:
    """What the member reads in the end who asks for a chart."""
    member = box.world.default.member_id
    invocation = await box.command(command, options, channel=channel, user_id=member)
    return await invocation.wait_for_edit(lambda message: "months are to be" not in message.content, DRAWN_WITHIN_S)


def edits(box: Box) -> list[str]:
    """What the replies said, edit by edit."""
    said = [
        request.body for request in box.discord.requests if request.method == "PATCH" and "@original" in request.path
    ]
    return [str(body["content"]) for body in said if isinstance(body, dict)]


def delivered(box: Box) -> int:
    """How many papers the bot knows to be posted, in all channels."""
    with closing(sqlite3.connect(f"{box.database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        (papers,) = connection.execute("SELECT count(*) FROM outbox WHERE state = 'delivered'").fetchone()
        return int(papers)


async def assert_shows_a_picture(message: Message, *, alt_text: str) -> None:
    (attachment,) = message.attachments
    assert str(attachment["description"]).startswith(alt_text)
    async with aiohttp.ClientSession() as session, session.get(str(attachment["url"])) as response:
        assert (await response.read()).startswith(b"\x89PNG")
    (embed,) = message.shown_embeds
    assert embed["image"]["url"] in ("attachment://chart.png", attachment["url"])  # type: ignore[index] # JSON


@pytest.mark.slow
async def test_a_chart_fills_from_nothing_and_the_next_one_asks_nothing(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        publish_a_year(box, "A Reward Model")
        answer = await chart(box, "trend", keyword="reward model")
        assert answer.content == "Papers a month for **reward model**"
        assert not answer.is_ephemeral
        alt_text = "Line chart: papers a month on arXiv, "
        await assert_shows_a_picture(answer, alt_text=alt_text)
        assert f"**reward model**: {', '.join('1' * 12)} · 12 in all" in str(answer.shown_embeds[0]["description"])
        first, *_, before_last, last = edits(box)
        assert first.startswith("12 of 12 months are to be counted: about 1 s. This message fills as arXiv answers; ")
        assert before_last.startswith("4 of 12 months are to be counted")
        assert last == answer.content
        assert len(box.arxiv.requests) == 12
        in_dm = await chart(box, "trend", channel=None, keyword="Reward  model, reward model")
        await assert_shows_a_picture(in_dm, alt_text=alt_text)
        assert len(box.arxiv.requests) == 12


@pytest.mark.slow
async def test_arxiv_that_breaks_off_leaves_a_chart_that_says_when_to_ask_again(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        publish_a_year(box, "A Reward Model")
        second = last_year(datetime.now(UTC))[-3]
        box.arxiv.faults.add(
            ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="60", containing=f"[{second.start:%Y%m}010000")
        )
        answer = await chart(box, "trend", keyword="reward model")
        assert answer.content.startswith(
            "arXiv asks us to wait, for **reward model**. 10 of 12 months are not counted "
        )
        await assert_shows_a_picture(answer, alt_text="Line chart")
        assert "–, 1, 1" in str(answer.shown_embeds[0]["description"])


@pytest.mark.slow
async def test_a_chart_whose_message_was_deleted_is_filled_no_further(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        publish_a_year(box, "A Reward Model")
        invocation = await box.command("trend", {"keyword": "reward model"})
        assert invocation.reply is not None
        box.world.messages.delete(invocation.reply)
        await box.until(lambda: any(request.status == 404 for request in box.discord.requests))
    assert len(box.arxiv.requests) == CHART_EDITED_EVERY
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_statistics_are_for_the_callers_eyes_and_of_the_channels_that_they_can_view(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box, a_bot(box):
        assert (await chart(box, "stats")).content.startswith("No paper was posted in the last 12 weeks")
        await asyncio.gather(box.subscribe("reward model"), box.subscribe("secret plan", channel="admins"))
        assert await box.suggested("trend", {"keyword": "re"}, "keyword") == {
            "reward model": "reward model",
            "secret plan": "secret plan",
        }
        box.publish("A Reward Model")
        box.publish("A Reward Model of a Secret Plan")
        # Discord shows a message a little before it counts as delivered.
        await until(lambda: delivered(box) == 3, DEADLINE_S)
        answer = await chart(box, "stats")
        assert answer.is_ephemeral
        assert answer.content.startswith("2 papers posted in the last 12 weeks in the channels that you can view")
        await assert_shows_a_picture(answer, alt_text="Bar chart: papers posted a week, 2 in all")
        shown = str(answer.shown_embeds[0]["description"])
        assert "**reward model**: 2" in shown
        assert "secret" not in shown + str(answer.attachments)
        said = await box.said("stats")
        assert said.startswith("3 papers posted")


async def test_a_chart_that_is_being_filled_ends_with_the_bot_and_leaves_arxiv_open(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_box(tmp_path) as box:
        async with a_bot(box):
            publish_a_year(box, "A Reward Model")
            box.arxiv.faults.add(ArxivFault(ArxivFaultKind.SLOW_FIRST_BYTE, times=None, delay_s=DEADLINE_S))
            await box.command("trend", {"keyword": "reward model"})
            await until(lambda: len(box.arxiv.requests) == 1, DEADLINE_S)
        said = [record for record in caplog.records if not record.name.startswith("discord.")]
        assert [record.message for record in said if record.levelno >= logging.WARNING] == []
        gate = json.loads(box.database.with_name(f"{box.database.name}.gate").read_bytes())
        assert gate["not_before"] is None
