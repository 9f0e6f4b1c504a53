"""**Show the rest**: the papers that a channel's limit withheld from a batch, page by page.

Everyone who can view the channel can see them; only the person who clicks sees the reply.
"""

import asyncio
import re
from typing import Final, Self

import discord
from discord.ext import commands

from bot.discord_api.client import AnyClient
from bot.discord_api.custom_ids import NO_POST_KEY, RestButtonId
from bot.discord_api.messages import embeds, reading_components
from bot.discord_api.private_replies import reply
from bot.domain.channel_settings import Layout
from bot.domain.text import plural
from bot.runtime.errors import StoreUnavailable
from bot.services.exclusions import REST_PAGE_PAPERS, ExclusionService, RestPage
from cogs.permissions import can_view, look_up_channels
from cogs.replies import PersistentItem, cog_of, defer_update

_HIDDEN: Final = "Only people who can view the channel in which this was posted can see the rest."
_NOTHING: Final = "There are no more papers."


class RestCog(commands.Cog):
    """Shows the rest of a batch; `page_url` is the page of the public channels, None if there is none."""

    def __init__(
        self, exclusion_service: ExclusionService, public_channels: tuple[int, ...], page_url: str | None
    ) -> None:
        self._exclusion_service = exclusion_service
        self._public_channels = frozenset(public_channels)
        self._page_url = page_url

    async def show(self, interaction: discord.Interaction[AnyClient], button: RestButtonId) -> None:
        """Replies with a page, or replaces the caller's reply by it."""
        await defer_update(interaction)
        await look_up_channels(interaction)
        page = await self._exclusion_service.rest(button.key, button.start)
        if page is None or not _may_view(interaction, page.channel_id):
            await reply(interaction, _HIDDEN)
            return
        if not page.papers:
            await interaction.edit_original_response(content=_NOTHING, embeds=[], view=None)
            return
        await interaction.edit_original_response(
            content=self._heading(page, button.start),
            embeds=await asyncio.to_thread(embeds, page.papers, Layout.COMPACT),
            view=_view(page, button),
            allowed_mentions=discord.AllowedMentions.none(),
        )

    def _heading(self, page: RestPage, start: int) -> str:
        end = start + len(page.papers)
        text = (
            f"**{plural(page.total, 'more paper')}** that the limit of <#{page.channel_id}> held back: "
            f"{start + 1:,}–{end:,} of {page.total:,}"
        )
        if page.channel_id in self._public_channels and self._page_url is not None:
            text += f" · [all papers of its keywords](<{self._page_url}>)"
        return text


class RestButton(PersistentItem[discord.ui.Button[discord.ui.View]], template=RestButtonId.TEMPLATE):
    """Shows a page of the rest; the custom id names the message and the position, so it works after a restart."""

    def __init__(self, custom_id: RestButtonId) -> None:
        super().__init__(discord.ui.Button(label="Show the rest", custom_id=custom_id.encode()))
        self._button_id = custom_id

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        return cls(RestButtonId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        cog = cog_of(interaction, RestCog)
        try:
            await cog.show(interaction, self._button_id)
        except StoreUnavailable as error:
            await reply(interaction, str(error))


def _may_view(interaction: discord.Interaction[AnyClient], channel_id: int) -> bool:
    """Whether the caller can view the channel: they click in it, or in a post of the forum that it is."""
    return channel_id == interaction.channel_id or can_view(interaction, channel_id)


def _view(page: RestPage, button: RestButtonId) -> discord.ui.View:
    """The menu of the page's papers, and buttons for the page before and after it, if there are several pages."""
    view = discord.ui.View(timeout=None)
    for item in reading_components([paper for paper, _ in page.papers], NO_POST_KEY):
        view.add_item(item)
    if page.total > REST_PAGE_PAPERS:
        back, more = max(0, button.start - REST_PAGE_PAPERS), button.start + REST_PAGE_PAPERS
        view.add_item(_page_button(button.key, back, "◀ Back", is_disabled=button.start == 0))
        view.add_item(_page_button(button.key, more, "More ▶", is_disabled=more >= page.total))
    view.stop()  # discord.py need not remember the view: the custom ids hold everything
    return view


def _page_button(key: str, start: int, label: str, *, is_disabled: bool) -> discord.ui.Button[discord.ui.View]:
    # Two custom ids of one message must differ: beyond the last page, there is a page that is empty.
    custom_id = RestButtonId(key, start).encode()
    return discord.ui.Button(label=label, custom_id=custom_id, disabled=is_disabled)
