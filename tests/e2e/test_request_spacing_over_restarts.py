"""Tests that the request interval and backoffs are kept across kills and restarts."""

import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from bot.runtime.metrics import Step
from sandbox.arxiv import ArxivFault, ArxivFaultKind, Corpus, LocalArxiv
from tests.support.killable import KILLED, BotProcess, CrashPoint, killable_bot
from tests.support.quiescence import wait_until, wait_until_synced
from tests.support.running import DEADLINE_S, RunningSandbox, running_sandbox

# Far longer than a start takes until its first request.
INTERVAL_S = 1.0


@pytest.mark.slow
async def test_request_interval_is_kept_across_kills_and_restarts(tmp_path: Path) -> None:
    arxiv = LocalArxiv(Corpus(), interval_s=INTERVAL_S)
    async with running_sandbox(tmp_path, arxiv=arxiv) as sandbox:
        for _ in range(3):
            at = CrashPoint(Step.FETCH, "after")
            async with subscribed_bot(sandbox, at=at, DAILY_PAPERS_ARXIV__REQUEST_INTERVAL_S=str(INTERVAL_S)) as bot:
                assert await bot.wait_for_exit(DEADLINE_S) == KILLED
        assert len(arxiv.requests) == 3
        assert arxiv.violations == []


@pytest.mark.slow
async def test_backoff_requested_by_arxiv_is_kept_across_a_restart(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="2"))
        async with subscribed_bot(sandbox) as bot:
            await wait_until(lambda: "initial sync postponed" in bot.log_text(), DEADLINE_S)
        async with subscribed_bot(sandbox):
            await wait_until_synced(sandbox.database, DEADLINE_S)
        rejected, answered = sandbox.arxiv.requests[:2]
        assert rejected.ended_at_s is not None
        assert answered.started_at_s - rejected.ended_at_s >= 2


def subscribed_bot(
    sandbox: RunningSandbox, *, at: CrashPoint | None = None, **environment: str
) -> AbstractAsyncContextManager[BotProcess]:
    """A bot with one subscription, so that it sends requests to arXiv."""
    config = sandbox.database.with_name("config.json")
    wanted = [{"channel_id": str(sandbox.channel("papers")), "keywords": ["reward model"]}]
    config.write_text(json.dumps({"subscriptions": wanted}), encoding="utf-8")
    return killable_bot(sandbox.environment(**environment), config, sandbox.database.with_name("log"), at=at)
