"""The buttons below an answer to `/subscribe`: start with new papers, post the last few too, undo."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Self

import discord

from bot.discord_api.client import AnyClient, Client, client_of, reply
from bot.discord_api.custom_ids import SubscribedAction, SubscribedButtonId
from bot.domain.keyword import Keyword
from bot.domain.text import plural
from bot.runtime.errors import StoreUnavailable
from bot.services.subscriptions import PAST_POSTED, Unsubscribed
from cogs.permissions import can_manage_by_id
from cogs.replies import bold

_LABELS: Final[Mapping[SubscribedAction, str]] = {
    "new": "Start with new papers",
    "past": f"Post the last {PAST_POSTED} too",
    "undo": "Undo",
}


class SubscribedButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=SubscribedButtonId.TEMPLATE,
):
    """Does what was chosen for the keywords that were subscribed together; its custom_id says which, and where."""

    def __init__(self, custom_id: SubscribedButtonId) -> None:
        style = discord.ButtonStyle.danger if custom_id.action == "undo" else discord.ButtonStyle.secondary
        label = _LABELS[custom_id.action]
        super().__init__(discord.ui.Button(label=label, custom_id=custom_id.encode(), style=style))
        self._action = custom_id.action
        self._channel_id = custom_id.channel_id
        self._keyword_ids = custom_id.keyword_ids

    @classmethod
    async def from_custom_id(
        cls,
        _interaction: discord.Interaction[discord.Client],
        _item: discord.ui.Item[discord.ui.View],
        match: re.Match[str],
        /,
    ) -> Self:
        return cls(SubscribedButtonId.from_match(match))

    async def callback(self, interaction: discord.Interaction[AnyClient]) -> None:
        client = client_of(interaction)
        await interaction.response.defer()
        try:
            words = await self._answer(interaction, client)
        except StoreUnavailable as error:  # the buttons stay: nothing was changed, and it can be tried again
            await reply(interaction, str(error))
            return
        await interaction.edit_original_response(content=words, embeds=[], view=None)

    async def _answer(self, interaction: discord.Interaction[AnyClient], client: Client) -> str:
        if not can_manage_by_id(interaction, self._channel_id):
            return f"You may not manage <#{self._channel_id}> any more."
        keywords = await client.subscription_service.keywords_of(self._channel_id, self._keyword_ids)
        return await self._do(client, keywords) if keywords else "These subscriptions have ended meanwhile."

    async def _do(self, client: Client, keywords: Sequence[Keyword]) -> str:
        names = ", ".join(bold(keyword.shown) for keyword in keywords)
        target = f"<#{self._channel_id}>"
        if self._action == "new":
            return f"{names}: new papers are posted in {target}, and none of the past."
        if self._action == "past":
            coming = await client.subscription_service.post_past(keywords, self._channel_id)
            if not coming:
                return f"{names}: no paper of the past is left to post in {target}; new ones follow."
            are = "is on its way" if coming == 1 else "are on their way"
            return f"{names}: {plural(coming, 'paper')} of the past {are} to {target}; new ones follow."
        left = [await client.subscription_service.unsubscribe(keyword, self._channel_id) for keyword in keywords]
        if all(isinstance(end, Unsubscribed) for end in left):
            return f"{names}: unsubscribed from {target}."
        return f"{names}: what the settings file wants in {target} stays until it changes."


def subscribed_view(channel_id: int, keyword_ids: Iterable[int]) -> discord.ui.View | None:
    """The three buttons; None without a keyword, and where there are too many for a button to name."""
    ids = tuple(keyword_ids)
    custom_ids = [SubscribedButtonId(action, channel_id, ids) for action in _LABELS]
    if not ids or not all(custom_id.fits for custom_id in custom_ids):
        return None
    view = discord.ui.View(timeout=None)
    for custom_id in custom_ids:
        view.add_item(SubscribedButton(custom_id))
    view.stop()  # answered by their custom_id: nothing to remember
    return view
