"""How a channel wants its papers, as its admins arrange it: style, timetable, pause, mentions, publishing, lists.

A channel and a wish enter; the preferences as they are then leave. Permissions are the cogs' business.
"""

from collections.abc import Callable
from dataclasses import replace

from bot.domain.channel_schedule import ChannelSchedule
from bot.domain.channel_settings import ChannelSettings, Style, TrendingSettings
from bot.domain.paper import Paper
from bot.runtime.clock import Clock
from bot.services.subscriptions import PREVIEW_PAPERS
from bot.store.channel_settings import ChannelSettingsStore
from bot.store.channels import Channels
from bot.store.outbox import Outbox
from bot.store.papers import Papers


class ChannelSettingsService:
    """Changes and shows a channel's preferences; `on_change` lets the lower half look at what is due by them.

    `trending_enabled`: whether days' lists are read at all.
    """

    def __init__(
        self,
        *,
        channel_settings: ChannelSettingsStore,
        channels: Channels,
        papers: Papers,
        outbox: Outbox,
        clock: Clock,
        trending_enabled: bool,
        on_change: Callable[[], None],
    ) -> None:
        self.trending_enabled = trending_enabled
        self._channel_settings = channel_settings
        self._channels = channels
        self._papers = papers
        self._outbox = outbox
        self._clock = clock
        self._on_change = on_change

    async def of(self, channel_id: int) -> ChannelSettings:
        """How the channel wants its papers."""
        return await self._channel_settings.get(channel_id)

    async def use_style(self, channel_id: int, style: Style) -> None:
        """Lay batches out in another way from the next one on."""
        await self._change(channel_id, replace(await self.of(channel_id), style=style))

    async def use_schedule(self, channel_id: int, schedule: ChannelSchedule) -> None:
        """Post by another timetable, what waits already too."""
        await self._change(channel_id, replace(await self.of(channel_id), schedule=schedule))

    async def mention(self, channel_id: int, role_id: int | None) -> None:
        """Ping a role with each batch, or nobody."""
        await self._change(channel_id, replace(await self.of(channel_id), mention_role=role_id))

    async def publish(self, channel_id: int, *, wanted: bool) -> None:
        """Let the followers of an announcement channel have each message, or not."""
        await self._change(channel_id, replace(await self.of(channel_id), publish=wanted))

    async def enable_trending(self, channel_id: int, guild_id: int | None, min_votes: int) -> ChannelSchedule:
        """Post each day's list, papers with so many votes at least, from today's on; returns the timetable for it."""
        before = await self.of(channel_id)
        since = self._clock.now() if before.trending is None else before.trending.since
        await self._change(channel_id, replace(before, trending=TrendingSettings(min_votes, since)))
        if guild_id is not None:
            await self._channels.set_guild(guild_id, [channel_id])
        return before.schedule

    async def disable_trending(self, channel_id: int) -> bool:
        """Post no lists; False when none were posted before."""
        before = await self.of(channel_id)
        await self._change(channel_id, replace(before, trending=None))
        return before.trending is not None

    async def pause(self, channel_id: int) -> bool:
        """Post nothing until `resume`; what comes meanwhile is kept. False when it was paused already."""
        before = await self.of(channel_id)
        if before.paused_since is not None:
            return False
        await self._change(channel_id, replace(before, paused_since=self._clock.now()))
        return True

    async def resume(self, channel_id: int) -> int | None:
        """Post again; returns how many papers wait for it, None when it was not paused."""
        if (await self.of(channel_id)).paused_since is None:
            return None
        waiting = await self._channel_settings.resume(channel_id, self._clock.now())
        self._on_change()
        return waiting

    async def sample(self, channel_id: int) -> tuple[tuple[Paper, tuple[str, ...]], ...]:
        """The newest papers of the channel's keywords, to show how they would look."""
        return await self._papers.newest_in_channel(channel_id, PREVIEW_PAPERS)

    async def waiting(self, channel_id: int) -> int:
        """How many papers wait to be posted in the channel."""
        return (await self._outbox.waiting()).get(channel_id, 0)

    async def _change(self, channel_id: int, channel_settings: ChannelSettings) -> None:
        await self._channel_settings.write(channel_id, channel_settings)
        self._on_change()
