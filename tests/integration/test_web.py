"""`/healthz` and `/metrics`: the state of the gateway, reading, posting and the database."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.outgoing import Blocked, Delivered
from bot.domain.poll_schedule import BatchMissing, Poll, PollCompleted, PollFailed, PollResult, PollThrottled
from bot.runtime.errors import StartupError, StoreUnavailable
from bot.runtime.metrics import LAG_MEASURED_EVERY_S, LagMeter, Metrics
from bot.runtime.problems import Problem, ReportedProblems
from bot.services.health import POLL_WAIT_LATE_S, POSTING_LATE, READING_LATE, Health
from bot.services.pages import PageService
from bot.store.outbox import Outbox
from bot.web import PublicPage, WebServer
from tests.support.builders import paper
from tests.support.clock import FakeClock, every_jump, jumps_ahead
from tests.support.disks import small_disk
from tests.support.ingest import running
from tests.support.loopback import free_port
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store, opened

MINUTE = timedelta(minutes=1)


@dataclass
class ServedHealth:
    """A web server whose checks can be made to fail."""

    store: Store
    port: int
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    metrics: Metrics = field(default_factory=Metrics)
    gateway_is_up: bool = True
    poll_wait_s: float = 0.0
    outbox: Outbox | None = None
    problems: ReportedProblems = field(default_factory=ReportedProblems)

    def server(self) -> WebServer:
        health = Health(
            polls=self.store.polls,
            outbox=self.outbox or self.store.outbox,
            subscriptions=self.store.subscriptions,
            clock=self.clock,
            metrics=self.metrics,
            gateway_is_up=lambda: self.gateway_is_up,
            problems=self.problems.current,
            poll_wait_s=lambda: self.poll_wait_s,
        )
        return WebServer(health, self.metrics, PublicPage(PageService(self.store.page_store, self.clock), (), None))

    async def request(self, path: str, method: str = "GET", *, host: str = "127.0.0.1") -> tuple[int, str]:
        """Returns the status and the text of an answer."""
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"http://{host}:{self.port}{path}") as response,
        ):
            return response.status, await response.text()

    async def health(self) -> tuple[int, dict[str, bool]]:
        """Returns the status, and whether each check passes."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.port}/healthz") as response,
        ):
            body = await response.json()
            assert body["status"] == ("ok" if response.status == 200 else "failing")
            return response.status, {name: check["ok"] for name, check in body["checks"].items()}

    async def samples(self) -> dict[str, float]:
        """Returns the samples of `/metrics` by name, summed over their labels."""
        status, text = await self.request("/metrics")
        assert status == 200
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0) + sample.value
        return found

    async def poll(self, result: PollResult) -> None:
        await self.store.polls.add(Poll(self.clock.now(), result))

    async def advance(self, time: timedelta) -> None:
        await self.clock.advance(time.total_seconds())


@pytest.fixture
async def served(store: Store) -> AsyncIterator[ServedHealth]:
    """A healthy server on the default host."""
    served = ServedHealth(store, free_port())
    async with served.server().listening("127.0.0.1", served.port):
        yield served


# Health.


async def test_health_is_ok_when_nothing_is_due(served: ServedHealth) -> None:
    assert await served.health() == (200, {"gateway": True, "reading": True, "posting": True})


async def test_health_fails_without_the_gateway(served: ServedHealth) -> None:
    served.gateway_is_up = False
    assert await served.health() == (503, {"gateway": False, "reading": True, "posting": True})
    served.gateway_is_up = True
    assert (await served.health())[0] == 200


@jumps_ahead
async def test_success_in_the_future_is_unknown_and_fails_health(served: ServedHealth, jump: timedelta) -> None:
    await served.store.subscribe("graph")
    await served.store.polls.add(Poll(served.clock.now() + jump, PollCompleted(0, batch=True)))
    assert await served.health() == (503, {"gateway": True, "reading": False, "posting": True})
    await served.store.polls.add(Poll(served.clock.now(), PollCompleted(0, batch=True)))
    assert (await served.health())[0] == 200


