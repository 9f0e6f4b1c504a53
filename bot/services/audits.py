"""Audits a channel: reads from arXiv which papers match its keywords, and compares them with what became of them.

One audit reads at a time, with background priority, so that polls and people never wait for it; the others wait in
order. A server has one per hour, also over restarts. Only the metadata of matching papers is kept in memory, and
nothing that is read is stored.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.arxiv.client import PageSource
from bot.arxiv.gate import Priority
from bot.domain.explanations.audit import AuditReport, MatchingPaper, StoredPaper, audit_parts, audit_window, compare
from bot.domain.explanations.facts import Withholding
from bot.domain.keyword import Keyword
from bot.domain.matching import Match
from bot.domain.paper import ArxivId, Paper
from bot.domain.queries import ARXIV_KEYWORDS_PER_QUERY, Window
from bot.ingest.poller import Poller
from bot.ingest.window_reader import WindowReader, check_that_arxiv_returns_papers
from bot.runtime.clock import Clock
from bot.runtime.errors import ArxivError
from bot.runtime.limits import INTERACTION_TOKEN_S
from bot.store.audits import AuditedChannel, AuditInProgress, AuditStore
from bot.store.papers import Papers
from bot.store.withheld import WithheldPapers

log = logging.getLogger(__name__)

AUDIT_INTERVAL: Final = timedelta(hours=1)
# How many audits wait for the one that reads; each takes a minute or more.
AUDITS_WAITING_MAX: Final = 5
# How long a reply waits for results; one minute of the token's time is reserved for its last edit.
AUDIT_TIMEOUT_S: Final = INTERACTION_TOKEN_S - 60


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What is audited: a channel's keywords, or one, by its id or canonical form.

    `token` is what the reply is edited with.
    """

    guild_id: int
    channel_id: int
    days: int
    token: str
    keyword: int | str | None = None


@dataclass(frozen=True, slots=True)
class AuditQueued:
    """Other audits are carried out first."""

    ahead: int


@dataclass(frozen=True, slots=True)
class AuditReading:
    """So many parts of the period were read."""

    done: int
    parts: int


@dataclass(frozen=True, slots=True)
class AuditComplete:
    """The report, for so many keywords; polls read what is pending at `next_poll`."""

    report: AuditReport
    keywords: int
    next_poll: datetime


@dataclass(frozen=True, slots=True)
class NothingToAudit:
    """The channel has no such keyword, or none at all."""


@dataclass(frozen=True, slots=True)
class AuditTooSoon:
    """The server's next audit can begin then."""

    not_before: datetime


@dataclass(frozen=True, slots=True)
class TooManyAudits:
    """Too many audits wait: this one was not started."""


@dataclass(frozen=True, slots=True)
class AuditFailed:
    """arXiv did not return everything; `is_counted`: the server's next audit is an hour later."""

    error: ArxivError
    is_counted: bool


@dataclass(frozen=True, slots=True)
class AuditExpired:
    """Discord accepts no more edits of the reply."""


AuditProgress = AuditQueued | AuditReading
AuditResult = AuditComplete | NothingToAudit | AuditTooSoon | TooManyAudits | AuditFailed | AuditExpired
ShowProgress = Callable[[AuditProgress], Awaitable[None]]


