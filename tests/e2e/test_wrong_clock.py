"""The real bot on a machine whose clock is wrong: it polls and posts as usual, and its operator learns of the clock."""

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.runtime.clock import SystemClock
from bot.store.codecs import to_text
from tests.support.clock import every_jump
from tests.support.loopback import free_port
from tests.support.running import POLL_INTERVAL_S, RunningSandbox, bot_process, running_bot, running_sandbox

# A poll, the gate's interval after a start, and a message; on a busy machine.
USUAL_S = 20 * POLL_INTERVAL_S
WRONG_FOR_S = 4.0
DAYS = timedelta(days=2)


async def post_another(sandbox: RunningSandbox, posted: list[str]) -> None:
    """Adds a paper and waits until it is posted, within the usual time; no paper is posted twice or missing."""
    posted.append(sandbox.add_paper(f"Sheaf number {len(posted)}"))
    started_s = time.monotonic()
    await sandbox.wait_for_papers("papers", len(posted))
    assert time.monotonic() - started_s <= USUAL_S
    assert sandbox.posted_urls("papers") == posted


def latest_time(database: Path) -> str:
    """The latest time that the bot stored for polls, positions and due papers."""
    with closing(sqlite3.connect(database)) as connection:
        (latest,) = connection.execute(
            "SELECT max(time) FROM (SELECT max(at) AS time FROM polls UNION ALL"
            " SELECT max(synced_until) FROM keywords UNION ALL SELECT max(due_at) FROM outbox)"
        ).fetchone()
    return str(latest)


@pytest.mark.slow
@every_jump
async def test_bot_posts_as_usual_during_and_after_a_jump(tmp_path: Path, jump: timedelta) -> None:
    clock, posted = SystemClock(), list[str]()
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox, clock=clock):
            await sandbox.subscribe("sheaf")
            await post_another(sandbox, posted)
            clock.ahead = jump
            wrong_until_s = time.monotonic() + WRONG_FOR_S
            await post_another(sandbox, posted)
            await asyncio.sleep(max(0.0, wrong_until_s - time.monotonic()))
            assert latest_time(sandbox.database) <= to_text(datetime.now(UTC) + timedelta(minutes=1))
            clock.ahead = timedelta()
            await post_another(sandbox, posted)
        async with running_bot(sandbox):
            await post_another(sandbox, posted)


@pytest.mark.slow
@pytest.mark.parametrize("jump", [DAYS, -DAYS, 15 * DAYS, -15 * DAYS], ids=str)
async def test_process_that_starts_with_a_wrong_clock_posts_as_usual(tmp_path: Path, jump: timedelta) -> None:
    posted = list[str]()
    async with running_sandbox(tmp_path) as sandbox:
        async with bot_process(sandbox, "--clock-ahead", str(jump.total_seconds())):
            await sandbox.discord.wait_until_bot_ready(USUAL_S)
            await sandbox.subscribe("sheaf")
            await post_another(sandbox, posted)
        async with bot_process(sandbox):
            await post_another(sandbox, posted)
        assert latest_time(sandbox.database) <= to_text(datetime.now(UTC) + timedelta(minutes=1))


@pytest.mark.slow
async def test_wrong_clock_is_shown_in_status_and_health(tmp_path: Path) -> None:
    clock, port = SystemClock(), free_port()
    async with (
        running_sandbox(tmp_path) as sandbox,
        running_bot(sandbox, clock=clock, DAILY_PAPERS_WEB__PORT=str(port)),
        aiohttp.ClientSession() as session,
    ):
        await sandbox.subscribe("sheaf")
        clock.ahead = DAYS
        assert "The machine's clock is 2 days ahead of the time" in await sandbox.wait_for_status("clock")
        async with session.get(f"http://127.0.0.1:{port}/healthz") as response:
            assert response.status == 503
            assert not json.loads(await response.text())["checks"]["clock"]["ok"]
        clock.ahead = timedelta()
        await sandbox.wait_for_next_poll()
        async with session.get(f"http://127.0.0.1:{port}/healthz") as response:
            assert response.status == 200


@pytest.mark.slow
async def test_times_that_an_earlier_release_stored_in_the_future_silence_nothing(tmp_path: Path) -> None:
    posted = list[str]()
    async with running_sandbox(tmp_path) as sandbox:
        async with running_bot(sandbox):
            await sandbox.subscribe("sheaf")
            await post_another(sandbox, posted)
        later = to_text(datetime.now(UTC) + DAYS)
        with closing(sqlite3.connect(sandbox.database)) as connection, connection:
            connection.execute("UPDATE polls SET at = ?", (later,))
            connection.execute("UPDATE keywords SET synced_until = ?", (later,))
            connection.execute("UPDATE channels SET not_before = ?", (later,))
        gate = sandbox.database.with_name(sandbox.database.name + ".gate")
        gate.write_text(json.dumps({"holder": "other", "not_before": later}))
        async with running_bot(sandbox):
            await post_another(sandbox, posted)
