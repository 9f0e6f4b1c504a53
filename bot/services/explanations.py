"""Explains why a paper was posted in channels, or was not: what matched, what it waits for, or what did not match.

The matcher decides, as for polls. A paper that is not stored is fetched from arXiv, within the budget of lookups. It
knows nothing of permissions: the caller chooses the channels.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bot.arxiv.scheduler import Caller
from bot.domain.explanations.facts import ChannelFacts, FirstMatch, SubscriptionFacts, Withholding
from bot.domain.explanations.fate import Fate, NeverQueued, SeenReason, Waiting, fate_of, seen_reason
from bot.domain.explanations.nearness import KeywordDistances, MatchedKeyword, NearKeyword, explain_match
from bot.domain.explanations.unseen import UnseenReason, unseen_reason
from bot.domain.expressions.keywords import match_keywords
from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId, Paper
from bot.domain.withdrawal import is_withdrawn
from bot.ingest.poller import Poller
from bot.runtime.clock import Clock
from bot.runtime.problems import Problem
from bot.services.paper_lookup import FoundPapers, PaperLookupService
from bot.store.explanations import PaperHistory
from bot.store.withheld import WithheldPapers

# How many subscriptions are compared with the paper: a server's commands can add 1,000 by default.
SUBSCRIPTIONS_MAX: Final = 5_000
# How many keywords are explained: of each channel those that match, of all channels those that nearly match.
MATCHED_SHOWN: Final = 3
NEAREST_SHOWN: Final = 3
CHANNELS_SHOWN: Final = 3
# Recently posted papers that are suggested.
SUGGESTED_POSTS: Final = 100


@dataclass(frozen=True, slots=True)
class ExplainedKeyword:
    """A keyword of a channel that the paper matched.

    `match` is what satisfies it; NearKeyword if the present version of the paper does not match any more. `first_match`
    is when it was found, and `reason` why it was not queued; without `first_match`, why it was not found.
    """

    match: MatchedKeyword | NearKeyword
    first_match: FirstMatch | None
    reason: SeenReason | UnseenReason | None
    is_backfilled: bool = False


@dataclass(frozen=True, slots=True)
class ChannelExplanation:
    """What became of the paper in a channel, the keywords that it matched, and how many more."""

    channel_id: int
    fate: Fate
    keywords: tuple[ExplainedKeyword, ...]
    keywords_left_out: int = 0


@dataclass(frozen=True, slots=True)
class NearSubscription:
    """A keyword that the paper does not match, in a channel."""

    channel_id: int
    near: NearKeyword


@dataclass(frozen=True, slots=True)
class Compared:
    """How many keywords do not match; of one channel, or of all (None)."""

    keywords: int
    channel_id: int | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The paper, or why it is unknown (`looked_up`), and what became of it.

    `near_subscriptions` are keywords that do not match: of the first channel if it has keywords but nothing became of
    the paper there, or of all channels if nothing became of it in any; `compared` is with how many keywords of which
    channels. `poll_result` is that of the last poll, `problems` are what is wrong with the whole bot while a paper
    waits.
    """

    arxiv_id: ArxivId
    paper: Paper | None
    next_poll: datetime
    looked_up: FoundPapers
    channels: tuple[ChannelExplanation, ...] = ()
    channels_left_out: int = 0
    near_subscriptions: tuple[NearSubscription, ...] = ()
    compared: Compared | None = None
    poll_result: str = ""
    problems: tuple[str, ...] = ()
    is_withdrawn: bool = False
    lacks_abstract: bool = False


class ExplanationService:
    """Explains papers."""

    def __init__(
        self,
        *,
        history: PaperHistory,
        withheld: WithheldPapers,
        paper_lookup: PaperLookupService,
        poller: Poller,
        clock: Clock,
        problems: Mapping[str, Problem],
        loop_problems: Callable[[], Iterable[str]],
    ) -> None:
        self._history = history
        self._withheld = withheld
        self._paper_lookup = paper_lookup
        self._poller = poller
        self._clock = clock
        self._problems = problems
        self._loop_problems = loop_problems

    async def explain(self, arxiv_id: ArxivId, channel_ids: Sequence[int], caller: Caller) -> Explanation:
        """Explains a paper in these channels; those in which something became of it come first."""
        facts = await self._facts(arxiv_id, channel_ids)
        looked_up = await self._paper_lookup.find([arxiv_id], caller)
        now, next_poll = self._clock.now(), (await self._poller.next_poll()).at
        if not looked_up.papers:
            channels = _without_paper(facts, now)
            return Explanation(arxiv_id, None, next_poll, looked_up, channels)
        # In a thread: comparing thousands of keywords takes longer than the event loop may be blocked.
        explanation = await asyncio.to_thread(_explain, looked_up, facts, now, next_poll)
        waits = any(isinstance(each.fate, Waiting) for each in explanation.channels)
        _, poll_result = await self._poller.last_poll()
        return replace(explanation, poll_result=poll_result, problems=self._current_problems(now) if waits else ())

    async def _facts(self, arxiv_id: ArxivId, channel_ids: Sequence[int]) -> tuple[ChannelFacts, ...]:
        facts = await self._history.in_channels(arxiv_id, channel_ids, SUBSCRIPTIONS_MAX)
        withheld = {
            each.channel_id: Withholding(each.withheld_at, each.exclusion)
            for each in await self._withheld.of_papers(channel_ids, [arxiv_id.value])
        }
        return tuple(replace(each, withheld=withheld.get(each.channel_id)) for each in facts)

    def _current_problems(self, now: datetime) -> tuple[str, ...]:
        reported = (each.text for each in self._problems.values() if each.is_shown(now))
        return (*reported, *self._loop_problems())

    async def channels(self, guild_id: int) -> tuple[int, ...]:
        """Returns the channels of a server in which something may have become of a paper."""
        return await self._history.channels(guild_id)

    async def recently_posted(self, channel_id: int) -> tuple[tuple[ArxivId, str], ...]:
        """Returns ids and titles of the papers posted last in a channel."""
        return await self._history.recently_posted(channel_id, SUGGESTED_POSTS)


