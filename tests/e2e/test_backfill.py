"""Tests of `daily-papers backfill`: next to a running bot, killed, interrupted, and while arXiv fails."""

import asyncio
import logging
import re
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from bot.domain.keyword import Keyword
from bot.domain.months import Month, months_since
from bot.runtime.metrics import Step
from sandbox.arxiv import ArxivFault, ArxivFaultKind, ArxivRequest, LocalArxiv, SandboxPaper
from tests.support.killable import KILLED, CrashPoint, killable_command, run_command
from tests.support.quiescence import wait_until
from tests.support.running import DEADLINE_S, RunningSandbox, arxiv_with_one_paper, running_bot, running_sandbox
from tests.support.store import opened

MONTHS = 6
# If a month ends during a test, there is one more month before the oldest.
FIRST = Month.of(datetime.now(UTC)).plus(-MONTHS)


def arxiv_with_older_papers() -> tuple[LocalArxiv, set[str]]:
    """An arXiv with papers in every month, and the ids of those about reward models."""
    arxiv = arxiv_with_one_paper()
    papers = [
        arxiv.add_paper(SandboxPaper(title=title, published=FIRST.plus(month).start))
        for month in range(MONTHS)
        for title in ("A Reward Model", "Reward Models Again", "Something Else")
    ]
    return arxiv, {paper.arxiv_id for paper in papers if "Reward" in paper.title}


async def backfill(
    sandbox: RunningSandbox, *more: str, since: str = f"{FIRST}-01", **environment: str
) -> tuple[int, str]:
    """Runs the command until it ends; returns its exit code and its output."""
    output = sandbox.database.with_name(f"output-{uuid4()}")
    arguments = ("backfill", "--since", since, *more)
    return await run_command(arguments, sandbox.environment(**environment), output, DEADLINE_S)


async def add_subscription(sandbox: RunningSandbox) -> None:
    """Stores a subscription before any bot has run."""
    async with opened(sandbox.database) as store:
        await store.subscriptions.add_all(
            [Keyword.parse("reward model")], sandbox.channel("papers"), 1, added_by=1, now=datetime.now(UTC)
        )


def months_before(text: str) -> list[str]:
    """The months before this one, newest first."""
    return [str(month) for month in reversed(months_since(FIRST, Month.parse(text).plus(-1)))]


def requested_month(request: ArxivRequest) -> Month | None:
    """The month that a backfill requested; None for the bot's requests, whose windows start at other times."""
    found = re.search(r"submittedDate:\[(\d{4})(\d\d)010000", request.search_query)
    return None if found is None else Month(int(found[1]), int(found[2]))


def pages_by_month(arxiv: LocalArxiv) -> Counter[str]:
    """How many pages of papers were requested per month, in the order of the requests; counts are excluded."""
    months = (requested_month(request) for request in arxiv.requests if request.max_results != "1")
    return Counter(str(month) for month in months if month is not None)


def backfilled(sandbox: RunningSandbox) -> list[str]:
    """The ids of the backfilled papers, duplicates included."""
    with closing(sqlite3.connect(sandbox.database)) as connection:
        return [
            arxiv_id for (arxiv_id,) in connection.execute("SELECT arxiv_id FROM backfilled_papers ORDER BY arxiv_id")
        ]