class AuditService:
    """Carries out audits; `timeout_s` is how long a reply can be edited."""

    def __init__(
        self,
        *,
        client: PageSource,
        reader: WindowReader,
        audits: AuditStore,
        withheld: WithheldPapers,
        papers: Papers,
        poller: Poller,
        clock: Clock,
        timeout_s: float = AUDIT_TIMEOUT_S,
    ) -> None:
        self._client = client
        self._reader = reader
        self._audits = audits
        self._withheld = withheld
        self._papers = papers
        self._poller = poller
        self._clock = clock
        self._timeout_s = timeout_s
        self._turn = asyncio.Lock()
        self._running: list[int] = []  # servers

    async def audit(self, request: AuditRequest, show: ShowProgress) -> AuditResult:
        """Audits a channel, and shows the progress."""
        channel = _selected(await self._audits.channel(request.channel_id), request.keyword)
        if not channel.subscriptions:
            return NothingToAudit()
        if len(self._running) > AUDITS_WAITING_MAX:
            return TooManyAudits()
        ahead = len(self._running)
        # Before it is recorded, so that it is never taken for an interrupted one.
        self._running.append(request.guild_id)
        try:
            return await self._begin(request, channel, ahead, show)
        finally:
            self._running.remove(request.guild_id)

    async def _begin(
        self, request: AuditRequest, channel: AuditedChannel, ahead: int, show: ShowProgress
    ) -> AuditResult:
        now = self._clock.now()
        last = await self._audits.begin(request.guild_id, request.token, now, now - AUDIT_INTERVAL)
        if last is not None:
            return AuditTooSoon(last + AUDIT_INTERVAL)
        try:
            async with asyncio.timeout(self._timeout_s):
                if ahead:
                    await show(AuditQueued(ahead))
                async with self._turn:
                    result: AuditResult = await self._in_turn(request, channel, show)
        except TimeoutError:
            result = AuditExpired()
        if isinstance(result, AuditFailed) and not result.is_counted:
            await self._audits.forget(request.guild_id)
        else:
            await self._audits.end(request.guild_id)
        log.info("audit finished", extra={"guild_id": request.guild_id, "result": type(result).__name__})
        return result

    async def _in_turn(
        self, request: AuditRequest, channel: AuditedChannel, show: ShowProgress
    ) -> AuditComplete | AuditFailed:
        window = audit_window(request.days, self._clock.now())
        parts = audit_parts(window)
        matching: dict[ArxivId, MatchingPaper] = {}
        done = 0
        try:
            for done, part in enumerate(parts):
                await show(AuditReading(done, len(parts)))
                await self._read(part, channel, matching)
        except ArxivError as error:
            return AuditFailed(error, is_counted=done > 0)
        report = await self._compare(window, channel, matching)
        return AuditComplete(report, len(channel.subscriptions), (await self._poller.next_poll()).at)

    async def _read(self, window: Window, channel: AuditedChannel, matching: dict[ArxivId, MatchingPaper]) -> None:
        """Adds the papers of a window that match; the others are not kept."""
        ids = {each.keyword: keyword_id for keyword_id, each in channel.subscriptions.items()}
        keywords = list(ids)
        papers = 0
        async for result in self._reader.read(
            keywords,
            window,
            Priority.BACKGROUND,
            trust_zero=False,
            filter_by_keyword=len(keywords) <= ARXIV_KEYWORDS_PER_QUERY,
        ):
            papers += len(result.papers)
            # In a thread: a window may have 10,000 papers.
            await asyncio.to_thread(_add_matching, matching, result.papers, result.matches, ids)
        if not papers:  # arXiv may return nothing by mistake
            await check_that_arxiv_returns_papers(self._client, self._clock.now(), Priority.BACKGROUND)

    async def _compare(
        self, window: Window, channel: AuditedChannel, matching: Mapping[ArxivId, MatchingPaper]
    ) -> AuditReport:
        channel_id = channel.facts.channel_id
        stored = dict(await self._audits.stored(channel_id, list(channel.subscriptions), window, list(matching)))
        ids = [each.value for each in {*matching, *stored}]
        for each in await self._withheld.of_papers([channel_id], ids):
            known = stored.get(ArxivId(each.arxiv_id), StoredPaper(window.start))
            stored[ArxivId(each.arxiv_id)] = replace(known, withheld=Withholding(each.withheld_at, each.exclusion))
        # In a thread: broad keywords match thousands of papers.
        report = await asyncio.to_thread(compare, window, matching, stored, channel.subscriptions, channel.facts)
        untitled = [each.arxiv_id for each in report.differences if not each.title]
        titles = {arxiv_id: paper.title for arxiv_id, paper in (await self._papers.get_many(untitled)).items()}
        differences = tuple(
            each if each.title else replace(each, title=titles.get(each.arxiv_id, "")) for each in report.differences
        )
        return replace(report, differences=differences)

    async def keywords(self, channel_id: int) -> list[tuple[int, str]]:
        """Returns the ids and the spellings of a channel's keywords."""
        channel = await self._audits.channel(channel_id)
        return [(keyword_id, each.keyword.shown) for keyword_id, each in channel.subscriptions.items()]

    async def take_interrupted(self) -> tuple[AuditInProgress, ...]:
        """Returns the audits that an earlier run did not finish, and forgets them: they can be repeated at once."""
        found = [each for each in await self._audits.in_progress() if each.guild_id not in self._running]
        for each in found:
            await self._audits.forget(each.guild_id)
        return tuple(found)


def _selected(channel: AuditedChannel, keyword: int | str | None) -> AuditedChannel:
    if keyword is None:
        return channel
    selected = {
        keyword_id: each
        for keyword_id, each in channel.subscriptions.items()
        if keyword in (keyword_id, each.keyword.canonical)
    }
    return replace(channel, subscriptions=selected)


def _add_matching(
    matching: dict[ArxivId, MatchingPaper],
    papers: Collection[Paper],
    found: Collection[Match],
    keyword_ids: Mapping[Keyword, int],
) -> None:
    by_paper: dict[ArxivId, set[int]] = {}
    for match in found:
        by_paper.setdefault(match.arxiv_id, set()).add(keyword_ids[match.keyword])
    for paper in papers:
        if paper.arxiv_id in by_paper:
            brief = replace(paper, abstract="", authors=())
            matching[paper.arxiv_id] = MatchingPaper(brief, frozenset(by_paper[paper.arxiv_id]))
