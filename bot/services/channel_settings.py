"""Changes and shows the settings of a channel: style, schedule, pause, mention, publishing, trending lists.

It never checks permissions: the cogs do that before they call it.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bot.domain.channel_schedule import ChannelSchedule
from bot.domain.channel_settings import ChannelSettings, Style, ThreadMode, TrendingSettings
from bot.domain.paper import Paper
from bot.runtime.clock import Clock
from bot.services.subscriptions import PREVIEW_PAPERS
from bot.store.channel_settings import ChannelSettingsStore, SettingsChange
from bot.store.channels import Channels
from bot.store.outbox import Outbox
from bot.store.papers import Papers
from bot.store.subscriptions import Subscriptions


class ChannelSettingsService:
    """Reads and writes one channel's settings; `on_change` wakes the loops whose next work depends on them."""

    def __init__(
        self,
        *,
        channel_settings: ChannelSettingsStore,
        channels: Channels,
        subscriptions: Subscriptions,
        papers: Papers,
        outbox: Outbox,
        clock: Clock,
        on_change: Callable[[], None],
    ) -> None:
        self._channel_settings = channel_settings
        self._channels = channels
        self._subscriptions = subscriptions
        self._papers = papers
        self._outbox = outbox
        self._clock = clock
        self._on_change = on_change

    async def get(self, channel_id: int) -> ChannelSettings:
        """The channel's settings, or the defaults."""
        return await self._channel_settings.get(channel_id)

    async def set_style(self, channel_id: int, style: Style) -> None:
        """Uses another style from the next batch on."""
        await self._change(channel_id, partial(replace, style=style))

    async def set_schedule(
        self, channel_id: int, next_schedule: Callable[[ChannelSchedule], ChannelSchedule]
    ) -> ChannelSchedule:
        """Posts by the schedule that `next_schedule` returns for the current one, queued papers too; returns it."""
        change = await self._change(
            channel_id, lambda current: replace(current, schedule=next_schedule(current.schedule))
        )
        return change.after.schedule

    async def set_mention(self, channel_id: int, role_id: int | None) -> None:
        """Pings a role with each batch; None pings nobody."""
        await self._change(channel_id, partial(replace, mention_role=role_id))

    async def set_publish(self, channel_id: int, *, enabled: bool) -> None:
        """Publishes each message of an announcement channel to its followers, or stops that."""
        await self._change(channel_id, partial(replace, publish=enabled))

    async def set_limit(self, channel_id: int, papers: int | None) -> None:
        """Limits how many papers each batch contains, from the next one on; None removes the limit."""
        await self._change(channel_id, partial(replace, papers_per_posting=papers))

    async def set_threads(self, channel_id: int, mode: ThreadMode) -> None:
        """Starts threads on later messages in another way, or not at all."""
        await self._change(channel_id, partial(replace, threads=mode))

    async def enable_trending(self, channel_id: int, guild_id: int | None, min_votes: int) -> ChannelSchedule:
        """Posts each day's trending list from today's on; returns the channel's schedule, which applies to it."""
        now = self._clock.now()

        def enabled(current: ChannelSettings) -> ChannelSettings:
            since = now if current.trending is None else current.trending.since
            return replace(current, trending=TrendingSettings(min_votes, since))

        change = await self._change(channel_id, enabled)
        if guild_id is not None:
            await self._channels.set_guild(guild_id, [channel_id])
        return change.after.schedule

    async def disable_trending(self, channel_id: int) -> bool:
        """Stops posting trending lists; returns False if none were posted."""
        change = await self._change(channel_id, partial(replace, trending=None))
        return change.before.trending is not None

    async def pause(self, channel_id: int) -> bool:
        """Queues new papers instead of posting them, until `resume`; returns False if the channel was paused."""
        now = self._clock.now()

        def paused(current: ChannelSettings) -> ChannelSettings:
            return current if current.paused_since is not None else replace(current, paused_since=now)

        return (await self._change(channel_id, paused)).before.paused_since is None

    async def resume(self, channel_id: int) -> int | None:
        """Posts again; returns how many papers are queued, or None if the channel was not paused."""
        queued = await self._channel_settings.resume(channel_id, self._clock.now())
        self._on_change()
        return queued

    async def sample_papers(self, channel_id: int) -> tuple[tuple[Paper, tuple[str, ...]], ...]:
        """The newest papers of the channel's keywords, each with the keywords that it matches."""
        return await self._papers.newest_in_channel(channel_id, PREVIEW_PAPERS)

    async def has_keywords(self, channel_id: int) -> bool:
        """Whether the channel has a subscription."""
        return await self._subscriptions.is_subscribed(channel_id)

    async def blocked_reason(self, channel_id: int) -> str | None:
        """Why the last attempt to post in the channel failed; None if it is not blocked."""
        blocked = await self._channels.blocked_channels()
        return next((channel.reason for channel in blocked if channel.channel_id == channel_id), None)

    async def queued_count(self, channel_id: int) -> int:
        """How many papers are queued for the channel."""
        return (await self._outbox.waiting()).get(channel_id, 0)

    async def _change(self, channel_id: int, changed: Callable[[ChannelSettings], ChannelSettings]) -> SettingsChange:
        change = await self._channel_settings.change(channel_id, changed)
        self._on_change()
        return change
