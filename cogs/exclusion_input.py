"""Reads what people type as an exclusion, and finds one among those of a channel; changes nothing."""

import re
from collections.abc import Sequence
from typing import Final

from bot.domain.exclusions import ChannelExclusion
from bot.domain.expressions.keywords import AmbiguousKeyword, read_keyword
from bot.domain.expressions.splitting import split_list
from bot.domain.keyword import Keyword
from bot.runtime.errors import InvalidKeyword
from cogs.input import describe_mistake
from cogs.permissions import CommandRejected

# What people type in front of words that they do not want, as in a search.
_NEGATION: Final = re.compile(r"\s*(?:-|!|(?:AND)?NOT\s)\s*(?=\S)")
# A suggested exclusion is chosen by its id: its text may be too long.
_ID: Final = re.compile(r"exclusion:(\d{1,18})")


def read_exclusion(typed: str) -> Keyword:
    """The exclusion that was typed; raises CommandRejected with one sentence, and the place of a mistake."""
    parts = split_list(typed)
    if len(parts) > 1:
        raise CommandRejected(f"Those are {len(parts)} exclusions. Add one at a time, or join them with `OR`.")
    try:
        keyword = read_keyword(typed)
    except InvalidKeyword as error:
        if (negation := _NEGATION.match(typed)) is not None:
            raise CommandRejected(
                f"An exclusion says what is not posted: leave out `{negation[0].strip()}` in front of it."
            ) from error
        raise CommandRejected(describe_mistake(error)) from error
    if isinstance(keyword, AmbiguousKeyword):
        readings = " or ".join(f"`{each.shown}`" for each in keyword.readings)
        raise CommandRejected(f"This can be read in several ways. Type {readings}.")
    return keyword


def find_exclusion(exclusions: Sequence[ChannelExclusion], typed: str) -> ChannelExclusion | None:
    """The exclusion that was chosen or typed."""
    if (chosen := _ID.fullmatch(typed.strip())) is not None:
        return next((each for each in exclusions if each.id == int(chosen[1])), None)
    keyword = read_exclusion(typed)
    return next((each for each in exclusions if each.keyword == keyword), None)


def chosen_value(exclusion: ChannelExclusion) -> str:
    """The value of an exclusion among suggestions and in menus, which `find_exclusion` reads."""
    return f"exclusion:{exclusion.id}"
