"""Reads the options of `/trend`: typed keywords, and keywords that were chosen from the suggestions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import discord

from bot.discord_api.client import Client
from bot.domain.expressions.keywords import AmbiguousKeyword
from bot.domain.keyword import Keyword
from bot.domain.queries import is_countable
from bot.domain.question import combined
from bot.domain.text import cut
from bot.runtime.errors import InvalidKeyword
from bot.services.subscriptions import SubscriptionService
from cogs.input import TypedKeyword, parse_in_thread, parse_keywords
from cogs.permissions import can_view
from cogs.replies import bold
from cogs.suggestions import chosen_id

# Five lines can be told apart; a first chart of five keywords takes 60 requests.
TREND_KEYWORDS: Final = 5
_NAME_MAX: Final = 60
_OUTDATED: Final = "That keyword is no longer watched in the channels that you can view. Type it instead."


@dataclass(frozen=True, slots=True)
class TrendKeywords:
    """The ways to read the options, one or more; `typed` is the text that has several readings."""

    readings: tuple[tuple[Keyword, ...], ...]
    typed: str = ""


async def read_options(
    interaction: discord.Interaction[Client], service: SubscriptionService, options: Sequence[str]
) -> TrendKeywords:
    """Returns the keywords of the options; raises InvalidKeyword with one line per invalid keyword."""
    parts: list[TypedKeyword] = []
    for option in options:
        keyword_id = chosen_id(option)
        if keyword_id is not None:
            parts.append(await _watched(interaction, service, keyword_id))
        else:
            # In a thread: an option can hold hundreds of keywords, which take 0.1 s.
            parse = partial(parse_keywords, option, is_one_of_several=len(options) > 1)
            parts += await parse_in_thread(parse, *options)
    return chosen_keywords(parts)


def chosen_keywords(parts: Sequence[TypedKeyword]) -> TrendKeywords:
    """Returns these keywords without duplicates; raises InvalidKeyword."""
    unique = tuple(dict.fromkeys(parts))
    if len(unique) > TREND_KEYWORDS:
        raise InvalidKeyword(f"A chart takes up to {TREND_KEYWORDS} keywords; you gave {len(unique)}.")
    if errors := [part for part in unique if isinstance(part, str)]:
        raise InvalidKeyword("\n".join(errors))
    keywords = tuple(part for part in unique if not isinstance(part, str))
    ambiguous = [part for part in keywords if isinstance(part, AmbiguousKeyword)]
    readings = combined(keywords)
    if not readings:
        raise InvalidKeyword("\n".join(f"{bold(cut(part.typed, _NAME_MAX))}: {part}" for part in ambiguous))
    for keyword in dict.fromkeys(each for reading in readings for each in reading):
        if not is_countable(keyword):
            raise InvalidKeyword(
                f"arXiv's search can't count {bold(cut(keyword.label, _NAME_MAX))}: it finds no words of one of its "
                "alternatives. Use other words there."
            )
    return TrendKeywords(readings, ", ".join(part.typed for part in ambiguous))


async def _watched(interaction: discord.Interaction[Client], service: SubscriptionService, keyword_id: int) -> Keyword:
    """Returns a keyword that was chosen, if a channel that the caller can view still has it."""
    if interaction.guild_id is not None:
        index = await service.index(interaction.guild_id)
        for channel_id in index.channels_with(keyword_id):
            if can_view(interaction, channel_id):
                found = await service.keywords_by_id(channel_id, [keyword_id])
                if found:
                    return found[0]
    raise InvalidKeyword(_OUTDATED)
