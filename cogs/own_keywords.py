"""Finds the keywords of a channel that someone typed, or chose among the suggestions.

It never checks permissions, and never changes a subscription.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from bot.domain.keyword import Keyword
from bot.domain.text import cut
from bot.domain.words import visible
from bot.runtime.errors import InvalidKeyword
from bot.services.subscriptions import SubscriptionService
from cogs.input import describe_mistake, named, parse_in_thread, possible_keywords
from cogs.replies import bold
from cogs.suggestions import chosen_id

_TYPED_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Meanings:
    """What typed text means in a channel: keywords that it has, and all that the text can mean, or the mistake in it.

    Two keywords are `found` only if the text can mean either of them.
    """

    found: Sequence[Keyword]
    possible: Sequence[Keyword]
    mistake: str = ""


class OwnKeywords:
    """The keywords of channels, as people name them."""

    def __init__(self, subscription_service: SubscriptionService) -> None:
        self._subscription_service = subscription_service

    async def chosen(self, keyword_id: int, channel_id: int) -> Keyword:
        """The keyword that was chosen; raises InvalidKeyword if the channel does not have it."""
        keywords = await self._subscription_service.keywords_by_id(channel_id, [keyword_id])
        if not keywords:
            raise InvalidKeyword(f"<#{channel_id}> no longer has that keyword. See `/keywords`.")
        return keywords[0]

    async def labelled(self, typed: str, guild_id: int, channel_id: int) -> Sequence[Keyword]:
        """The channel's keywords with this name or shortened form."""
        index = await self._subscription_service.index(guild_id)
        ids = [each.keyword_id for each in index.labelled(channel_id, visible(typed))]
        return await self._subscription_service.keywords_by_id(channel_id, ids) if ids else ()

    async def meanings(self, typed: str, guild_id: int, channel_id: int) -> Meanings:
        """What typed text means in the channel: a keyword, or the label of one."""
        mistake = ""
        possible: Sequence[Keyword] = ()
        try:
            possible = await parse_in_thread(partial(possible_keywords, typed), typed)
        except InvalidKeyword as error:
            mistake = describe_mistake(error)
        found: Sequence[Keyword] = ()
        if possible:
            found = await self._subscription_service.subscribed(channel_id, possible)
        found = found or await self.labelled(typed, guild_id, channel_id)
        return Meanings(found, possible, mistake)

    async def only(self, text: str, guild_id: int, channel_id: int) -> Keyword:
        """The keyword that was typed or chosen; raises InvalidKeyword unless the channel has exactly one such."""
        keyword_id = chosen_id(text)
        if keyword_id is not None:
            return await self.chosen(keyword_id, channel_id)
        meanings = await self.meanings(text, guild_id, channel_id)
        if len(meanings.found) == 1:
            return meanings.found[0]
        if meanings.found:
            raise InvalidKeyword(several_text(text, meanings.found))
        if meanings.mistake:
            raise InvalidKeyword(meanings.mistake)
        similar = await self._subscription_service.similar(meanings.possible[0], channel_id)
        raise InvalidKeyword(f"<#{channel_id}> has no keyword {typed_name(text)}. {similar_hint(similar)}")


def typed_name(typed: str) -> str:
    """What was typed, in bold and not too long for a reply."""
    return bold(cut(typed, _TYPED_MAX))


def similar_hint(similar: Sequence[str]) -> str:
    """What to do if a channel does not have a keyword; `similar` are keywords that it has."""
    return f"Did you mean {' or '.join(map(bold, similar))}?" if similar else "See `/keywords`."


def several_text(typed: str, found: Sequence[Keyword]) -> str:
    """The reply to text that can mean several keywords of a channel."""
    return f"{typed_name(typed)} can mean {named([each.text for each in found])}. Choose one of the suggestions."
