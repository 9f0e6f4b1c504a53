"""Explanations and audits over a real store and the local arXiv."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import timedelta

import pytest

from bot.arxiv.scheduler import Caller
from bot.domain.exclusions import ExclusionQuotas
from bot.domain.explanations.audit import AuditOutcome
from bot.domain.explanations.facts import FoundBy, Withholding
from bot.domain.explanations.fate import NeverQueued, Waiting
from bot.domain.explanations.nearness import MatchedKeyword, NearKeyword
from bot.domain.explanations.unseen import ReadByNextPoll
from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId
from bot.domain.trending.entry import NO_TRENDING_ENTRIES, TrendingEntry
from bot.ingest.window_reader import WindowReader
from bot.runtime.errors import ArxivThrottled, ArxivUnavailable
from bot.runtime.limits import ARXIV_REQUEST_INTERVAL_S
from bot.runtime.metrics import Metrics
from bot.runtime.problems import Problem
from bot.services.audits import (
    AUDITS_WAITING_MAX,
    AuditComplete,
    AuditExpired,
    AuditFailed,
    AuditProgress,
    AuditQueued,
    AuditReading,
    AuditRequest,
    AuditResult,
    AuditService,
    AuditTooSoon,
    NothingToAudit,
    TooManyAudits,
)
from bot.services.explanations import CHANNELS_SHOWN, MATCHED_SHOWN, Explanation, ExplanationService
from bot.services.lookup_budget import LookupBudget
from bot.services.paper_lookup import PaperLookupService
from bot.store.audits import AuditInProgress, AuditStore
from bot.store.explanations import PaperHistory
from bot.store.paper_posts import PaperPosts
from bot.store.withheld import WithheldPapers
from sandbox.arxiv import ArxivFault, ArxivFaultKind
from tests.support.clock import give_way
from tests.support.ingest import Ingest, ingest_over
from tests.support.store import ADA, CHANNEL, GUILD, OTHER_CHANNEL, Store

CALLER = Caller(ADA, GUILD)


@pytest.fixture
async def ingest(store: Store) -> AsyncIterator[Ingest]:
    async with ingest_over(store) as ingest:
        yield ingest


def explanations(ingest: Ingest) -> ExplanationService:
    async def find_entries(_: Collection[ArxivId]) -> Mapping[ArxivId, TrendingEntry]:
        return NO_TRENDING_ENTRIES

    return ExplanationService(
        history=PaperHistory(ingest.store.database),
        withheld=WithheldPapers(ingest.store.database),
        paper_lookup=PaperLookupService(
            client=ingest.client,
            papers=ingest.store.papers,
            paper_posts=PaperPosts(ingest.store.database),
            find_trending_entries=find_entries,
            budget=LookupBudget(ARXIV_REQUEST_INTERVAL_S),
            clock=ingest.clock,
        ),
        poller=ingest.poller,
        clock=ingest.clock,
        problems={"discord": Problem("Discord is not available")},
        loop_problems=lambda: ["Posting stopped: the disk is full"],
    )


async def explain(ingest: Ingest, paper_id: ArxivId, *channel_ids: int) -> Explanation:
    return await ingest.run(explanations(ingest).explain(paper_id, channel_ids or [CHANNEL], CALLER))


async def test_queued_paper_is_explained_with_what_found_it(ingest: Ingest) -> None:
    await ingest.watch("graph")
    arxiv_id = ArxivId(ingest.add_paper("A graph"))
    await ingest.poll()
    explanation = await explain(ingest, arxiv_id)
    (channel,) = explanation.channels
    assert channel.fate == Waiting(())
    (keyword,) = channel.keywords
    assert isinstance(keyword.match, MatchedKeyword)
    assert keyword.first_match is not None
    assert (keyword.first_match.found_by, keyword.reason) == (FoundBy.POLL, None)
    assert explanation.problems == ("Discord is not available", "Posting stopped: the disk is full")
    assert explanation.poll_result == "1 new paper"
    assert (explanation.compared, explanation.near_subscriptions) == (None, ())


async def test_paper_of_the_older_window_is_stored_as_such(ingest: Ingest) -> None:
    await ingest.watch("graph")
    for days in range(8, 30):
        ingest.add_paper("A graph", days_ago=days)
    await ingest.poll()
    history = PaperHistory(ingest.store.database)
    found = [
        facts.subscriptions[0].match
        for each in ingest.arxiv.papers
        for facts in await history.in_channels(ArxivId(each.arxiv_id), [CHANNEL], 1)
    ]
    assert FoundBy.OLDER_WINDOW in {first_match.found_by for first_match in found if first_match is not None}


async def test_nearest_keyword_of_the_channel_comes_first(ingest: Ingest) -> None:
    await ingest.watch("quokka [cs.CV]", "graph [cs.CV]", "tree")
    await ingest.watch("forest", channel_id=OTHER_CHANNEL)
    found = ArxivId(ingest.add_paper("A graph in a forest"))
    explanation = await explain(ingest, found)
    assert [each.near.keyword.shown for each in explanation.near_subscriptions] == [
        "graph [cs.CV]",
        "tree",
        "quokka [cs.CV]",
    ]
    assert explanation.compared is not None
    assert (explanation.compared.keywords, explanation.compared.channel_id) == (3, CHANNEL)
    # Something became of it in another channel: the first one is still compared.
    both = await explain(ingest, found, CHANNEL, OTHER_CHANNEL)
    assert [each.channel_id for each in both.channels] == [OTHER_CHANNEL]
    assert both.near_subscriptions == explanation.near_subscriptions
    # A channel without keywords: all others are compared.
    elsewhere = await explain(ingest, found, 99, CHANNEL)
    assert elsewhere.compared is not None
    assert (elsewhere.compared.keywords, elsewhere.compared.channel_id) == (3, None)
    assert (await explain(ingest, found, 99, OTHER_CHANNEL)).compared is None


async def test_matching_paper_that_no_poll_found_has_a_reason(ingest: Ingest) -> None:
    await ingest.watch("graph")
    explanation = await explain(ingest, ArxivId(ingest.add_paper("A graph", days_ago=3)))
    (channel,) = explanation.channels
    assert isinstance(channel.fate, NeverQueued)
    assert isinstance(channel.keywords[0].reason, ReadByNextPoll)


async def test_paper_that_no_longer_matches_is_explained_by_what_fails(ingest: Ingest) -> None:
    await ingest.watch("graph", "tree")
    arxiv_id = ingest.add_paper("A graph")
    await ingest.poll()
    ingest.arxiv.revise(arxiv_id, title="A tree")
    await ingest.poll()
    explanation = await explain(ingest, ArxivId(arxiv_id))
    assert [type(each.match) for each in explanation.channels[0].keywords] == [NearKeyword, MatchedKeyword]


async def test_long_lists_of_channels_and_keywords_are_counted(ingest: Ingest) -> None:
    keywords = [f"word{n}" for n in range(MATCHED_SHOWN + 2)]
    channels = range(CHANNEL, CHANNEL + CHANNELS_SHOWN + 1)
    for channel_id in channels:
        await ingest.watch(*keywords, channel_id=channel_id)
    explanation = await explain(ingest, ArxivId(ingest.add_paper(" ".join(keywords))), *channels)
    assert (len(explanation.channels), explanation.channels_left_out) == (CHANNELS_SHOWN, 1)
    assert (len(explanation.channels[0].keywords), explanation.channels[0].keywords_left_out) == (MATCHED_SHOWN, 2)


async def test_paper_that_cannot_be_read_is_explained_by_the_reason(ingest: Ingest) -> None:
    await ingest.watch("graph")
    unknown = ArxivId("2101.00001")
    absent = await explain(ingest, unknown)
    assert (absent.paper, absent.looked_up.missing, absent.channels) == (None, (unknown,), ())
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="60"))
    failed = await explain(ingest, ArxivId("2101.00002"))
    assert isinstance(failed.looked_up.problem, ArxivThrottled)


async def test_withheld_paper_is_explained_and_counted_with_its_exclusion(ingest: Ingest) -> None:
    await ingest.watch("graph")
    now, quotas = ingest.clock.now(), ExclusionQuotas(per_channel=1, per_server=1)
    survey = Keyword.parse("survey")
    await ingest.store.exclusions.add(CHANNEL, GUILD, survey, added_by=ADA, now=now, quotas=quotas)
    arxiv_id = ArxivId(ingest.add_paper("A survey of graphs"))
    await ingest.poll()
    fate = (await explain(ingest, arxiv_id)).channels[0].fate
    assert isinstance(fate, Withholding)
    assert fate.exclusion == "survey"
    result = await ingest.run(Audits(ingest).audit())
    assert isinstance(result, AuditComplete)
    assert result.report.totals == {AuditOutcome.EXCLUDED: 1}


# --- audits --------------------------------------------------------------------------------------


class Audits:
    """Audits over the local arXiv, and what they show."""

    def __init__(self, ingest: Ingest, timeout_s: float = 1000.0) -> None:
        self.shown: list[AuditProgress] = []
        self.store = AuditStore(ingest.store.database)
        self.service = AuditService(
            client=ingest.client,
            reader=WindowReader(ingest.client, Metrics()),
            audits=self.store,
            withheld=WithheldPapers(ingest.store.database),
            papers=ingest.store.papers,
            poller=ingest.poller,
            clock=ingest.clock,
            timeout_s=timeout_s,
        )

    async def audit(self, days: int = 7, *, guild_id: int = GUILD, keyword: str | None = None) -> AuditResult:
        parsed = None if keyword is None else Keyword.parse(keyword).canonical
        request = AuditRequest(guild_id, CHANNEL, days, f"token {guild_id}", parsed)
        return await self.service.audit(request, self.show)

    async def show(self, progress: AuditProgress) -> None:
        self.shown.append(progress)


async def test_audit_counts_each_paper_and_names_what_is_missing_or_gone(ingest: Ingest) -> None:
    await ingest.watch("graph", "tree")
    ingest.add_paper("A graph")
    changed = ingest.add_paper("A graph, too")
    await ingest.poll()
    ingest.arxiv.revise(changed, title="A lemma")
    missing = ingest.add_paper("A late graph", days_ago=3)
    audits = Audits(ingest)
    result = await ingest.run(audits.audit())
    assert isinstance(result, AuditComplete)
    assert result.keywords == 2
    assert result.report.totals == {
        AuditOutcome.WAITING: 1, AuditOutcome.MISSING: 1, AuditOutcome.NOT_AT_ARXIV: 1,
    }  # fmt: skip
    assert [(each.arxiv_id.value, each.title) for each in result.report.differences] == [
        (missing, "A late graph"),
        (changed, "A graph, too"),
    ]
    assert audits.shown == [AuditReading(0, 1)]
    assert await audits.store.in_progress() == ()


async def test_audit_of_one_keyword_reads_only_its_papers(ingest: Ingest) -> None:
    await ingest.watch("graph", "tree")
    ingest.add_paper("A graph")
    ingest.add_paper("A tree")
    await ingest.poll()
    audits = Audits(ingest)
    result = await ingest.run(audits.audit(30, keyword="trees"))
    assert isinstance(result, AuditComplete)
    assert result.report.totals == {AuditOutcome.WAITING: 1}
    assert audits.shown == [AuditReading(done, 5) for done in range(5)]
    assert isinstance(await audits.audit(keyword="quokka"), NothingToAudit)
    (_, tree) = await audits.service.keywords(CHANNEL)
    request = AuditRequest(GUILD + 1, CHANNEL, 1, "token", tree[0])
    by_id = await ingest.run(audits.service.audit(request, audits.show))
    assert isinstance(by_id, AuditComplete)
    assert (tree[1], by_id.keywords) == ("tree", 1)


async def test_server_can_have_one_audit_per_hour(ingest: Ingest) -> None:
    await ingest.watch("graph")
    audits = Audits(ingest)
    started_at = ingest.clock.now()
    assert isinstance(await ingest.run(audits.audit()), AuditComplete)
    assert await ingest.run(audits.audit()) == AuditTooSoon(started_at + timedelta(hours=1))
    await ingest.clock.advance(3600)
    assert isinstance(await ingest.run(audits.audit()), AuditComplete)


async def test_audit_that_fails_at_once_can_be_repeated_and_a_later_failure_counts(ingest: Ingest) -> None:
    await ingest.watch("graph")
    audits = Audits(ingest)
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.RATE_LIMITED, retry_after="60"))
    failed = await ingest.run(audits.audit())
    assert isinstance(failed, AuditFailed)
    assert not failed.is_counted
    await ingest.clock.advance(60)
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.SERVER_ERROR, containing="[202610210000"))
    failed = await ingest.run(audits.audit(30))
    assert isinstance(failed, AuditFailed)
    assert failed.is_counted
    assert isinstance(failed.error, ArxivUnavailable)
    assert isinstance(await ingest.run(audits.audit()), AuditTooSoon)


async def test_audit_does_not_trust_an_arxiv_that_returns_nothing(ingest: Ingest) -> None:
    await ingest.watch("graph")
    ingest.arxiv.faults.add(ArxivFault(ArxivFaultKind.EMPTY, times=3))
    assert isinstance(await ingest.run(Audits(ingest).audit()), AuditFailed)


async def test_audits_wait_for_each_other_up_to_a_limit(ingest: Ingest) -> None:
    await ingest.watch("graph")
    ingest.add_paper("A graph")
    audits = Audits(ingest)
    tasks = [asyncio.create_task(audits.audit(guild_id=guild)) for guild in range(AUDITS_WAITING_MAX + 1)]
    while len(audits.shown) <= AUDITS_WAITING_MAX:  # the clock does not move: nothing is read meanwhile
        await give_way()
    assert isinstance(await audits.audit(guild_id=99), TooManyAudits)
    assert [each.ahead for each in audits.shown if isinstance(each, AuditQueued)] == [1, 2, 3, 4, 5]
    await ingest.until(lambda: all(task.done() for task in tasks))
    assert {type(task.result()) for task in tasks} == {AuditComplete}


async def test_interrupted_audit_is_known_to_the_next_run_and_can_be_repeated(ingest: Ingest) -> None:
    await ingest.watch("graph")
    audits = Audits(ingest)
    task = asyncio.create_task(audits.audit(30))
    await ingest.until(lambda: bool(audits.shown))
    assert await audits.service.take_interrupted() == ()
    started_at = ingest.clock.now()
    task.cancel()
    await asyncio.wait([task])
    following = Audits(ingest)
    (interrupted,) = await following.service.take_interrupted()
    assert isinstance(interrupted, AuditInProgress)
    assert (interrupted.guild_id, interrupted.token) == (GUILD, f"token {GUILD}")
    assert interrupted.started_at <= started_at
    assert isinstance(await ingest.run(following.audit()), AuditComplete)


async def test_audit_ends_before_its_reply_can_no_longer_be_edited(ingest: Ingest) -> None:
    await ingest.watch("graph")
    assert isinstance(await Audits(ingest, timeout_s=0.0).audit(), AuditExpired)
