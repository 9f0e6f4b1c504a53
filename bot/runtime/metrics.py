"""The program's own metrics, and the durable steps of its pipeline.

The loops report events, and `bot/web/server.py` serves them in Prometheus' text format. It never decides anything.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.runtime.clock import Clock
from bot.runtime.shards import ShardReport

# How often the lag of the event loop is measured.
LAG_MEASURED_EVERY_S: Final = 0.5

_NAME: Final = "daily_papers"
_BUCKETS_S: Final = (0.005, 0.02, 0.1, 0.5, 1, 5, 20, 60)


class Step(Enum):
    """Every durable step of ingest and publish, in the order in which a paper takes them."""

    FETCH = "fetch"
    PARSE = "parse"
    MATCH = "match"
    COMMIT = "commit"
    CHECK = "check"
    BIND = "claim"  # the label value of /metrics is fixed
    SEND = "send"
    SETTLE = "settle"
    START_THREAD = "start_thread"


# Called before and after each step; tests kill the process in between.
Observer = Callable[[Step, str], None]


def _no_observer(_step: Step, _side: str) -> None:
    """In production nothing observes the steps."""


class Metrics:
    """The metrics of one program, in their own registry."""

    def __init__(self, observer: Observer = _no_observer) -> None:
        self._observer = observer
        self.registry = CollectorRegistry()
        # Metric and label names are an interface: `looks` are polls, and `whom` is the server.
        self.polls = self._counter("looks", "Polls of arXiv by result", "result")
        self.arxiv_requests = self._counter("arxiv_requests", "Requests to arXiv by result", "result")
        self.huggingface_requests = self._counter(
            "huggingface_requests", "Requests to Hugging Face by result", "result"
        )
        self.papers_read = self._counter("papers_read", "Papers that arXiv returned")
        self.matches = self._counter("matches", "Matches of papers and keywords")
        self.posts = self._counter("posts", "Messages to Discord by result", "result")
        self.papers_posted = self._counter("papers_posted", "Papers posted, over all channels")
        self.loop_failures = self._counter("loop_failures", "Failures of a loop", "loop")
        self.wait_seconds = self._counter("wait_seconds", "Seconds of backoff by server", "whom")
        self.step_seconds = Histogram(
            f"{_NAME}_step_seconds", "Duration of each step", ["step"], buckets=_BUCKETS_S, registry=self.registry
        )
        self.event_loop_lag = Histogram(
            f"{_NAME}_event_loop_lag_seconds", "Lag of the event loop", buckets=_BUCKETS_S, registry=self.registry
        )
        self.outbox_papers = self._gauge("outbox_papers", "Papers that wait to be posted")
        self.outbox_age = self._gauge("outbox_age_seconds", "How long the oldest of them has been due")
        self.gateway_up = self._gauge("gateway_up", "Whether Discord's gateway is connected, with all shards")
        self._shard_up = self._gauge("shard_up", "Whether a shard is connected", "shard")
        self._shard_guilds = self._gauge("shard_guilds", "Servers of a shard", "shard")
        self._shard_latency = self._gauge("shard_latency_seconds", "Time until a heartbeat is answered", "shard")

    def _counter(self, name: str, description: str, *labels: str) -> Counter:
        return Counter(f"{_NAME}_{name}", description, labels, registry=self.registry)

    def _gauge(self, name: str, description: str, *labels: str) -> Gauge:
        return Gauge(f"{_NAME}_{name}", description, labels, registry=self.registry)

    def update_shard(self, shard: ShardReport) -> None:
        """Sets the gauges of a shard; its latency is not a number while it is unknown."""
        label = str(shard.shard_id)
        self._shard_up.labels(label).set(shard.is_connected)
        self._shard_guilds.labels(label).set(shard.guilds)
        self._shard_latency.labels(label).set(math.nan if shard.latency_s is None else shard.latency_s)

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        """Times one step and calls the observer before and after it; a step that fails has no "after"."""
        self._observer(step, "before")
        started_at_s = time.perf_counter()
        yield
        self.step_seconds.labels(step.value).observe(time.perf_counter() - started_at_s)
        self._observer(step, "after")

    def text(self) -> bytes:
        """Returns every metric in Prometheus' text format."""
        return generate_latest(self.registry)


class LagMeter:
    """Measures how late the event loop runs: a callback that blocks it delays every other one."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics

    async def run(self) -> None:
        """Measures the lag twice per second, forever."""
        while True:
            started_at_s = self._clock.monotonic()
            await self._clock.sleep(LAG_MEASURED_EVERY_S)
            lag_s = self._clock.monotonic() - started_at_s - LAG_MEASURED_EVERY_S
            self._metrics.event_loop_lag.observe(max(0.0, lag_s))