@every_jump
async def test_jump_of_the_clock_does_not_change_how_late_a_poll_is(served: ServedHealth, jump: timedelta) -> None:
    await served.store.subscribe("graph")
    served.clock.jump(jump)
    await served.advance(READING_LATE)
    assert (await served.health())[0] == 200
    await served.advance(MINUTE)
    assert (await served.health())[0] == 503


async def test_health_fails_when_arxiv_has_not_answered_for_too_long(served: ServedHealth) -> None:
    await served.store.subscribe("graph")
    await served.advance(READING_LATE)
    assert (await served.health())[0] == 200
    await served.advance(MINUTE)
    assert await served.health() == (503, {"gateway": True, "reading": False, "posting": True})
    for failure in (
        PollThrottled(served.clock.now()),
        PollFailed("out of reach", served.clock.now()),
    ):
        await served.poll(failure)
        assert (await served.health())[0] == 503


async def test_health_fails_while_a_poll_waits_too_long_for_the_request_gate(served: ServedHealth) -> None:
    await served.store.watch("graph")
    await served.poll(PollCompleted(0, batch=True))
    for wait_s, is_ok in ((POLL_WAIT_LATE_S, True), (POLL_WAIT_LATE_S + 1, False)):
        served.poll_wait_s = wait_s
        assert (await served.health())[1]["reading"] is is_ok


@pytest.mark.parametrize(
    "answer", [PollCompleted(0, batch=False), PollCompleted(3, batch=True), BatchMissing()], ids=repr
)
async def test_health_is_ok_after_any_answer_of_arxiv(served: ServedHealth, answer: PollResult) -> None:
    await served.store.subscribe("graph")
    await served.advance(READING_LATE + MINUTE)
    await served.poll(answer)
    assert (await served.health())[0] == 200
    await served.advance(READING_LATE + MINUTE)
    assert (await served.health())[0] == 503


async def test_health_is_ok_at_a_start_long_after_the_last_poll(store: Store) -> None:
    await store.subscribe("graph")
    await store.polls.add(Poll(NOW - 10 * READING_LATE, PollCompleted(1, batch=True)))
    served = ServedHealth(store, free_port())
    async with served.server().listening("127.0.0.1", served.port):
        assert (await served.health())[0] == 200


async def test_health_fails_when_papers_are_overdue(served: ServedHealth) -> None:
    await served.store.watch("graph")
    await served.store.poll(paper(title="Graph"))
    await served.advance(POSTING_LATE)
    assert (await served.health())[0] == 200
    await served.advance(MINUTE)
    assert await served.health() == (503, {"gateway": True, "reading": True, "posting": False})
    post = await served.store.bind()
    await served.store.outbox.delivered(post, Delivered(1), served.clock.now())
    assert (await served.health())[0] == 200


async def test_health_ignores_papers_of_a_blocked_channel(served: ServedHealth) -> None:
    await served.store.watch("graph")
    await served.store.poll(paper(title="Graph"))
    now = served.clock.now()
    await served.store.channels.block(CHANNEL, Blocked("locked"), now=now, not_before=now)
    await served.advance(10 * POSTING_LATE)
    assert (await served.health())[0] == 200


class UnreadableOutbox(Outbox):
    """An outbox whose disk fails."""

    async def oldest_due(self) -> datetime | None:
        raise StoreUnavailable("the database cannot be read: disk I/O error")

    async def waiting(self) -> dict[int, int]:
        raise StoreUnavailable("the database cannot be read: disk I/O error")


async def test_unreadable_database_fails_health_and_keeps_the_counters(store: Store) -> None:
    served = ServedHealth(store, free_port(), outbox=UnreadableOutbox(store.database))
    served.metrics.papers_read.inc(3)
    async with served.server().listening("127.0.0.1", served.port):
        assert await served.health() == (503, {"gateway": True, "database": False})
        assert "disk I/O error" in (await served.request("/healthz"))[1]
        assert (await served.samples())["daily_papers_papers_read_total"] == 3