def _without_paper(facts: Iterable[ChannelFacts], now: datetime) -> tuple[ChannelExplanation, ...]:
    """Returns what became of a paper that can't be read, in the channels that had it."""
    fates = ((each.channel_id, fate_of(each, now)) for each in facts)
    return tuple(ChannelExplanation(each, fate, ()) for each, fate in fates if not isinstance(fate, NeverQueued))


def _explain(looked_up: FoundPapers, facts: Sequence[ChannelFacts], now: datetime, next_poll: datetime) -> Explanation:
    (paper,) = looked_up.papers
    keywords = list(dict.fromkeys(each.keyword for channel in facts for each in channel.subscriptions))
    satisfied = frozenset(found.keyword for found in match_keywords([paper], keywords))
    by_channel = [(each.channel_id, _explain_channel(paper, each, satisfied, now)) for each in facts]
    explained = sorted(
        (each for _, each in by_channel if each is not None), key=lambda each: isinstance(each.fate, NeverQueued)
    )
    compared, near_subscriptions = _compare(
        paper, facts, {channel_id for channel_id, each in by_channel if each is not None}
    )
    return Explanation(
        paper.arxiv_id,
        paper,
        next_poll,
        looked_up,
        channels=tuple(explained[:CHANNELS_SHOWN]),
        channels_left_out=max(0, len(explained) - CHANNELS_SHOWN),
        near_subscriptions=near_subscriptions,
        compared=compared,
        is_withdrawn=is_withdrawn(paper),
        lacks_abstract=not paper.abstract,
    )


def _explain_channel(
    paper: Paper, facts: ChannelFacts, satisfied: Collection[Keyword], now: datetime
) -> ChannelExplanation | None:
    """Returns None if the channel has nothing to do with the paper."""
    fate = fate_of(facts, now)
    # The reasons for the post first, then what was found, then what was not.
    matched = sorted(
        (each for each in facts.subscriptions if each.match or each.is_reason or each.keyword in satisfied),
        key=lambda each: (not each.is_reason, each.match is None),
    )
    if not matched and isinstance(fate, NeverQueued):
        return None
    shown = tuple(
        ExplainedKeyword(
            explain_match(each.keyword, paper),
            each.match,
            _reason(each, paper, fate, now),
            is_backfilled=each.is_backfilled,
        )
        for each in matched[:MATCHED_SHOWN]
    )
    return ChannelExplanation(facts.channel_id, fate, shown, max(0, len(matched) - MATCHED_SHOWN))


def _reason(
    subscription: SubscriptionFacts, paper: Paper, fate: Fate, now: datetime
) -> SeenReason | UnseenReason | None:
    if not isinstance(fate, NeverQueued):
        return None
    if subscription.match is None:
        return unseen_reason(subscription, paper, now)
    return seen_reason(subscription, subscription.match, paper)


def _compare(
    paper: Paper, facts: Sequence[ChannelFacts], explained: Collection[int]
) -> tuple[Compared | None, tuple[NearSubscription, ...]]:
    """Returns how many keywords the paper does not match, and the nearest of them."""
    first = facts[0]
    if first.subscriptions and first.channel_id not in explained:
        return Compared(len(first.subscriptions), first.channel_id), tuple(_near_subscriptions(paper, [first]))
    if explained:
        return None, ()
    return Compared(sum(len(each.subscriptions) for each in facts)), tuple(_near_subscriptions(paper, facts))


def _near_subscriptions(paper: Paper, facts: Iterable[ChannelFacts]) -> Iterator[NearSubscription]:
    pairs = [(channel.channel_id, each.keyword) for channel in facts for each in channel.subscriptions]
    distances = KeywordDistances(paper, [keyword for _, keyword in pairs])
    for channel_id, keyword in sorted(pairs, key=lambda pair: distances.order(pair[1]))[:NEAREST_SHOWN]:
        near = explain_match(keyword, paper)
        if isinstance(near, NearKeyword):
            yield NearSubscription(channel_id, near)
