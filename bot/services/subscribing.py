"""Who watches what, as people ask for it: subscribe, unsubscribe, list.

Text that a person typed enters; answers in domain values leave. Permissions are the cogs' business: whoever calls
here may.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.clock import Clock
from bot.domain.keyword import Keyword
from bot.domain.paper import Paper
from bot.domain.subscription import Source, Subscription
from bot.limits import FIRST_READING, PREVIEW_PAPERS
from bot.pipeline.firsts import FirstReadings, Progress
from bot.store.papers import Papers
from bot.store.subscriptions import Subscriptions


@dataclass(frozen=True, slots=True)
class Found:
    """What the last 30 days hold for a keyword: how many papers, and the newest of them."""

    keyword: Keyword
    papers: int
    newest: tuple[Paper, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """The subscription has ended; its unsent papers went with it."""

    keyword: Keyword


@dataclass(frozen=True, slots=True)
class WantedByFile:
    """config.json wants the subscription: only a change of the file ends it."""

    keyword: Keyword


@dataclass(frozen=True, slots=True)
class NotSubscribed:
    """The channel does not watch this; `nearest` are its own keywords that look like it."""

    typed: str
    nearest: tuple[str, ...]


class Subscribing:
    """Adds, ends and lists subscriptions."""

    def __init__(self, subscriptions: Subscriptions, papers: Papers, firsts: FirstReadings, clock: Clock) -> None:
        self._subscriptions = subscriptions
        self._papers = papers
        self._firsts = firsts
        self._clock = clock

    async def subscribe(self, keyword: Keyword, channel_id: int, guild_id: int, user_id: int) -> bool:
        """Subscribe a channel; False when it is subscribed already. Its past is read in the background."""
        before = await self._subscriptions.in_channel(channel_id)
        added = await self._subscriptions.add(keyword, channel_id, guild_id, added_by=user_id, now=self._clock.now())
        self._firsts.wake()
        return added and all(subscription.keyword != keyword for subscription in before)

    async def wait_until_read(self, keywords: Iterable[Keyword], timeout_s: float, *, patient: bool) -> Progress:
        """Wait for the keywords' first reading; unless `patient`, an arXiv that does not answer ends the wait."""
        return await self._firsts.wait(frozenset(keywords), timeout_s, patient=patient)

    async def found(self, keyword: Keyword) -> Found:
        """What a keyword would have brought in the last 30 days."""
        since = self._clock.now() - FIRST_READING
        newest = await self._papers.newest(keyword, PREVIEW_PAPERS)
        return Found(keyword, await self._papers.count(keyword, since), newest)

    async def unsubscribe(self, keyword: Keyword, channel_id: int) -> Ended | WantedByFile | NotSubscribed:
        """End a channel's subscription, as far as commands can."""
        try:
            left = await self._subscriptions.remove(keyword, channel_id)
        except KeyError:
            own = await self._subscriptions.in_channel(channel_id)
            return NotSubscribed(keyword.shown, nearest(keyword.shown, own))
        return WantedByFile(keyword) if Source.FILE in left else Ended(keyword)

    async def in_channel(self, channel_id: int) -> tuple[Subscription, ...]:
        """A channel's subscriptions."""
        return await self._subscriptions.in_channel(channel_id)

    async def in_guild(self, guild_id: int) -> tuple[Subscription, ...]:
        """A server's subscriptions, by channel; those of channels that are gone too."""
        return await self._subscriptions.in_guild(guild_id)

    async def follow_file(self, wanted: Mapping[int, Iterable[Keyword]] | None) -> None:
        """Make the settings file's subscriptions what the file wants now; None: it says nothing, nothing changes."""
        if wanted is None:
            return
        await self._subscriptions.follow_file(
            {channel_id: tuple(keywords) for channel_id, keywords in wanted.items()}, self._clock.now()
        )


def nearest(typed: str, own: Iterable[Subscription]) -> tuple[str, ...]:
    """Those of a channel's keywords that look most like what was typed."""
    by_canonical = {subscription.keyword.canonical.casefold(): subscription.keyword.shown for subscription in own}
    close = difflib.get_close_matches(typed.casefold(), by_canonical, n=3, cutoff=0.4)
    return tuple(by_canonical[canonical] for canonical in close)
