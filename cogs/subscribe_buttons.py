"""The buttons below a reply to `/subscribe`: start with new papers, also post the latest ones, undo.

They work after a restart: each custom id names the channel and the keywords.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Self

import discord

from bot.discord_api.client import AnyClient, Client, client_of
from bot.discord_api.private_replies import reply
from bot.discord_api.reply_ids import SubscribedAction, SubscribedButtonId
from bot.domain.keyword import Keyword
from bot.domain.text import plural
from bot.runtime.errors import StoreUnavailable
from bot.services.subscriptions import NEWEST_POSTED, Unsubscribed
from cogs.permissions import can_manage_by_id, look_up_channels
from cogs.replies import PersistentItem, bold, defer_update

_LABELS: Final[Mapping[SubscribedAction, str]] = {
    "new": "Start with new papers",
    "past": f"Also post the latest {NEWEST_POSTED}",
    "undo": "Undo",
}


class SubscribedButton(
    PersistentItem[discord.ui.Button[discord.ui.View]],
    template=SubscribedButtonId.TEMPLATE,
):
    """Applies one action to the keywords that one command added."""

    def __init__(self, custom_id: SubscribedButtonId) -> None:
        style = discord.ButtonStyle.danger if custom_id.action == "undo" else discord.ButtonStyle.secondary
        label = _LABELS[custom_id.action]
        super().__init__(discord.ui.Button(label=label, custom_id=custom_id.encode(), style=style))
        self._action = custom_id.action
        self._channel_id = custom_id.channel_id
        self._keyword_ids = custom_id.keyword_ids

    @classmethod
    def from_match(cls, match: re.Match[str]) -> Self:
        return cls(SubscribedButtonId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        client = client_of(interaction)
        await defer_update(interaction)
        try:
            text = await self._answer(interaction, client)
        except StoreUnavailable as error:  # nothing was changed: the buttons stay, so that the person can try again
            await reply(interaction, str(error))
            return
        await interaction.edit_original_response(content=text, embeds=[], view=None)

    async def _answer(self, interaction: discord.Interaction[AnyClient], client: Client) -> str:
        await look_up_channels(interaction)
        if not can_manage_by_id(interaction, self._channel_id):
            return f"You can no longer manage <#{self._channel_id}>."
        keywords = await client.subscription_service.keywords_by_id(self._channel_id, self._keyword_ids)
        return await self._apply(client, keywords) if keywords else "These subscriptions have already ended."

    async def _apply(self, client: Client, keywords: Sequence[Keyword]) -> str:
        target = f"<#{self._channel_id}>"
        match self._action:
            case "new":
                return f"Done. Only new papers will be posted in {target}."
            case "past":
                return _posting(await client.subscription_service.post_newest(keywords, self._channel_id), target)
            case "undo":
                return await self._undo(client, keywords, target)

    async def _undo(self, client: Client, keywords: Sequence[Keyword], target: str) -> str:
        results = [await client.subscription_service.unsubscribe(keyword, self._channel_id) for keyword in keywords]
        names = ", ".join(bold(keyword.label) for keyword in keywords)
        if all(isinstance(result, Unsubscribed) for result in results):
            return f"{names}: removed from {target}."
        return (
            f"{names}: removed from {target}, except for keywords in config.json. "
            "Remove those there and restart the bot."
        )


def _posting(papers: int, target: str) -> str:
    if not papers:
        return f"No earlier papers to post in {target}. New ones will follow."
    latest = "paper" if papers == 1 else plural(papers, "paper")
    return f"Posting the latest {latest} in {target}. New ones will follow."


def subscribed_view(channel_id: int, keyword_ids: Iterable[int], *, with_past: bool) -> discord.ui.View | None:
    """The buttons; None without keywords, or if their ids do not fit into a custom id.

    `with_past`: there are papers that can be posted at once.
    """
    ids = tuple(keyword_ids)
    actions = (action for action in _LABELS if with_past or action != "past")
    custom_ids = [SubscribedButtonId(action, channel_id, ids) for action in actions]
    if not ids or not all(custom_id.fits for custom_id in custom_ids):
        return None
    view = discord.ui.View(timeout=None)
    for custom_id in custom_ids:
        view.add_item(SubscribedButton(custom_id))
    view.stop()  # discord.py need not remember the view: the custom ids hold everything
    return view
