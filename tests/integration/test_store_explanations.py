"""What the store knows about one paper in channels, and what an audit compares."""

from datetime import timedelta

import pytest

from bot.domain.channel_settings import ChannelSettings, Layout
from bot.domain.explanations.audit import StoredPaper
from bot.domain.explanations.facts import ChannelFacts, EntryState, FirstMatch, FoundBy, QueueEntry, SentMessage
from bot.domain.found import FoundMessage, HistoryPage
from bot.domain.history import Position
from bot.domain.matching import match
from bot.domain.outgoing import Blocked, Delivered
from bot.domain.paper import ArxivId
from bot.domain.queries import Window
from bot.store.audits import AuditInProgress, AuditStore
from bot.store.backfilled_papers import BackfilledPapers
from bot.store.explanations import PaperHistory
from bot.store.found_messages import FoundMessages
from tests.support.builders import paper
from tests.support.store import CHANNEL, GUILD, NOW, OTHER_CHANNEL, Store

GRAPH = paper("2611.00001", title="A graph")
HOUR = timedelta(hours=1)


@pytest.fixture
async def polled(subscribed: Store) -> Store:
    """A store in which a poll found a paper for a channel."""
    await subscribed.subscribe("tree")
    await subscribed.sync()
    await subscribed.poll(GRAPH)
    return subscribed


async def facts(store: Store, channel_id: int = CHANNEL, paper_id: ArxivId = GRAPH.arxiv_id) -> ChannelFacts:
    (found,) = await PaperHistory(store.database).in_channels(paper_id, [channel_id], 100)
    return found


async def test_match_is_stored_with_the_kind_of_read_that_found_it_first(store: Store) -> None:
    await store.subscribe("graph")
    await store.sync(paper("2611.00002", title="A graph"))
    planned = await store.watched()
    for found_by in (FoundBy.OLDER_WINDOW, FoundBy.POLL):
        matches = match([GRAPH], [each.keyword for each in planned])
        await store.ingest_store.record_window(planned, [GRAPH], matches, NOW + HOUR, found_by=found_by)
    await store.poll(paper("2611.00003", title="A graph"))
    found = [(await facts(store, paper_id=ArxivId(f"2611.0000{n}"))).subscriptions[0].match for n in (1, 2, 3)]
    assert found == [
        FirstMatch(NOW + HOUR, FoundBy.OLDER_WINDOW),
        FirstMatch(NOW, FoundBy.INITIAL_SYNC),
        FirstMatch(NOW, FoundBy.POLL),
    ]


async def test_queued_paper_has_its_reasons_and_what_holds_the_channel_back(polled: Store) -> None:
    await polled.set_channel(CHANNEL, ChannelSettings(paused_since=NOW))
    await polled.channels.block(CHANNEL, Blocked("Locked."), now=NOW, not_before=NOW + HOUR)
    found = await facts(polled)
    assert found.entry == QueueEntry(EntryState.WAITING, NOW)
    assert [(each.keyword.shown, each.is_reason, each.match is not None) for each in found.subscriptions] == [
        ("graph", True, True),
        ("tree", False, False),
    ]
    assert (found.settings.paused_since, found.blocked_reason, found.not_before) == (NOW, "Locked.", NOW + HOUR)


async def test_posted_paper_has_its_message(polled: Store) -> None:
    post = await polled.bind()
    sent = (await facts(polled)).entry
    assert sent is not None
    assert sent.message == SentMessage(NOW)
    await polled.outbox.delivered(post, Delivered(77, thread_id=78), NOW + HOUR)
    entry = (await facts(polled)).entry
    assert entry == QueueEntry(EntryState.DELIVERED, NOW, SentMessage(NOW, NOW + HOUR, 77, 78))
    history = PaperHistory(polled.database)
    assert await history.recently_posted(CHANNEL, 5) == ((GRAPH.arxiv_id, "A graph"),)
    assert await history.recently_posted(OTHER_CHANNEL, 5) == ()
    assert await history.channels(GUILD) == (CHANNEL,)


async def test_channel_without_a_row_has_default_settings(polled: Store) -> None:
    assert await facts(polled, 99) == ChannelFacts(99)


async def test_found_message_and_backfill_are_known(polled: Store) -> None:
    other = paper("2611.00009", title="A tree")
    message = FoundMessage("found", 2**60, (other.arxiv_id.value,), Layout.CARDS, "1 paper")
    page = HistoryPage((message,), message.message_id, Position(message.message_id))
    await FoundMessages(polled.database).record(CHANNEL, page, 0, [message])
    planned = await polled.watched()
    found = match([other], [each.keyword for each in planned])
    await BackfilledPapers(polled.database).add(planned, [other], found)
    known = await facts(polled, paper_id=other.arxiv_id)
    assert known.found_in is not None
    assert known.found_in.message_id == message.message_id
    assert [each.is_backfilled for each in known.subscriptions] == [False, True]


async def test_audit_reads_what_was_found_in_the_window_and_what_was_fetched(polled: Store) -> None:
    await polled.set_channel(CHANNEL, ChannelSettings(backlog_pending=False))
    old = paper("2610.00001", title="A graph", published=NOW - timedelta(days=9))
    fetched = paper("2611.00009", title="A tree")
    await polled.poll(old)
    message = FoundMessage("found", 2**60, (fetched.arxiv_id.value,), Layout.CARDS, "1 paper")
    page = HistoryPage((message,), message.message_id, Position(message.message_id))
    await FoundMessages(polled.database).record(CHANNEL, page, 0, [message])
    audits = AuditStore(polled.database)
    channel = await audits.channel(CHANNEL)
    assert [each.keyword.shown for each in channel.subscriptions.values()] == ["graph", "tree"]
    graph = next(iter(channel.subscriptions))
    window = Window(NOW - timedelta(days=7), NOW + HOUR)
    stored = await audits.stored(CHANNEL, [graph], window, [fetched.arxiv_id])
    assert stored[GRAPH.arxiv_id] == StoredPaper(
        GRAPH.published, {graph: FirstMatch(NOW, FoundBy.POLL)}, QueueEntry(EntryState.WAITING, NOW)
    )
    in_message = stored[fetched.arxiv_id].found_in
    assert in_message is not None
    assert in_message.message_id == message.message_id
    assert stored.keys() == {GRAPH.arxiv_id, fetched.arxiv_id}


async def test_server_has_one_audit_per_hour_and_a_wrong_clock_prevents_none(store: Store) -> None:
    audits = AuditStore(store.database)
    assert await audits.begin(GUILD, "first", NOW, NOW - HOUR) is None
    assert await audits.in_progress() == (AuditInProgress(GUILD, NOW, "first"),)
    later = NOW + HOUR / 2
    assert await audits.begin(GUILD, "second", later, later - HOUR) == NOW
    assert await audits.begin(GUILD + 1, "other", later, later - HOUR) is None
    await audits.end(GUILD)
    assert [each.token for each in await audits.in_progress()] == ["other"]
    assert await audits.begin(GUILD, "third", NOW + HOUR, NOW) is None
    assert await audits.begin(GUILD, "clock set back", NOW, NOW - HOUR) is None
    await audits.forget(GUILD)
    assert await audits.begin(GUILD, "again", NOW, NOW - HOUR) is None