@pytest.mark.usefixtures("as_root")
async def test_full_disk_fails_health_until_space_is_free(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4096) as disk:
        async with opened(disk.path / "daily-papers.sqlite3") as store:
            served = ServedHealth(store, free_port())
            async with served.server().listening("127.0.0.1", served.port):
                assert (await served.health())[0] == 200
                disk.fill()
                assert await served.health() == (
                    503,
                    {"gateway": True, "reading": True, "posting": True, "database": False},
                )
                assert "no space left on device" in (await served.request("/healthz"))[1]
                disk.free()
                assert (await served.health())[0] == 200


# Metrics.


async def test_metrics_report_the_size_and_age_of_the_outbox(served: ServedHealth) -> None:
    await served.store.watch("graph")
    await served.store.subscribe("graph", OTHER_CHANNEL)
    await served.store.poll(paper(title="Graph"), paper("2611.00002", title="Graph"))
    await served.advance(MINUTE)
    samples = await served.samples()
    assert samples["daily_papers_outbox_papers"] == 4
    assert samples["daily_papers_outbox_age_seconds"] == 60
    assert samples["daily_papers_gateway_up"] == 1
    served.gateway_is_up = False
    assert (await served.samples())["daily_papers_gateway_up"] == 0


class LateClock(FakeClock):
    """A clock on which every sleep ends a tenth of a second late."""

    def __init__(self) -> None:
        super().__init__()
        self.late_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.late_s

    async def sleep(self, delay_s: float) -> None:
        await super().sleep(delay_s)
        self.late_s += 0.1


async def test_event_loop_lag_is_the_delay_of_a_sleep(served: ServedHealth) -> None:
    clock = LateClock()
    async with running(LagMeter(clock, served.metrics).run()):
        await clock.advance(4 * LAG_MEASURED_EVERY_S)
    samples = await served.samples()
    assert samples["daily_papers_event_loop_lag_seconds_count"] == 4
    assert samples["daily_papers_event_loop_lag_seconds_sum"] == pytest.approx(0.4)


# The server.


async def test_other_paths_and_methods_are_rejected(served: ServedHealth) -> None:
    assert (await served.request("/"))[0] == 404
    assert (await served.request("/healthz", "POST"))[0] == 405
    assert (await served.request("/metrics/../healthz/x"))[0] == 404


async def test_server_listens_on_loopback_unless_configured(served: ServedHealth) -> None:
    with pytest.raises(aiohttp.ClientConnectorError):
        await served.request("/healthz", host="127.0.0.2")
    other = ServedHealth(served.store, free_port())
    async with other.server().listening("0.0.0.0", other.port):  # noqa: S104 - what is tested
        assert (await other.request("/healthz", host="127.0.0.2"))[0] == 200


async def test_port_in_use_raises_one_sentence(served: ServedHealth) -> None:
    with pytest.raises(StartupError) as rejected:
        async with served.server().listening("127.0.0.1", served.port):
            pass
    assert str(rejected.value) == (
        f"The web server cannot listen on 127.0.0.1, port {served.port} (address already in use): "
        "set `web.port` to another port, or to null."
    )


async def test_foreign_host_raises_one_sentence(served: ServedHealth) -> None:
    with pytest.raises(
        StartupError, match=r"(?s)cannot listen on 192\.0\.2\.1.*: set `web\.host` to an address of this machine\.$"
    ):
        async with served.server().listening("192.0.2.1", free_port()):  # reserved for documentation (RFC 5737)
            pass


async def test_no_port_means_no_server(store: Store) -> None:
    served = ServedHealth(store, free_port())
    async with served.server().listening("127.0.0.1", None):
        with pytest.raises(aiohttp.ClientConnectorError):
            await served.request("/healthz")


async def test_reported_problems_are_checks_while_they_last(store: Store) -> None:
    served = ServedHealth(store, free_port())
    async with served.server().listening("127.0.0.1", served.port):
        served.problems.report("discord", Problem("Posting is paused", NOW + MINUTE))
        status, text = await served.request("/healthz")
        assert status == 503
        assert "Posting is paused; next try at 2026" in text
        served.problems.report("discord", Problem("One channel waits", fails_health=False))
        assert await served.health() == (200, {"gateway": True, "discord": True, "reading": True, "posting": True})
        served.problems.resolve("discord")
        assert await served.health() == (200, {"gateway": True, "reading": True, "posting": True})
