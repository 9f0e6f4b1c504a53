"""Failures of Discord and of the gateway lose and duplicate nothing."""

import re
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from bot.discord_api.backoff import WAIT_MAX_S
from sandbox.discord import DiscordFault, DropAfter, DropBefore, RateLimited, Status, StatusAfter
from tests.e2e.test_health import get
from tests.support.loopback import free_port
from tests.support.posting import add_papers, allow, config_with, deny, send_statuses, wait_for_first_poll
from tests.support.running import DEADLINE_S, RunningSandbox, running_bot, running_sandbox

INVALID_FORM = Status.api_error(400, 50035, "Invalid Form Body")


def messages_path(sandbox: RunningSandbox, name: str) -> str:
    return rf"^/channels/{sandbox.channel(name)}/messages$"


# Unknown outcomes and rejected messages.

NO_ANSWER: dict[str, DiscordFault] = {
    "general": Status(500),
    "papers": StatusAfter(502),
    "reward-models": Status(503),
    "vision": StatusAfter(504),
    "announcements": DropBefore(),
    "reading club": DropAfter(),
}


@pytest.mark.slow
async def test_errors_and_dropped_connections_lose_and_duplicate_nothing(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, config=config_with(sandbox, *NO_ANSWER)):
        await wait_for_first_poll(sandbox)
        for name, kind in NO_ANSWER.items():
            sandbox.discord.faults.add("POST", messages_path(sandbox, name), kind)
        urls = add_papers(sandbox, 13)
        for name in NO_ANSWER:
            await sandbox.wait_for_papers(name, 13)
        assert not sandbox.discord.faults.pending
        assert {name: Counter(sandbox.posted_urls(name)) for name in NO_ANSWER} == {
            name: Counter(urls) for name in NO_ANSWER
        }


@pytest.mark.slow
async def test_rate_limited_channel_waits_without_requests_and_delays_no_other(tmp_path: Path) -> None:
    port = free_port()
    async with (
        running_sandbox(tmp_path) as sandbox,
        running_bot(sandbox, config=config_with(sandbox, "papers", "vision"), DAILY_PAPERS_WEB__PORT=str(port)),
    ):
        await wait_for_first_poll(sandbox)
        sandbox.discord.faults.add("POST", messages_path(sandbox, "papers"), RateLimited(99_999_999))
        urls = add_papers(sandbox)
        await sandbox.wait_for_papers("vision", 3)
        await sandbox.wait_for_next_poll()
        assert send_statuses(sandbox, "papers") == [429]
        assert sandbox.posted_urls("papers") == []
        reply = await sandbox.reply_to("status")
        assert "**Queued**: 3 papers." in reply
        (retry_at,) = re.findall(rf"<#{sandbox.channel('papers')}>: Discord accepts no message .* <t:(\d+):R>", reply)
        assert 0 < int(retry_at) - time.time() <= WAIT_MAX_S
        status, text = await get(port, "/healthz")
        assert (status, "channels that wait for Discord: 1" in text) == (200, True)
        urls += add_papers(sandbox, 1)
        await sandbox.wait_for_papers("vision", 4)
        assert sandbox.posted_urls("vision") == urls


@pytest.mark.slow
async def test_rejected_paper_does_not_stop_its_channel(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, config=config_with(sandbox, "papers")):
        await wait_for_first_poll(sandbox)
        # The whole group, then the first paper alone.
        sandbox.discord.faults.add("POST", messages_path(sandbox, "papers"), INVALID_FORM, times=2)
        faulty, *others = add_papers(sandbox, 4)
        await sandbox.wait_for_papers("papers", 3)
        await sandbox.wait_for_next_poll()
        assert sandbox.posted_urls("papers") == others
        assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == ["message rejected"]
        assert "**Queued**: 0 papers." in await sandbox.reply_to("status")
    with closing(sqlite3.connect(sandbox.database)) as connection:
        refused = connection.execute("SELECT arxiv_id, rejection_reason FROM outbox WHERE state = 'refused'").fetchall()
    assert [f"https://arxiv.org/abs/{arxiv_id}" for arxiv_id, _ in refused] == [faulty]
    assert "Invalid Form Body" in refused[0][1]


async def test_bot_connects_after_logins_that_failed_without_a_response(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.discord.faults.add("GET", "^/users/@me$", DropBefore(), times=2)
        async with running_bot(sandbox):
            assert "**Queued**: 0 papers." in await sandbox.reply_to("status")


# The gateway.


@pytest.mark.slow
async def test_posting_continues_while_the_gateway_is_down(
    tmp_path: Path,
) -> None:
    async with (
        running_sandbox(tmp_path) as sandbox,
        running_bot(sandbox, config=config_with(sandbox, "papers", "vision")),
    ):
        await wait_for_first_poll(sandbox)
        sandbox.discord.gateway_open = False
        await sandbox.discord.close_gateway(resumable=False)
        urls = add_papers(sandbox)
        await sandbox.wait_for_papers("papers", 3)
        deny(sandbox, "vision")
        sandbox.discord.gateway_open = True
        await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
        reply = await sandbox.wait_for_status("The bot needs the Send Messages permission there.")
        assert f"<#{sandbox.channel('vision')}>, blocked" in reply
        assert sandbox.discord.identify_count == 2
        allow(sandbox, "vision")
        await sandbox.wait_for_papers("vision", 3)
        urls += add_papers(sandbox, 2)
        for name in ("papers", "vision"):
            await sandbox.wait_for_papers(name, 5)
            assert sandbox.posted_urls(name) == urls


@pytest.mark.parametrize("resumable", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["RESUMED", "READY"])
async def test_gateway_disconnect_during_a_batch_loses_and_duplicates_nothing(
    tmp_path: Path, *, resumable: bool
) -> None:
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, config=config_with(sandbox, "papers")):
        await wait_for_first_poll(sandbox)
        urls: list[str] = []
        for close_code in (None, 4000):
            urls += add_papers(sandbox, 12)
            await sandbox.wait_for_papers("papers", len(urls) - 2)  # one message is stored, the other under way
            await sandbox.discord.close_gateway(close_code, resumable=resumable)
            await sandbox.wait_for_papers("papers", len(urls))
            await sandbox.discord.wait_until_bot_ready(DEADLINE_S)
        assert Counter(sandbox.posted_urls("papers")) == Counter(urls)
        assert sandbox.discord.identify_count == (1 if resumable else 3)
        deny(sandbox, "papers")
        await sandbox.wait_for_status("The bot needs the Send Messages permission there.")
