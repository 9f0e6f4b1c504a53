"""Statements and transactions are counted: of a poll, of a message, and of the questions of idle loops.

The limits are what they take now. A change that needs fewer lowers them.
"""

from datetime import timedelta
from pathlib import Path

from bot.domain.channel_settings import ChannelSettings, Style
from tests.support.builders import paper
from tests.support.clock import FakeClock
from tests.support.delivery import FakeDelivery, record_papers, running_dispatcher
from tests.support.statements import StatementCount, counting_statements
from tests.support.store import CHANNEL, NOW, Store

# Of a window, and of the end of a poll. Writing many rows counts as one statement.
WINDOW_STATEMENTS_MAX = 19
FINISH_STATEMENTS_MAX = 2
# Reading what is due, binding a message, and settling it: the same number for up to 100 channels at the same time.
MESSAGE_TRANSACTIONS_MAX = 2
MESSAGE_STATEMENTS_MAX = 13


async def statements_of_window(store: Store, count: StatementCount, *, papers: int, keywords: int, first: int) -> int:
    """Records a window of new papers, each of which matches every keyword."""
    topics = [f"topic{n}" for n in range(keywords)]
    await store.watch(*topics)
    watched = await store.watched()
    found = [paper(f"2611.{first + n:05}", title=" ".join(topics)) for n in range(papers)]
    count.clear()
    written = await store.poll(*found, planned=watched)
    assert written.papers == papers
    return len(count)


async def test_statements_of_window_do_not_depend_on_papers(store: Store, path: Path) -> None:
    with counting_statements() as count:
        few = await statements_of_window(store, count, papers=1, keywords=1, first=100)
        assert count.transactions == 1
        many = await statements_of_window(store, count, papers=40, keywords=1, first=200)
        assert count.transactions == 1
    assert max(few, many) <= WINDOW_STATEMENTS_MAX


async def test_statements_of_window_do_not_depend_on_keywords(store: Store, path: Path) -> None:
    with counting_statements() as count:
        few = await statements_of_window(store, count, papers=3, keywords=1, first=100)
        assert await statements_of_window(store, count, papers=3, keywords=40, first=200) <= few


async def test_end_of_poll_takes_one_transaction(store: Store, path: Path) -> None:
    await store.watch(*[f"topic{n}" for n in range(40)])
    watched = await store.watched()
    with counting_statements() as count:
        await store.ingest_store.finish_poll(watched, NOW + timedelta(hours=1))
        assert count.transactions == 1
        assert len(count) <= FINISH_STATEMENTS_MAX


async def of_messages(
    store: Store, path: Path, delivery: FakeDelivery, clock: FakeClock, first: int, messages: int
) -> tuple[int, int]:
    """Returns the statements and transactions that posting this many messages of ten cards takes."""
    await record_papers(store, *range(first, first + 10 * messages))
    before = len(delivery.messages())
    with counting_statements() as count:
        async with running_dispatcher(store, delivery, clock):
            assert len(delivery.messages()) - before == messages
        return len(count), count.transactions


async def test_message_takes_two_transactions(
    subscribed: Store, path: Path, delivery: FakeDelivery, clock: FakeClock
) -> None:
    await subscribed.set_channel(CHANNEL, ChannelSettings(style=Style.CARDS))
    await of_messages(subscribed, path, delivery, clock, first=1, messages=1)  # reads the channel's history, too
    one = await of_messages(subscribed, path, delivery, clock, first=101, messages=1)
    five = await of_messages(subscribed, path, delivery, clock, first=201, messages=5)
    assert five[0] - one[0] <= 4 * MESSAGE_STATEMENTS_MAX
    assert five[1] - one[1] <= 4 * MESSAGE_TRANSACTIONS_MAX
