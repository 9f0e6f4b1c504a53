"""Tests of `/trending`: pages, buttons, dates, failures and rate limits."""

import re
import sqlite3
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from sandbox.discord import InvalidAction, Message
from sandbox.huggingface import HuggingFaceFault, HuggingFaceFaultKind, read_directory
from tests.support.embeds import ShownEmbed, components_of, embeds_of
from tests.support.loopback import free_port
from tests.support.recordings import HUGGING_FACE_DAYS
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

pytestmark = pytest.mark.slow

_LINE = re.compile(
    r"\*\*(?P<rank>\d+)\.\*\* \*\*\[.+\]\(https://huggingface\.co/papers/(?P<id>[^)]+)\)\*\*\n"
    r"-# ▲\u00a0[\d.kM]+( · .+)*"
    r" · \[arXiv\]\(https://arxiv\.org/abs/(?P=id)\)"
)


def trending_bot(sandbox: RunningSandbox, port: str = "null") -> AbstractAsyncContextManager[object]:
    """A bot that reads Hugging Face; its web server listens on `port`."""
    return running_bot(sandbox, DAILY_PAPERS_HUGGINGFACE__ENABLED="true", DAILY_PAPERS_WEB__PORT=port)


def today() -> date:
    """Today in UTC, as for the bot and the local Hugging Face."""
    return datetime.now(UTC).date()


async def trending(
    sandbox: RunningSandbox, *, user_id: int | None = None, channel: str | None = "papers", **options: object
) -> Message:
    """The reply to `/trending`."""
    invocation = await sandbox.command("trending", options, user_id=user_id, channel=channel)
    assert invocation.reply is not None
    return invocation.reply


def the_embed(message: Message) -> ShownEmbed:
    (embed,) = embeds_of(message)
    return embed


def lines(message: Message) -> list[re.Match[str]]:
    """The papers of a page, two lines each."""
    found = [_LINE.fullmatch(paper) for paper in the_embed(message).description.split("\n\n")]
    assert all(found), the_embed(message).description
    return [line for line in found if line is not None]


def button(message: Message, label: str) -> Mapping[str, object]:
    (found,) = [component for component in components_of(message) if label in str(component["label"])]
    return found


async def press(sandbox: RunningSandbox, message: Message, label: str, *, user_id: int | None = None) -> Message:
    """The message after the admin, or another user, pressed a button."""
    presser = sandbox.world.default.admin_id if user_id is None else user_id
    invocation = await sandbox.discord.press(message.id, str(button(message, label)["custom_id"]), user_id=presser)
    before = message.embeds
    return await invocation.wait_for_edit(lambda shown: shown.id != message.id or shown.embeds != before, DEADLINE_S)


async def all_pages(sandbox: RunningSandbox, message: Message) -> list[re.Match[str]]:
    """The papers of all pages."""
    papers = lines(message)
    while components_of(message) and not button(message, "▶").get("disabled"):
        message = await press(sandbox, message, "▶")
        papers += lines(message)
    return papers


