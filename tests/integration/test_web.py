"""`/healthz` and `/metrics`: what they say of the gateway, of both halves and of the database."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.outgoing import Blocked, Delivered
from bot.domain.poll_schedule import BatchMissing, Poll, PollCompleted, PollFailed, PollResult, PollThrottled
from bot.runtime.errors import StartupError, StoreUnavailable
from bot.runtime.metrics import LAG_MEASURED_EVERY_S, LagMeter, Metrics
from bot.services.health import POSTING_LATE, READING_LATE, Health
from bot.services.pages import PageService
from bot.store.outbox import Outbox
from bot.web import PublicPage, WebServer
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.ingest import running
from tests.support.ports import free_port
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store

MINUTE = timedelta(minutes=1)


@dataclass
class Window:
    """The web server of a program that can be made ill."""

    store: Store
    port: int
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    metrics: Metrics = field(default_factory=Metrics)
    gateway_is_up: bool = True
    outbox: Outbox | None = None

    def server(self) -> WebServer:
        health = Health(
            polls=self.store.polls,
            outbox=self.outbox or self.store.outbox,
            subscriptions=self.store.subscriptions,
            clock=self.clock,
            metrics=self.metrics,
            gateway_is_up=lambda: self.gateway_is_up,
        )
        return WebServer(health, self.metrics, PublicPage(PageService(self.store.page_store, self.clock), (), None))

    async def ask(self, path: str, method: str = "GET", *, host: str = "127.0.0.1") -> tuple[int, str]:
        """The status and the text of an answer."""
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"http://{host}:{self.port}{path}") as response,
        ):
            return response.status, await response.text()

    async def health(self) -> tuple[int, dict[str, bool]]:
        """The status, and which checks are well."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.port}/healthz") as response,
        ):
            body = await response.json()
            assert body["status"] == ("ok" if response.status == 200 else "failing")
            return response.status, {name: check["ok"] for name, check in body["checks"].items()}

    async def samples(self) -> dict[str, float]:
        """The samples of `/metrics` by name, those with several labels added up."""
        status, text = await self.ask("/metrics")
        assert status == 200
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0) + sample.value
        return found

    async def poll(self, result: PollResult) -> None:
        await self.store.polls.add(Poll(self.clock.now(), result))

    async def pass_by(self, time: timedelta) -> None:
        await self.clock.advance(time.total_seconds())


@pytest.fixture
async def window(store: Store) -> AsyncIterator[Window]:
    """A program that is well, listening where it listens by default."""
    window = Window(store, free_port())
    async with window.server().listening("127.0.0.1", window.port):
        yield window


# Health.


async def test_program_that_has_nothing_to_do_is_well(window: Window) -> None:
    assert await window.health() == (200, {"gateway": True, "reading": True, "posting": True})


async def test_program_without_its_gateway_is_not_well(window: Window) -> None:
    window.gateway_is_up = False
    assert await window.health() == (503, {"gateway": False, "reading": True, "posting": True})
    window.gateway_is_up = True
    assert (await window.health())[0] == 200


async def test_arxiv_that_did_not_answer_for_too_long_is_not_well(window: Window) -> None:
    await window.store.subscribe("graph")
    await window.pass_by(READING_LATE)
    assert (await window.health())[0] == 200
    await window.pass_by(MINUTE)
    assert await window.health() == (503, {"gateway": True, "reading": False, "posting": True})
    for failure in (
        PollThrottled(window.clock.now()),
        PollFailed("out of reach", window.clock.now()),
    ):
        await window.poll(failure)
        assert (await window.health())[0] == 503


@pytest.mark.parametrize(
    "answer", [PollCompleted(0, batch=False), PollCompleted(3, batch=True), BatchMissing()], ids=repr
)
async def test_arxiv_that_answers_again_is_well_whatever_it_said(window: Window, answer: PollResult) -> None:
    await window.store.subscribe("graph")
    await window.pass_by(READING_LATE + MINUTE)
    await window.poll(answer)
    assert (await window.health())[0] == 200
    await window.pass_by(READING_LATE + MINUTE)
    assert (await window.health())[0] == 503


async def test_start_after_a_long_rest_is_given_its_time(store: Store) -> None:
    await store.subscribe("graph")
    await store.polls.add(Poll(NOW - 10 * READING_LATE, PollCompleted(1, batch=True)))
    window = Window(store, free_port())
    async with window.server().listening("127.0.0.1", window.port):
        assert (await window.health())[0] == 200


