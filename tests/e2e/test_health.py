"""Tests of `/healthz` and `/metrics` of the real bot: at work, without the gateway, and with its port in use."""

import asyncio
import re
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from sandbox.arxiv import ArxivFault, ArxivFaultKind
from tests.support.loopback import free_port
from tests.support.quiescence import wait_until_settled
from tests.support.running import DEADLINE_S, RunningSandbox, bot_process, running_bot, running_sandbox

POLL_INTERVAL_S = 0.05


async def get(port: int, path: str) -> tuple[int, str]:
    """The status and the body of a response."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as response:
        return response.status, await response.text()


async def wait_for_health(port: int, status: int) -> None:
    """Polls `/healthz`: the bot emits no event when it notices a change of its gateway."""
    async with asyncio.timeout(DEADLINE_S):
        while (await get(port, "/healthz"))[0] != status:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(POLL_INTERVAL_S)


async def samples(port: int) -> dict[tuple[str, str], float]:
    """The samples of `/metrics` by name and label value."""
    _, text = await get(port, "/metrics")
    return {
        (sample.name.removeprefix("daily_papers_"), "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def secrets(sandbox: RunningSandbox) -> list[str]:
    """Data about channels that must not appear."""
    return [
        "reward",
        str(sandbox.channel("papers")),
        str(sandbox.world.default.guild_id),
        str(sandbox.world.default.admin_id),
    ]


@pytest.mark.slow
async def test_health_and_metrics_follow_the_bot_and_name_no_channel(tmp_path: Path) -> None:
    port = free_port()
    async with running_sandbox(tmp_path) as sandbox, running_bot(sandbox, DAILY_PAPERS_WEB__PORT=str(port)):
        await wait_for_health(port, 200)
        await sandbox.subscribe("reward model")
        sandbox.arxiv.faults.add(ArxivFault(ArxivFaultKind.HTML, times=None))
        await sandbox.wait_for_status("not a complete feed")
        sandbox.arxiv.faults.clear()
        for part in range(12):
            sandbox.add_paper(f"Reward Models, Part {part}")
        await sandbox.wait_for_papers("papers", 12)
        await wait_until_settled(sandbox.database, DEADLINE_S)
        await sandbox.wait_for_next_poll()
        found = await samples(port)
        assert found["papers_posted_total", ""] == 12
        assert found["posts_total", "Delivered"] >= 1
        assert found["looks_total", "Broken"] == found["arxiv_requests_total", "ArxivBroken"] >= 1
        assert found["looks_total", "Read"] >= 2
        assert found["arxiv_requests_total", "Answered"] >= 6
        assert found["matches_total", ""] >= 12
        assert found["papers_read_total", ""] >= 12
        assert found["wait_seconds_total", "arXiv"] > 0
        assert (found["outbox_papers", ""], found["outbox_age_seconds", ""]) == (0, 0)
        assert found["gateway_up", ""] == 1
        assert found["event_loop_lag_seconds_count", ""] > 0
        for step in ("fetch", "parse", "match", "commit", "claim", "send", "settle"):
            assert found["step_seconds_count", step] > 0
        sandbox.discord.gateway_open = False
        await sandbox.discord.close_gateway()
        await wait_for_health(port, 503)
        assert (await samples(port))["gateway_up", ""] == 0
        responses = [(await get(port, path))[1] for path in ("/healthz", "/metrics")]
        assert not [secret for secret in secrets(sandbox) for text in responses if secret in text]
        sandbox.discord.gateway_open = True
        await wait_for_health(port, 200)


@pytest.mark.slow
async def test_port_in_use_is_reported_in_one_line_with_exit_code_1(tmp_path: Path) -> None:
    async with running_sandbox(tmp_path) as sandbox:
        taken = sandbox.url.rpartition(":")[2]
        async with bot_process(sandbox, DAILY_PAPERS_WEB__PORT=taken) as process, asyncio.timeout(DEADLINE_S):
            stdout, stderr = await process.communicate()
    assert process.returncode == 1
    assert stdout == b""
    sentence = (
        rf"The web server cannot listen on 127\.0\.0\.1, port {taken} \(address already in use\): set `web\.port`.*"
    )
    assert re.fullmatch(sentence, stderr.decode().splitlines()[-1])
    assert "Traceback" not in stderr.decode()
