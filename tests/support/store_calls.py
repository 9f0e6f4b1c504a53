"""Calls every public method of the store's classes on a database with rows in every table."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

import sqlalchemy as sa

from bot.domain.channel_schedule import DailySchedule
from bot.domain.channel_settings import ChannelSettings, Discussion, Layout, ThreadMode, TrendingSettings
from bot.domain.discussion import ThreadRequest
from bot.domain.exclusions import ExclusionQuotas
from bot.domain.expressions.authors import read_author
from bot.domain.expressions.exclusions import find_exclusions
from bot.domain.expressions.keywords import match_keywords, parse_keyword
from bot.domain.found import FoundMessage, HistoryPage
from bot.domain.history import Position, snowflake
from bot.domain.keyword import Keyword
from bot.domain.matching import match
from bot.domain.months import Month
from bot.domain.outgoing import Blocked, Delivered
from bot.domain.period import Period
from bot.domain.poll_schedule import Poll, PollCompleted
from bot.domain.post import MessageHeader, Post
from bot.domain.posting_limit import PostingShare
from bot.domain.queries import Window
from bot.domain.question import Question
from bot.domain.search.query import Everything, index_query
from bot.domain.server_settings.changes import ChannelChange, RoleChange
from bot.domain.subscription import UNLIMITED, ChannelPlace
from bot.store.audits import AuditStore
from bot.store.author_names import COUNTED_UNTIL, AuthorNames
from bot.store.backfilled_papers import BackfilledPapers
from bot.store.clock_repair import StoredTimes
from bot.store.discussions import want_threads
from bot.store.excluded_papers import ExcludedPapers
from bot.store.explanations import PaperHistory
from bot.store.exports import Exports
from bot.store.found_messages import FoundMessages
from bot.store.import_rows import StoredImport
from bot.store.known_guilds import KnownGuilds
from bot.store.month_counts import MonthCounts
from bot.store.paper_posts import PaperPosts
from bot.store.personal_data import PersonalData
from bot.store.pruning import AbstractPruning
from bot.store.questions import Questions
from bot.store.schema import metadata
from bot.store.search import SearchIndex
from bot.store.search_building import SearchIndexBuilding
from bot.store.server_settings import ImportApplied, ImportUndone, ServerSettingsStore
from bot.store.statistics import Statistics
from tests.support.builders import paper, trending_entry
from tests.support.query_plans import StatementRecorder
from tests.support.store import ADA, CHANNEL, GUILD, NOW, OTHER_CHANNEL, Store

FILE_CHANNEL: Final = 13
DAY: Final = date(2026, 11, 18)
DAILY: Final = DailySchedule(8, 30, "Europe/Berlin")
GRAPH, TREE = Keyword.parse("graph"), Keyword.parse("tree")
EXCLUDING: Final = parse_keyword('graph -"2 nodes"')
HINTON: Final = read_author("Hinton")
LATER: Final = NOW + timedelta(days=2)
YEAR_BEFORE: Final = NOW - timedelta(days=365)
PAPERS: Final = tuple(
    paper(f"2611.{n:05}", title=f"A graph with {n} nodes", authors=("Ada Lovelace", "Geoffrey Hinton"))
    for n in range(1, 31)
)
MESSAGE: Final = snowflake(NOW)
# A message on which the bot is to start a thread.
POST: Final = Post("sent", CHANNEL, "nonce", NOW, NOW, (), MessageHeader(discussion=Discussion.THREAD))


class StoreCalls:
    """Calls methods in an order in which each finds what it changes."""

    def __init__(self, store: Store, recorder: StatementRecorder) -> None:
        self._store = store
        self._run = recorder.run
        self._collect = recorder.collect
        self._imports = ServerSettingsStore(store.database, store.subscriptions.note_change)

    async def run_all(self) -> None:
        """Calls everything."""
        await self._subscribe()
        await self._ingest()
        await self._send()
        await self._discuss()
        await self._withhold()
        await self._find_messages()
        await self._trending()
        await self._search()
        await self._import()
        await self._assert_rows_in_every_table()
        await self._undo_import()
        await self._edit()
        await self._read_subscriptions()
        await self._read_papers()
        await self._authors()
        await self._channels()
        await self._repair()
        await self._end()

    async def _subscribe(self) -> None:
        store, run = self._store, self._run
        for channel_id in (CHANNEL, OTHER_CHANNEL):
            await run(store.subscriptions.add_all([GRAPH], channel_id, GUILD, added_by=ADA, now=NOW))
        several = [GRAPH, TREE, HINTON]
        await run(store.subscriptions.add_all(several, CHANNEL, GUILD, added_by=ADA, now=NOW, mention_role=1))
        assert await run(store.subscriptions.set_role(GRAPH, CHANNEL, 2))
        for name in ("Nodes", "Other nodes"):
            named = EXCLUDING.named(name)
            await run(store.subscriptions.add_all([named], CHANNEL, GUILD, added_by=ADA, now=NOW))
        await run(store.subscriptions.apply_config({FILE_CHANNEL: [GRAPH], CHANNEL: [GRAPH]}, NOW))
        await run(store.channels.set_servers({FILE_CHANNEL: GUILD}))
        await run(store.channels.set_guild(GUILD, [FILE_CHANNEL]))
        for channel_id in (CHANNEL, OTHER_CHANNEL):
            await run(store.channel_settings.change(channel_id, lambda before: replace(before, publish=True)))

    async def _ingest(self) -> None:
        store, run = self._store, self._run
        unsynced = await run(store.subscriptions.unsynced())
        old = [paper("2601.00001", title="An old graph", published=YEAR_BEFORE)]
        await run(store.ingest_store.record_seen(unsynced, old, match(old, [GRAPH]), NOW))
        await run(store.ingest_store.finish_initial_sync(unsynced, NOW - timedelta(days=30), NOW))
        planned = await run(store.subscriptions.watched())
        found = match_keywords(PAPERS, [GRAPH, TREE, HINTON, EXCLUDING])
        seen, exclusions = match(old, [GRAPH]), find_exclusions(PAPERS, [EXCLUDING])
        for _ in range(2):
            await run(store.ingest_store.record_window(planned, PAPERS, found, NOW, seen=seen, exclusions=exclusions))
        await run(store.ingest_store.finish_poll(planned, NOW))
        backfilled = BackfilledPapers(store.database)
        await run(backfilled.add(planned, old, match(old, [GRAPH])))
        await run(backfilled.complete_month(planned, Month(2026, 1), NOW))
        await run(backfilled.months())
        month_counts = MonthCounts(store.database)
        await run(month_counts.write(GRAPH, Month(2026, 1), 12, NOW))
        await run(month_counts.known([GRAPH], [Month(2026, 1)]))
        await run(store.polls.add(Poll(NOW, PollCompleted(3, batch=True))))
        for minutes in range(1, 4):
            await run(store.polls.add(Poll(NOW + timedelta(minutes=minutes), PollCompleted(0, batch=True))))
        await run(store.polls.recent())
        await run(store.polls.write_problem())
        await run(store.key_values.set("a name", "a value"))
        await run(store.key_values.get("a name"))
        questions = Questions(store.database)
        for number in range(2):
            await run(questions.add(str(number), Question(ADA, "latest", ((GRAPH,), (TREE,))), NOW))
        await run(questions.get("1", NOW))

    async def _send(self) -> None:
        store, run = self._store, self._run
        await run(store.outbox.due_channels(NOW))
        await run(store.outbox.next_due(NOW))
        await run(store.outbox.oldest_due())
        await run(store.outbox.waiting())
        sent = await self._bind(CHANNEL, "sent")
        await run(store.outbox.unsettled_post(CHANNEL))
        await run(store.outbox.has_found_papers(sent))
        await run(store.outbox.record_attempt(sent, NOW))
        await run(store.outbox.record_search(sent, MESSAGE))
        await run(store.outbox.delivered(sent, Delivered(MESSAGE), NOW))
        await run(store.channel_queues.read([CHANNEL, OTHER_CHANNEL], NOW))
        await run(store.outbox.rejected(await self._bind(CHANNEL, "rejected"), "a reason", NOW))
        share = PostingShare(papers_left=3, is_last=True)
        await run(store.outbox.release(await self._bind(CHANNEL, "released", share), alone=True))
        await run(store.outbox.add_newest(CHANNEL, [GRAPH], 5, NOW))
        await run(store.channel_settings.change(OTHER_CHANNEL, lambda before: replace(before, schedule=DAILY)))
        await self._bind(FILE_CHANNEL, "unsettled")

    async def _bind(self, channel_id: int, key: str, share: PostingShare | None = None) -> Post:
        (queue,) = await self._run(self._store.channel_queues.read([channel_id], NOW))
        bind = self._store.outbox.bind
        nonce = f"nonce of {key}"
        post = await self._run(bind(channel_id, queue.entries[:2], key=key, nonce=nonce, now=NOW, share=share))
        assert post is not None
        return post

    async def _discuss(self) -> None:
        store, run = self._store, self._run
        await run(store.channel_settings.change(CHANNEL, lambda before: replace(before, threads=ThreadMode.ON_CLICK)))
        message = await run(store.discussions.message("sent"))
        assert message is not None
        wanted, requested = ThreadRequest(message, None), ThreadRequest(message, message.papers[0])
        async with store.database.transaction() as connection:
            await want_threads(connection, [POST])
        (due,) = await run(store.discussions.due(NOW))
        assert due == wanted
        await run(store.discussions.postpone(wanted, LATER, "a reason", now=NOW))
        await run(store.discussions.problems(GUILD))
        await run(store.discussions.is_any_wanted())
        await run(store.discussions.drop_expired(LATER))
        await run(store.discussions.drop(wanted))
        for _ in range(2):
            await run(store.discussions.request(requested, NOW))
        await run(store.discussions.attempted(requested, NOW))
        await run(store.discussions.started(requested, MESSAGE, is_complete=True))
        await run(store.discussions.is_being_sent("sent"))
        await run(store.discussions.get("sent", requested.arxiv_id))
        await run(store.discussions.withdraw(requested))

    async def _withhold(self) -> None:
        store, run = self._store, self._run
        quotas = ExclusionQuotas(per_channel=9, per_server=9)
        for keyword in ("10 nodes", "with 11 nodes", "20 nodes"):
            excluded = Keyword.parse(keyword)
            await run(store.exclusions.add(CHANNEL, GUILD, excluded, added_by=ADA, now=NOW, quotas=quotas))
        first, second, _ = await run(store.exclusions.in_channel(CHANNEL))
        await run(store.exclusions.in_channels([CHANNEL, OTHER_CHANNEL]))
        await run(store.exclusions.papers_since(CHANNEL, YEAR_BEFORE))
        for exclusion in (first, second):
            await run(store.exclusions.remove(CHANNEL, exclusion.id, NOW))
        await run(store.outbox.withhold_rest(CHANNEL, 15, NOW))
        await run(store.outbox.withhold_rest(CHANNEL, 0, NOW))
        await run(store.withheld.of_papers([CHANNEL], [each.arxiv_id.value for each in PAPERS]))
        await run(store.withheld.count_since([CHANNEL], YEAR_BEFORE))
        await run(store.withheld.count_by_exclusion(CHANNEL, YEAR_BEFORE))
        await run(store.withheld.rest("sent", 0, 10))

    async def _find_messages(self) -> None:
        store, run = self._store, self._run
        found_messages = FoundMessages(store.database)
        messages = (
            FoundMessage("found", MESSAGE + 1, (PAPERS[29].arxiv_id.value, "2611.77777"), Layout.CARDS, "2 papers"),
            FoundMessage("list", MESSAGE + 2, (), Layout.COMPACT, "Trending", day=date(2026, 11, 17)),
        )
        page = HistoryPage(messages, MESSAGE + 2, Position(MESSAGE + 2))
        await run(found_messages.read_until(CHANNEL))
        await run(found_messages.subscribed_since(CHANNEL))
        unknown = await run(found_messages.unknown(messages))
        await run(found_messages.record(CHANNEL, page, 0, unknown))

    async def _trending(self) -> None:
        store, run = self._store, self._run
        trending = ChannelSettings(trending=TrendingSettings(0, NOW))
        await run(store.channel_settings.change(CHANNEL, lambda _: trending))
        await run(store.trending_entries.record_day(DAY, [trending_entry(PAPERS[0].arxiv_id.value, votes=90)], NOW))
        await run(store.trending_entries.of_day(DAY))
        await run(store.trending_entries.fetched_at(DAY))
        await run(store.trending_entries.of_papers([PAPERS[0].arxiv_id]))
        await run(store.trending_entries.are_needed(NOW, timedelta(days=7)))
        await run(store.trending_posts.fetched_days())
        for key in ("first list", "second list"):
            (subscription,) = await run(store.trending_posts.due_subscriptions(DAY, NOW))
            trending_post = await run(store.trending_posts.bind(subscription, DAY, key=key, nonce=key, now=NOW))
            assert trending_post is not None
            await run(store.trending_posts.unsettled(NOW))
            await run(store.trending_posts.is_unsettled(trending_post))
            await run(store.trending_posts.next_attempt())
            await run(store.trending_posts.record_attempt(trending_post, NOW))
            await run(store.trending_posts.record_search(trending_post, MESSAGE))
            if key == "first list":
                await run(store.trending_posts.release(trending_post))
            else:
                await run(store.trending_posts.settle(trending_post, Delivered(MESSAGE + 3), NOW))

    async def _search(self) -> None:
        run, building = self._run, SearchIndexBuilding(self._store.database)
        await run(building.begin())
        await run(building.lacking_bytes())
        await run(building.build_part())
        index = SearchIndex(self._store.database)
        await run(index.progress())
        for keyword in (GRAPH, parse_keyword("tree OR ti:graph")):
            await run(index.find(index_query(keyword)))
        hits = await run(index.find(Everything()))
        await run(index.papers(hits.documents[:5]))
        await run(index.end())

    async def _import(self) -> None:
        imports, run = self._imports, self._run
        state = await run(imports.read(GUILD, [CHANNEL]))
        stored = state.of(OTHER_CHANNEL).keywords[GRAPH.canonical]
        settings, roles = ChannelSettings(), (RoleChange(TREE.canonical, TREE.shown, None, 3),)
        change = ChannelChange(OTHER_CHANNEL, settings, settings, (TREE,), (stored,), roles=roles)
        seen = state.fingerprint([OTHER_CHANNEL])
        for import_id in ("first", "second"):
            preview = StoredImport(import_id, GUILD, ADA, NOW, LATER, False, True, seen, "{}")
            await run(imports.add_preview(preview, NOW))
        assert await run(imports.find("first", NOW)) is None
        applied = await run(imports.apply("second", [change], [OTHER_CHANNEL], UNLIMITED, NOW))
        assert isinstance(applied, ImportApplied)

    async def _undo_import(self) -> None:
        imports, run = self._imports, self._run
        assert isinstance(await run(imports.undo("second", NOW)), ImportUndone)
        await run(imports.discard("second"))
        personal_data = PersonalData(self._store.database)
        await run(personal_data.of(ADA))
        await run(personal_data.delete(ADA + 1))
        await run(imports.delete_expired(LATER))

    async def _assert_rows_in_every_table(self) -> None:
        known_guilds = KnownGuilds(self._store.database)
        await self._run(known_guilds.replace([GUILD, GUILD + 1], NOW))
        await self._run(known_guilds.remove(GUILD + 1, NOW))
        await self._run(known_guilds.add(GUILD + 1, NOW))
        await AuditStore(self._store.database).begin(GUILD, "a token", YEAR_BEFORE, YEAR_BEFORE)
        await self._run(self._store.channels.record_places({OTHER_CHANNEL: ChannelPlace(GUILD, CHANNEL)}))
        await self._run(self._store.channels.places())
        await self._run(
            self._store.papers.add([replace(PAPERS[0], version=2, updated=LATER, authors=("Geoffrey Hinton",))])
        )
        async with self._store.database.reading() as connection:
            for table in metadata.sorted_tables:
                assert await connection.first(sa.select(table).limit(1)) is not None, f"no rows in {table.name}"

    async def _edit(self) -> None:
        store, run = self._store, self._run
        (edit, *_) = await run(store.edits.due(NOW))
        await run(store.edits.postpone(edit, LATER, now=NOW))
        await run(store.edits.due(NOW + timedelta(days=31)))
        await run(store.edits.done(edit))
        (post,) = await run(store.edits.to_publish(NOW))
        await run(store.edits.postpone_publishing(post, LATER, now=NOW))
        await run(store.edits.published(post))

    async def _read_subscriptions(self) -> None:
        queries, run = self._store.subscriptions, self._run
        await run(queries.in_channel(CHANNEL))
        await run(queries.with_roles(CHANNEL, 5))
        await run(queries.in_channels(GUILD, [CHANNEL], 0, 10))
        await run(queries.keywords_per_channel(GUILD))
        await run(queries.spellings(GUILD))
        await run(queries.synced())
        await run(queries.find(GRAPH))
        await run(queries.has_watched())
        await run(queries.has_synced())
        await run(queries.has_unsynced([GRAPH]))
        await run(queries.is_subscribed(CHANNEL))
        await run(queries.unsynced_in_guild(GUILD))
        ids = await run(queries.ids([GRAPH]))
        await run(queries.by_ids(CHANNEL, ids))
        await run(queries.in_channel_of(CHANNEL, [GRAPH]))

    async def _read_papers(self) -> None:
        store, run = self._store, self._run
        await run(store.papers.get(PAPERS[0].arxiv_id))
        await run(store.papers.get_many([each.arxiv_id for each in PAPERS]))
        await run(store.papers.newest(GRAPH, 5, YEAR_BEFORE))
        for by_update in (False, True):
            await run(store.papers.matching(GRAPH, 5, Period(DAY, DAY), by_update=by_update))
        await run(store.papers.newest_in_channel(CHANNEL, 5))
        await run(store.papers.count(GRAPH, YEAR_BEFORE))
        await run(store.papers.count_by_category(GRAPH, YEAR_BEFORE))
        await run(store.papers.titles(10))
        await run(ExcludedPapers(store.database).summary(EXCLUDING, YEAR_BEFORE, 2))
        await run(AbstractPruning(store.database).prune(timedelta(days=30), LATER))
        await run(store.page_store.keywords(None))
        page = await run(store.page_store.keywords([CHANNEL]))
        await self._collect("PageStore.sections", store.page_store.sections(page, 10))
        exports = Exports(store.database)
        keyword_id = await run(exports.keyword_id(GRAPH.canonical))
        assert keyword_id is not None
        await run(exports.newest(keyword_id, YEAR_BEFORE, LATER, 10))
        await run(PaperPosts(store.database).in_server(GUILD, PAPERS[0].arxiv_id))
        await run(store.page_store.channels())
        await run(store.page_store.data_version())
        history = PaperHistory(store.database)
        await run(history.in_channels(PAPERS[0].arxiv_id, [CHANNEL, OTHER_CHANNEL], 10))
        await run(history.channels(GUILD))
        await run(history.recently_posted(CHANNEL, 10))
        await self._audit()
        statistics = Statistics(store.database)
        await run(statistics.channels(GUILD))
        await run(statistics.weekly([CHANNEL], NOW - timedelta(days=14), 4))

    async def _audit(self) -> None:
        audits, run = AuditStore(self._store.database), self._run
        for _ in range(2):
            await run(audits.begin(GUILD, "a token", NOW, NOW - timedelta(hours=1)))
        await run(audits.in_progress())
        channel = await run(audits.channel(CHANNEL))
        window = Window(NOW - timedelta(days=7), LATER)
        await run(audits.stored(CHANNEL, list(channel.subscriptions), window, [PAPERS[0].arxiv_id]))
        await run(audits.end(GUILD))
        await run(audits.forget(GUILD))

    async def _authors(self) -> None:
        names = AuthorNames(self._store.database)
        await self._run(names.find(["h", "hinton"], 5))
        await self._store.key_values.set(COUNTED_UNTIL, "")
        while await self._run(names.count_next(5)):
            pass

    async def _channels(self) -> None:
        store, run = self._store, self._run
        for guild_id in (None, GUILD):
            await run(store.channels.servers(guild_id))
        await run(store.channels.subscribed())
        await run(store.channels.in_guild(GUILD))
        await run(store.channels.back_off(CHANNEL, LATER, now=NOW))
        await run(store.channels.backing_off(NOW))
        for gone in (False, True):
            await run(store.channels.block(CHANNEL, Blocked("a reason", gone=gone), now=NOW, not_before=LATER))
        await run(store.channels.pending_notices(NOW))
        await run(store.channels.record_notice(CHANNEL, NOW))
        await run(store.channels.gone(NOW))
        await run(store.channels.blocked_ids())
        await run(store.channels.blocked_channels())
        await run(store.channels.unblock(CHANNEL))

    async def _repair(self) -> None:
        await self._run(self._store.channels.correct_due_times(YEAR_BEFORE, all_papers=False))
        await self._run(self._store.channels.correct_due_times(YEAR_BEFORE, all_papers=True))
        await self._run(StoredTimes(self._store.database).correct(YEAR_BEFORE))

    async def _end(self) -> None:
        store, run = self._store, self._run
        await store.subscribe("graph")
        await run(store.channel_settings.change(CHANNEL, lambda before: replace(before, paused_since=NOW)))
        await run(store.channel_settings.get(CHANNEL))
        await run(store.channel_settings.paused_channels())
        await run(store.channel_settings.resume(CHANNEL, NOW))
        await run(store.channel_settings.clear_backlog(CHANNEL))
        await run(store.subscriptions.remove(TREE, CHANNEL))
        await run(store.subscriptions.remove(GRAPH, OTHER_CHANNEL))
        await store.channels.block(CHANNEL, Blocked("a reason", gone=True), now=NOW, not_before=LATER)
        await run(store.subscriptions.drop_command_subscriptions(CHANNEL, NOW))
        await run(store.subscriptions.apply_config({}, NOW))
