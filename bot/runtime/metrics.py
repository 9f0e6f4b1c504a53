"""What the program counts of itself, and the steps that it goes through.

Events enter, as the loops report them; Prometheus' text leaves (`bot/web/server.py`). It never decides anything.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.runtime.clock import Clock

# How often the event loop's lag is measured.
LAG_MEASURED_EVERY_S: Final = 0.5


class Step(Enum):
    """Every durable step of both halves, in the order in which a paper takes them."""

    FETCH = "fetch"
    PARSE = "parse"
    MATCH = "match"
    COMMIT = "commit"
    CLAIM = "claim"
    SEND = "send"
    SETTLE = "settle"


# Told before and after each step; tests end the process in between.
Observer = Callable[[Step, str], None]

_SECONDS: Final = (0.005, 0.02, 0.1, 0.5, 1, 5, 20, 60)


def _no_observer(_step: Step, _side: str) -> None:
    """In production nobody witnesses the steps."""


class Metrics:
    """One program's counters, in a registry of their own."""

    def __init__(self, observer: Observer = _no_observer) -> None:
        self._observer = observer
        self.registry = CollectorRegistry()
        name = "daily_papers"
        self.polls = Counter(f"{name}_looks", "Looks at arXiv by what came of them", ["result"], registry=self.registry)
        self.requests = Counter(
            f"{name}_arxiv_requests", "Requests to arXiv by what came of them", ["result"], registry=self.registry
        )
        self.lists = Counter(
            f"{name}_huggingface_requests",
            "Requests to Hugging Face by what came of them",
            ["result"],
            registry=self.registry,
        )
        self.papers = Counter(f"{name}_papers_read", "Papers that arXiv showed", registry=self.registry)
        self.matches = Counter(f"{name}_matches", "Papers that satisfied a keyword", registry=self.registry)
        self.posts = Counter(
            f"{name}_posts", "Messages to Discord by what came of them", ["result"], registry=self.registry
        )
        self.posted = Counter(f"{name}_papers_posted", "Papers posted, in all channels", registry=self.registry)
        self.failures = Counter(f"{name}_loop_failures", "Loops that failed", ["loop"], registry=self.registry)
        self.waits = Counter(
            f"{name}_wait_seconds", "Seconds that arXiv or Discord were waited for", ["whom"], registry=self.registry
        )
        self.steps = Histogram(
            f"{name}_step_seconds", "How long each step took", ["step"], buckets=_SECONDS, registry=self.registry
        )
        self.lag = Histogram(
            f"{name}_event_loop_lag_seconds",
            "How late the event loop was",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.waiting = Gauge(f"{name}_outbox_papers", "Papers that wait to be posted", registry=self.registry)
        self.queue_age = Gauge(
            f"{name}_outbox_age_seconds", "How long the oldest of them is due", registry=self.registry
        )
        self.gateway = Gauge(f"{name}_gateway_up", "Whether Discord's gateway is connected", registry=self.registry)

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        """Time one step, and tell the witness before and after it; a step that failed has no after."""
        self._observer(step, "before")
        began_s = time.perf_counter()
        yield
        self.steps.labels(step.value).observe(time.perf_counter() - began_s)
        self._observer(step, "after")

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)


class LagMeter:
    """Measures how late the event loop is: whatever stands still for long makes everybody wait."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics

    async def run(self) -> None:
        """Measure twice a second, for ever."""
        while True:
            began_s = self._clock.monotonic()
            await self._clock.sleep(LAG_MEASURED_EVERY_S)
            self._metrics.lag.observe(max(0.0, self._clock.monotonic() - began_s - LAG_MEASURED_EVERY_S))
