"""Whatever happens in any order, a channel never gets a paper twice."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.keyword import Keyword
from bot.domain.outgoing import Delivered
from bot.domain.paper import Paper
from bot.domain.post import one_message
from bot.domain.subscription import WatchedKeyword
from tests.support.builders import paper
from tests.support.store import CHANNEL, NOW, OTHER_CHANNEL, Store, opened

TITLES = ("Graph", "Diffusion", "Graph diffusion")
PAPERS = tuple(
    paper(f"2611.0000{n}", title=TITLES[n % 3], published=NOW + timedelta(minutes=version), version=version)
    for n in range(6)
    for version in (1, 2)
)
keywords = st.sampled_from(("graph", "diffusion"))
channels = st.sampled_from((CHANNEL, OTHER_CHANNEL))
papers = st.lists(st.sampled_from(PAPERS), min_size=1, max_size=4, unique_by=lambda paper: paper.arxiv_id)


class History:
    """Steps that change a store, and what each channel was sent."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._numbers = count()
        self._planned: tuple[WatchedKeyword, ...] = ()
        self.sent: list[tuple[int, str]] = []

    async def subscribe(self, keyword: str, channel_id: int) -> None:
        await self._store.subscribe(keyword, channel_id)

    async def unsubscribe(self, keyword: str, channel_id: int) -> None:
        if any(
            subscription.keyword == Keyword.parse(keyword)
            for subscription in await self._store.subscriptions.in_channel(channel_id)
        ):
            await self._store.subscriptions.remove(Keyword.parse(keyword), channel_id)

    async def sync(self, papers: Sequence[Paper]) -> None:
        await self._store.sync(*papers)

    async def plan(self) -> None:
        self._planned = tuple(watched for watched in await self._store.watched() if watched.synced_until is not None)

    async def record_window(self, papers: Sequence[Paper]) -> None:
        await self._store.poll(*papers, planned=self._planned)

    async def finish_poll(self) -> None:
        await self._store.ingest_store.finish_poll(self._planned, NOW + timedelta(hours=next(self._numbers)))

    async def bind(self, channel_id: int, limit: int) -> None:
        entries = one_message(await self._store.due(channel_id, limit))
        if entries and await self._store.outbox.unsettled_post(channel_id) is None:
            key = str(next(self._numbers))
            await self._store.outbox.bind(channel_id, entries, key=key, nonce=key, now=NOW)

    async def deliver(self, channel_id: int) -> None:
        post = await self._store.outbox.unsettled_post(channel_id)
        if post is not None:
            self.sent.extend((channel_id, entry.paper.arxiv_id.value) for entry in post.entries)
            await self._store.outbox.delivered(post, Delivered(next(self._numbers)), NOW)

    async def release(self, channel_id: int, *, alone: bool) -> None:
        post = await self._store.outbox.unsettled_post(channel_id)
        if post is not None:
            await self._store.outbox.release(post, alone=alone)

    async def deliver_everything(self) -> None:
        while waiting := await self._store.outbox.waiting():
            for channel_id in waiting:
                await self.deliver(channel_id)
                await self.bind(channel_id, limit=10)


HistoryStep = Callable[[History], Awaitable[None]]
steps: st.SearchStrategy[HistoryStep] = st.one_of(
    st.builds(
        lambda keyword, channel: partial(History.subscribe, keyword=keyword, channel_id=channel), keywords, channels
    ),
    st.builds(
        lambda keyword, channel: partial(History.unsubscribe, keyword=keyword, channel_id=channel), keywords, channels
    ),
    st.builds(lambda papers: partial(History.sync, papers=papers), papers),
    st.builds(lambda papers: partial(History.record_window, papers=papers), papers),
    st.sampled_from((History.plan, History.finish_poll)),
    st.builds(
        lambda channel, limit: partial(History.bind, channel_id=channel, limit=limit), channels, st.integers(1, 3)
    ),
    st.builds(lambda channel: partial(History.deliver, channel_id=channel), channels),
    st.builds(
        lambda channel, alone: partial(History.release, channel_id=channel, alone=alone), channels, st.booleans()
    ),
)


async def sent_papers(path: Path, history_steps: Sequence[HistoryStep]) -> list[tuple[int, str]]:
    async with opened(path) as store:
        history = History(store)
        for step in history_steps:
            await step(history)
        await history.deliver_everything()
        return history.sent


def check(history_steps: Sequence[HistoryStep]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sent = asyncio.run(sent_papers(Path(folder) / "papers.sqlite3", history_steps))
    assert len(sent) == len(set(sent))


FIRST_STEPS: tuple[HistoryStep, ...] = (
    partial(History.subscribe, keyword="graph", channel_id=CHANNEL),
    partial(History.subscribe, keyword="diffusion", channel_id=CHANNEL),
    partial(History.sync, papers=PAPERS[:2]),
    History.plan,
    partial(History.record_window, papers=PAPERS[::2]),
)


@pytest.mark.slow
@given(st.lists(steps, min_size=5, max_size=40))
def test_no_channel_ever_gets_a_paper_twice(history_steps: list[HistoryStep]) -> None:
    check((*FIRST_STEPS, *history_steps))


@pytest.mark.slow
@settings(max_examples=75)
@given(st.lists(steps, min_size=5, max_size=80))
def test_no_channel_ever_gets_a_paper_twice_in_long_histories(history_steps: list[HistoryStep]) -> None:
    check((*FIRST_STEPS, *history_steps))


def test_first_steps_post_every_new_paper(tmp_path: Path) -> None:
    """Shows that the properties above test something."""
    sent = asyncio.run(sent_papers(tmp_path / "papers.sqlite3", FIRST_STEPS))
    assert sorted(sent) == [(CHANNEL, f"2611.0000{n}") for n in range(1, 6)]