async def test_papers_that_are_due_for_too_long_are_not_well(window: Window) -> None:
    await window.store.watch("graph")
    await window.store.read(paper(title="Graph"))
    await window.pass_by(POSTING_LATE)
    assert (await window.health())[0] == 200
    await window.pass_by(MINUTE)
    assert await window.health() == (503, {"gateway": True, "reading": True, "posting": False})
    post = await window.store.bind()
    await window.store.outbox.delivered(post, Delivered(1), window.clock.now())
    assert (await window.health())[0] == 200


async def test_papers_of_a_paused_channel_are_an_admins_business_and_well(window: Window) -> None:
    await window.store.watch("graph")
    await window.store.read(paper(title="Graph"))
    now = window.clock.now()
    await window.store.channels.block(CHANNEL, Blocked("locked"), now=now, not_before=now)
    await window.pass_by(10 * POSTING_LATE)
    assert (await window.health())[0] == 200


class UnreadableOutbox(Outbox):
    """As the outbox is while the disk fails."""

    async def oldest_due(self) -> datetime | None:
        raise StoreUnavailable("the database cannot be read: disk I/O error")

    async def waiting(self) -> dict[int, int]:
        raise StoreUnavailable("the database cannot be read: disk I/O error")


async def test_database_that_cannot_be_read_is_not_well_and_what_was_counted_is_told(store: Store) -> None:
    window = Window(store, free_port(), outbox=UnreadableOutbox(store.database))
    window.metrics.papers_read.inc(3)
    async with window.server().listening("127.0.0.1", window.port):
        assert await window.health() == (503, {"gateway": True, "database": False})
        assert "disk I/O error" in (await window.ask("/healthz"))[1]
        assert (await window.samples())["daily_papers_papers_read_total"] == 3


# Metrics.


async def test_metrics_tell_what_waits_and_for_how_long(window: Window) -> None:
    await window.store.watch("graph")
    await window.store.subscribe("graph", OTHER_CHANNEL)
    await window.store.read(paper(title="Graph"), paper("2611.00002", title="Graph"))
    await window.pass_by(MINUTE)
    samples = await window.samples()
    assert samples["daily_papers_outbox_papers"] == 4
    assert samples["daily_papers_outbox_age_seconds"] == 60
    assert samples["daily_papers_gateway_up"] == 1
    window.gateway_is_up = False
    assert (await window.samples())["daily_papers_gateway_up"] == 0


class LateClock(FakeClock):
    """Whoever sleeps on it wakes a tenth of a second late."""

    def __init__(self) -> None:
        super().__init__()
        self.late_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.late_s

    async def sleep(self, delay_s: float) -> None:
        await super().sleep(delay_s)
        self.late_s += 0.1


async def test_lag_of_the_event_loop_is_how_late_a_sleeper_wakes(window: Window) -> None:
    clock = LateClock()
    async with running(LagMeter(clock, window.metrics).run()):
        await clock.advance(4 * LAG_MEASURED_EVERY_S)
    samples = await window.samples()
    assert samples["daily_papers_event_loop_lag_seconds_count"] == 4
    assert samples["daily_papers_event_loop_lag_seconds_sum"] == pytest.approx(0.4)


# The server.


async def test_nothing_else_is_answered(window: Window) -> None:
    assert (await window.ask("/"))[0] == 404
    assert (await window.ask("/healthz", "POST"))[0] == 405
    assert (await window.ask("/metrics/../healthz/x"))[0] == 404


async def test_it_listens_on_loopback_alone_unless_told_otherwise(window: Window) -> None:
    with pytest.raises(aiohttp.ClientConnectorError):
        await window.ask("/healthz", host="127.0.0.2")
    other = Window(window.store, free_port())
    async with other.server().listening("0.0.0.0", other.port):  # noqa: S104 - what is tested
        assert (await other.ask("/healthz", host="127.0.0.2"))[0] == 200


async def test_port_that_is_taken_is_one_sentence(window: Window) -> None:
    with pytest.raises(StartupError) as refused:
        async with window.server().listening("127.0.0.1", window.port):
            pass
    assert str(refused.value) == (
        f"The web server cannot listen on 127.0.0.1, port {window.port} (address already in use): "
        "set `web.port` to another one, or to null."
    )


async def test_host_that_is_not_this_machine_is_one_sentence(window: Window) -> None:
    with pytest.raises(
        StartupError, match=r"(?s)cannot listen on 192\.0\.2\.1.*: set `web\.host` to an address of this machine\.$"
    ):
        async with window.server().listening("192.0.2.1", free_port()):  # RFC 5737: nobody has it
            pass


async def test_without_a_port_nobody_listens(store: Store) -> None:
    window = Window(store, free_port())
    async with window.server().listening("127.0.0.1", None):
        with pytest.raises(aiohttp.ClientConnectorError):
            await window.ask("/healthz")
