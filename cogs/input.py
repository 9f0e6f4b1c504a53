"""What every command does with its input: splits and parses keywords."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

import discord

from bot.arxiv.scheduler import Caller
from bot.discord_api.client import AnyClient
from bot.domain.keyword import Keyword, split_keywords
from bot.domain.text import cut
from bot.domain.unsupported import unsupported_syntax
from bot.runtime.errors import InvalidKeyword
from cogs.replies import bold

_ERROR_KEYWORD_MAX: Final = 60
# How many keywords a message names; it counts the others.
_NAMED_MAX: Final = 5
# Discord accepts 6,000 characters per option, which take up to 0.3 s of CPU. Texts longer than this one are parsed one
# after the other, so that they leave threads for everyone else's commands.
_LONG_TEXT: Final = 1000
_LONG_TEXTS: Final = ThreadPoolExecutor(1, thread_name_prefix="long-text")

_ParsedT = TypeVar("_ParsedT")


async def parse_in_thread(parse: Callable[[], _ParsedT], *typed: str | None) -> _ParsedT:
    """Returns the result of `parse`, which reads what was typed."""
    is_long = sum(len(text or "") for text in typed) > _LONG_TEXT
    return await asyncio.get_running_loop().run_in_executor(_LONG_TEXTS if is_long else None, parse)


def parse_keywords(text: str, category: str | None = None) -> list[Keyword | str]:
    """The keywords of a comma-separated text, without duplicates and in the order typed.

    A keyword that is invalid or cannot match becomes an error message, which names it if there are several.
    """
    return _parse_each(text, category, unsupported_syntax)


async def read_keywords(text: str, category: str | None = None) -> list[Keyword | str]:
    """The same in a thread: a command's text can hold hundreds of keywords, which take 0.1 s."""
    return await parse_in_thread(partial(parse_keywords, text, category), text)


def parse_stored_keywords(text: str) -> list[Keyword | str]:
    """The same for keywords that exist already: earlier versions stored some that cannot match."""
    return _parse_each(text, None, _accept)


def parse_one_keyword(text: str, command: str) -> Keyword:
    """The only keyword of the text; raises InvalidKeyword, also if there are several."""
    parts = parse_keywords(text)
    keywords = [part for part in parts if isinstance(part, Keyword)]
    if len(parts) > 1 and len(keywords) == len(parts):
        each = named([keyword.shown for keyword in keywords])
        raise InvalidKeyword(f"`/{command}` takes one keyword; you gave {len(parts)}: {each}. Run it once for each.")
    if errors := [part for part in parts if isinstance(part, str)]:
        raise InvalidKeyword("\n".join(errors))
    return keywords[0]


def named(names: Sequence[str]) -> str:
    """The first of these keywords, and how many more there are."""
    shown = ", ".join(bold(cut(name, _ERROR_KEYWORD_MAX)) for name in names[:_NAMED_MAX])
    more = len(names) - _NAMED_MAX
    return f"{shown} and {more:,} more" if more > 0 else shown


def _parse_each(text: str, category: str | None, check: Callable[[str], str | None]) -> list[Keyword | str]:
    parts = split_keywords(text) or ("",)
    parsed = (_parse(part, category, check) for part in parts)
    if len(parts) == 1:
        return list(parsed)
    named = (
        f"{bold(cut(part, _ERROR_KEYWORD_MAX))}: {each}" if isinstance(each, str) else each
        for part, each in zip(parts, parsed, strict=True)
    )
    return list(dict.fromkeys(named))


def _parse(part: str, category: str | None, check: Callable[[str], str | None]) -> Keyword | str:
    if (problem := check(part)) is not None:
        return problem
    try:
        return Keyword.parse(part, category)
    except InvalidKeyword as error:
        return str(error)


def _accept(_: str) -> None:
    return None


def caller_of(interaction: discord.Interaction[AnyClient]) -> Caller:
    """The person who ran the command, and where: requests to arXiv are shared fairly between servers and people."""
    return Caller(interaction.user.id, interaction.guild_id)