@pytest.mark.slow
async def test_backfill_next_to_a_running_bot_posts_no_older_paper(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    arxiv, past = arxiv_with_older_papers()
    async with running_sandbox(tmp_path, arxiv=arxiv) as sandbox:
        async with running_bot(sandbox):
            await sandbox.subscribe("reward model")
            # Slow enough for the bot to send a request in between, even on a busy machine.
            work = asyncio.create_task(backfill(sandbox, DAILY_PAPERS_ARXIV__REQUEST_INTERVAL_S="0.2"))
            await wait_until(lambda: bool(pages_by_month(arxiv)), DEADLINE_S)
            url = sandbox.add_paper("A Reward Model That Is New")
            await sandbox.subscribe("graph neural network", channel="vision")  # requested at once
            code, output = await work
            await sandbox.wait_for_papers("papers", 1)
            await sandbox.wait_for_next_poll()
        assert code == 0, output
        assert set(backfilled(sandbox)) >= past
        from_bot = [requested_month(request) is None for request in arxiv.requests]
        during_backfill = from_bot[from_bot.index(False) : -from_bot[::-1].index(False)]
        assert any(during_backfill), "the bot sent no request during the backfill"
        assert sandbox.posted_urls("papers") == [url]
        assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.slow
async def test_killed_backfill_continues_where_it_stopped(tmp_path: Path) -> None:
    arxiv, past = arxiv_with_older_papers()
    async with running_sandbox(tmp_path, arxiv=arxiv) as sandbox:
        await add_subscription(sandbox)
        arguments = ("backfill", "--since", str(FIRST))
        # One commit for this month, without papers; for each earlier month one for its papers and one at its end.
        at = CrashPoint(Step.COMMIT, "after", nth=4)
        async with killable_command(arguments, sandbox.environment(), tmp_path / "log", at=at) as process:
            assert await process.wait_for_exit(DEADLINE_S) == KILLED
        assert 0 < len(backfilled(sandbox)) < len(past)
        first = pages_by_month(arxiv)
        arxiv.requests.clear()
        code, output = await backfill(sandbox)
        assert code == 0, output
        assert backfilled(sandbox) == sorted(past)
        # The interrupted month is read again, later ones are not.
        assert list(pages_by_month(arxiv)) == [list(first)[-1], *months_before(list(first)[-1])]
        code, output = await backfill(sandbox)
        assert (code, output) == (0, f"Nothing to do: everything since {FIRST} has been read.\n")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signal_stops_a_waiting_backfill_at_once(tmp_path: Path, number: signal.Signals) -> None:
    arxiv, _ = arxiv_with_older_papers()
    arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="600"))
    async with running_sandbox(tmp_path, arxiv=arxiv) as sandbox:
        await add_subscription(sandbox)
        arguments = ("backfill", "--since", str(FIRST))
        async with killable_command(arguments, sandbox.environment(), tmp_path / "log") as process:
            await wait_until(lambda: "arXiv asks us to wait: continues at" in process.log_text(), DEADLINE_S)
            code, output = await backfill(sandbox)
            assert code == 1
            assert output == (
                f"Another backfill is running on the database {sandbox.database}: wait for it to finish, or stop it.\n"
            )
            process.signal(number)
            assert await process.wait_for_exit(DEADLINE_S) == 128 + number  # arXiv asked for ten minutes
        assert process.log_text().endswith("Stopped. Run the same command again to continue.\n")


@pytest.mark.slow
async def test_backfill_gives_up_when_arxiv_asks_for_a_too_long_wait(tmp_path: Path) -> None:
    arxiv, _ = arxiv_with_older_papers()
    arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="80000"))
    async with running_sandbox(tmp_path, arxiv=arxiv) as sandbox:
        await add_subscription(sandbox)
        code, output = await backfill(sandbox)
        assert code == 1
        assert "What was read is kept. Run the same command again to continue." in output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("since", "words"),
    [
        ("tomorrow", "argument --since: 'tomorrow' is not a date; use the format 2026-01-31"),
        ("2999-01-01", "argument --since: 2999-01-01 is in the future"),
        ("1990-01-01", "argument --since: 1990-01-01 is before arXiv started, in August 1991"),
    ],
)
async def test_invalid_since_date_is_rejected(tmp_path: Path, since: str, words: str) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        code, output = await backfill(sandbox, since=since)
        assert code == 2
        assert words in output


@pytest.mark.slow
async def test_backfill_without_database_or_keywords_says_what_to_do(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        code, output = await backfill(sandbox)
        assert (code, "start the bot first" in output) == (1, True)
        async with opened(sandbox.database):
            pass
        lock_file = sandbox.database.with_name(f"{sandbox.database.name}.backfill")
        lock_file.mkdir()
        code, output = await backfill(sandbox)
        assert (code, output) == (1, f"The lock file {lock_file} cannot be used: Is a directory.\n")
        lock_file.rmdir()
        code, output = await backfill(sandbox)
        assert (code, output) == (
            1,
            "No channel has keywords. Add one with /subscribe, or set `subscriptions` and start the bot.\n",
        )
        assert sandbox.arxiv.requests == []


async def test_incomplete_month_is_named_and_the_exit_code_is_1(tmp_path: Path) -> None:
    arxiv, _ = arxiv_with_older_papers()
    async with running_sandbox(tmp_path, arxiv=arxiv) as sandbox:
        await add_subscription(sandbox)
        stamp = str(FIRST).replace("-", "")
        arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=None, containing=f"[{stamp}"))
        code, output = await backfill(sandbox, "--papers-only")
        assert code == 1
        assert f"Skipped: {FIRST}: arXiv returns no papers at all. Run the same command again to retry." in output