async def test_day_of_120_papers_is_shown_page_by_page_most_votes_first(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, trending_bot(sandbox):
        entries = sandbox.huggingface.lists.generate(today(), 120)
        first = await trending(sandbox)
        assert the_embed(first).footer.startswith("1–10 of 120 ")
        assert button(first, "◀")["disabled"]
        papers = await all_pages(sandbox, first)
        assert [int(paper["rank"]) for paper in papers] == list(range(1, 121))
        assert {paper["id"] for paper in papers} == {entry["paper"]["id"] for entry in entries}
        votes = {entry["paper"]["id"]: entry["paper"]["upvotes"] for entry in entries}
        assert [votes[paper["id"]] for paper in papers] == sorted(votes.values(), reverse=True)
        assert [(request.p, request.limit) for request in sandbox.huggingface.requests] == [("0", "100"), ("1", "100")]


@pytest.mark.recordings
async def test_recorded_days_are_shown_completely(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, trending_bot(sandbox):
        for day, entries in sorted(read_directory(HUGGING_FACE_DAYS).items()):
            sandbox.huggingface.lists.set(day, entries)
            shown = await all_pages(sandbox, await trending(sandbox, date=day.isoformat()))
            assert {paper["id"] for paper in shown} == {entry["paper"]["id"] for entry in entries}
            votes = {entry["paper"]["id"]: entry["paper"]["upvotes"] for entry in entries}
            assert [votes[paper["id"]] for paper in shown] == sorted(votes.values(), reverse=True)
        before = len(sandbox.huggingface.requests)
        sandbox.huggingface.faults.add(HuggingFaceFault(HuggingFaceFaultKind.SERVER_ERROR, times=None))
        again = await trending(sandbox, date="2026-08-21")
        assert "EnvHarness" in the_embed(again).description
        assert "[code](https://github.com/google-research/envharness)\u00a0★\u00a08" in the_embed(again).description
        assert again.content == ""
        assert len(sandbox.huggingface.requests) == before  # a list read days later is final


async def test_newest_day_is_shown_and_its_buttons_work_after_a_restart(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        days = [today() - timedelta(days=ago) for ago in range(4)]
        for day in days:
            sandbox.huggingface.lists.set(day, [])
        sandbox.huggingface.lists.generate(days[2], 12)
        async with trending_bot(sandbox):
            first = await trending(sandbox, count=11)
            assert (
                str(the_embed(first).url).split("#")[0] == f"https://huggingface.co/papers/date/{days[2].isoformat()}"
            )
            assert the_embed(first).footer.startswith("1–10 of 11 (12 in the whole list) ")
        async with trending_bot(sandbox):
            second = await press(sandbox, first, "▶")
            assert second.id == first.id
            assert [paper["rank"] for paper in lines(second)] == ["11"]
            other = await press(sandbox, second, "◀", user_id=sandbox.world.default.member_id)
            assert other.id != first.id
            assert other.is_ephemeral
            assert len(lines(other)) == 10
            assert [paper["rank"] for paper in lines(second)] == ["11"]
            own = await press(sandbox, other, "▶", user_id=sandbox.world.default.member_id)
            assert own.id == other.id
        async with running_bot(sandbox):
            rejected = await press(sandbox, first, "◀")
            assert rejected.content == "Trending papers are switched off here."
            with pytest.raises(InvalidAction):
                await trending(sandbox)


async def test_pages_keep_their_order_when_votes_change_even_after_a_restart(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.huggingface.lists.generate(today(), 12)
        async with trending_bot(sandbox):
            first = await trending(sandbox, date="today")
            ids = [paper["id"] for paper in lines(first)]
        sandbox.huggingface.lists.set_votes(ids[8], 100_000)
        for arxiv_id in ids[:3]:
            sandbox.huggingface.lists.set_votes(arxiv_id, 0)
        with closing(sqlite3.connect(sandbox.database, isolation_level=None)) as database:
            database.execute("UPDATE trending_days SET fetched_at = '2026-01-01T00:00:00.000000+00:00'")
        async with trending_bot(sandbox):
            second = await press(sandbox, first, "▶")
            assert len(lines(second)) == 2
            assert not {paper["id"] for paper in lines(second)} & set(ids)
            again = await press(sandbox, second, "◀")
            assert [paper["id"] for paper in lines(again)] == ids
            # A new reply has the current order.
            assert lines(await trending(sandbox, date="today"))[0]["id"] == ids[8]


async def test_unknown_day_during_a_failure_says_when_to_try_again(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.huggingface.lists.generate(today(), 3)
        async with trending_bot(sandbox):
            assert len(lines(await trending(sandbox, date="today"))) == 3
            sandbox.huggingface.faults.add(HuggingFaceFault(HuggingFaceFaultKind.SERVER_ERROR, times=None))
            unknown = await trending(sandbox, date="2026-08-21")
            assert re.fullmatch(
                r"Hugging Face returned an unexpected response \(status 500\)\. Try again <t:\d+:R>\.", unknown.content
            )
            assert unknown.is_ephemeral


async def test_invalid_dates_are_rejected_and_valid_ones_suggested(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, trending_bot(sandbox):
        tomorrow = (today() + timedelta(days=1)).isoformat()
        for typed, words in {
            tomorrow: "is in the future",
            "2026-02-30": "2026-02-30 is not a valid date. Use",
            "soon": "Use `",
            "2020-01-01": "Hugging Face has no lists before May 2023.",
        }.items():
            rejected = await trending(sandbox, date=typed)
            assert rejected.is_ephemeral
            assert words in rejected.content
        suggested = await sandbox.suggestions("trending", {"date": "yest"}, "date")
        assert list(suggested.values()) == [(today() - timedelta(days=1)).isoformat()]
        assert sandbox.huggingface.requests == []


async def test_empty_day_is_explained_even_if_it_cannot_be_read_again(
    tmp_path: Path,
) -> None:
    sunday = date(2026, 8, 23)
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.huggingface.lists.set(sunday, [])
        sandbox.huggingface.lists.set(today(), [])
        async with trending_bot(sandbox):
            assert (await trending(sandbox, date=sunday.isoformat())).content == (
                "No trending papers on Sunday, 23 August 2026: weekends have no list. "
                "`/trending` without a date shows the newest day with papers."
            )
            await trending(sandbox, date="today")
        database = sqlite3.connect(sandbox.database, isolation_level=None)
        database.execute("UPDATE trending_days SET fetched_at = '2026-01-01T00:00:00.000000+00:00'")
        database.close()
        sandbox.huggingface.faults.add(HuggingFaceFault(HuggingFaceFaultKind.SERVER_ERROR, times=None))
        async with trending_bot(sandbox):
            old = (await trending(sandbox, date="today")).content
        assert old.startswith("No trending papers on ")
        assert old.endswith("This list may be out of date: Hugging Face returned an unexpected response (status 500).")


async def test_trending_works_in_direct_messages_and_is_rate_limited(
    tmp_path: Path,
) -> None:
    async with running_sandbox(tmp_path) as sandbox, trending_bot(sandbox):
        sandbox.huggingface.lists.generate(today(), 3)
        for _ in range(10):
            assert len(lines(await trending(sandbox, channel=None, date="today"))) == 3
        member = sandbox.world.default.member_id
        elsewhere = sandbox.world.add_guild("Strangers", owner_id=member, with_bot=False)
        channel = sandbox.world.add_channel(elsewhere.id, "lounge")
        sandbox.world.user_installs.add(member)
        own = await sandbox.discord.run_command("trending", {"date": "today"}, user_id=member, channel_id=channel.id)
        assert len(lines(await own.wait_for_reply())) == 3
        rejected = await trending(sandbox, channel=None, date="today")
        assert rejected.content.startswith("Rate limit: try again in ")
        assert len(sandbox.huggingface.requests) == 1


async def test_failed_vote_reading_is_reported_only_in_the_status(tmp_path: Path) -> None:
    port = free_port()
    async with running_sandbox(tmp_path) as sandbox, trending_bot(sandbox, str(port)):
        await sandbox.subscribe("reward model")
        assert sandbox.huggingface.requests == []
        sandbox.huggingface.faults.add(HuggingFaceFault(HuggingFaceFaultKind.SERVER_ERROR, times=None))
        sandbox.add_paper("A Reward Model")
        await sandbox.wait_for_papers("papers", 1)
        reply = await sandbox.wait_for_status("Votes and code are out of date")
        assert re.search(
            r"⚠️ Votes and code are out of date: Hugging Face returned an unexpected response \(status 500\)\."
            r" Next try <t:\d+:R>\.",
            reply,
        )
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as response:
            assert response.status == 200
        sandbox.add_paper("Another Reward Model")
        await sandbox.wait_for_papers("papers", 2)
