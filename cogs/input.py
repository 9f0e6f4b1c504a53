"""What every command does with its input: splits and parses keywords, reads what was chosen."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeAlias, TypeVar

import discord

from bot.arxiv.scheduler import Caller
from bot.discord_api.client import AnyClient
from bot.domain.expressions.keywords import AmbiguousKeyword, read_keyword
from bot.domain.expressions.parsing import clean_name, is_expression, pointer
from bot.domain.expressions.splitting import check_list, split_list
from bot.domain.keyword import Keyword
from bot.domain.paper import ArxivId
from bot.domain.text import cut
from bot.domain.unsupported import several_categories, unsupported_syntax
from bot.runtime.errors import InvalidExpression, InvalidKeyword
from cogs.replies import bold, code_block

_ERROR_KEYWORD_MAX: Final = 60
# How many keywords a message names; it counts the others.
_NAMED_MAX: Final = 5
# Discord accepts 6,000 characters per option, which take up to 0.3 s of CPU. Texts longer than this one are parsed one
# after the other, so that they leave threads for everyone else's commands.
_LONG_TEXT: Final = 1000
_LONG_TEXTS: Final = ThreadPoolExecutor(1, thread_name_prefix="long-text")

_ParsedT = TypeVar("_ParsedT")

# A keyword, text with several readings, or the message about a mistake.
TypedKeyword: TypeAlias = Keyword | AmbiguousKeyword | str


async def parse_in_thread(parse: Callable[[], _ParsedT], *typed: str | None) -> _ParsedT:
    """Returns the result of `parse`, which reads what was typed."""
    is_long = sum(len(text or "") for text in typed) > _LONG_TEXT
    return await asyncio.get_running_loop().run_in_executor(_LONG_TEXTS if is_long else None, parse)


def chosen_paper(values: Sequence[str]) -> ArxivId | None:
    """Returns the paper that was chosen in a menu whose values are arXiv ids; None if the client sent anything else."""
    try:
        return ArxivId(values[0])
    except (LookupError, ValueError):
        return None


def parse_keywords(text: str, category: str | None = None, *, is_one_of_several: bool = False) -> list[TypedKeyword]:
    """The keywords of a comma-separated text, without duplicates and in the order typed.

    A keyword that is invalid or cannot match becomes an error message, which names it if there are several. A list with
    a quotation mark or a parenthesis too many is one mistake: it is unknown which commas separate keywords.
    """
    parts = split_list(text) or ("",)
    if len(parts) == 1 and not is_one_of_several:
        return [_parse(parts[0], category)]
    if len(parts) > 1 and any(map(is_expression, parts)) and (mistake := _list_mistake(text)) is not None:
        return [mistake]
    parsed = (_parse(part, category) for part in parts)
    named = (
        f"{bold(cut(part, _ERROR_KEYWORD_MAX))}: {each}" if isinstance(each, str) else each
        for part, each in zip(parts, parsed, strict=True)
    )
    return list(dict.fromkeys(named))


async def read_keywords(text: str, category: str | None = None, name: str | None = None) -> list[TypedKeyword]:
    """The same in a thread: a command's text can hold hundreds of keywords, which take 0.1 s.

    Raises InvalidKeyword if there is a name and it is not for one keyword.
    """
    parts = await parse_in_thread(partial(parse_keywords, text, category), text)
    return parts if name is None else _named(parts, name)


def _named(parts: list[TypedKeyword], typed: str) -> list[TypedKeyword]:
    name = clean_name(typed)
    if name is None:
        raise InvalidKeyword("A name needs at least one visible character.")
    if len(parts) > 1:
        raise InvalidKeyword(f"`name` is for one keyword; you gave {len(parts)}. Run the command once for each.")
    (part,) = parts
    if isinstance(part, Keyword):
        return [part.named(name)]
    if isinstance(part, AmbiguousKeyword):
        return [AmbiguousKeyword(part.typed, tuple(each.named(name) for each in part.readings))]
    return parts


def parse_one_keyword(text: str, command: str) -> Keyword | AmbiguousKeyword:
    """The only keyword of the text; raises InvalidKeyword, also if there are several."""
    parts = parse_keywords(text)
    if errors := [part for part in parts if isinstance(part, str)]:
        raise InvalidKeyword("\n".join(errors))
    keywords = [part for part in parts if not isinstance(part, str)]
    if len(keywords) > 1:
        each = named([shown(keyword) for keyword in keywords])
        raise InvalidKeyword(f"`/{command}` takes one keyword; you gave {len(parts)}: {each}. Run it once for each.")
    return keywords[0]


def possible_keywords(typed: str) -> tuple[Keyword, ...]:
    """Everything that typed text can mean for a keyword that exists already, the most likely one first.

    Earlier releases stored phrases that commands reject, or read as expressions, today. Raises InvalidKeyword if the
    text can mean nothing.
    """
    found: list[Keyword] = []
    try:
        read = read_keyword(typed)
        found += read.readings if isinstance(read, AmbiguousKeyword) else (read,)
    except InvalidKeyword:
        found.append(Keyword.parse(typed))
    else:
        found += _phrases(typed)
    return tuple(dict.fromkeys(found))


def _phrases(typed: str) -> Iterator[Keyword]:
    try:
        yield Keyword.parse(typed)
    except InvalidKeyword:
        return


def named(names: Sequence[str]) -> str:
    """The first of these keywords, and how many more there are."""
    listed = ", ".join(bold(cut(name, _ERROR_KEYWORD_MAX)) for name in names[:_NAMED_MAX])
    more = len(names) - _NAMED_MAX
    return f"{listed} and {more:,} more" if more > 0 else listed


def shown(keyword: Keyword | AmbiguousKeyword) -> str:
    """What a message calls a keyword: its label, or what was typed if that has several readings."""
    return keyword.label if isinstance(keyword, Keyword) else keyword.typed


def _parse(part: str, category: str | None) -> TypedKeyword:
    if (problem := several_categories(part)) is not None:
        return problem
    try:
        keyword = read_keyword(part, category)
    except InvalidKeyword as error:
        problem = None if is_expression(part) else unsupported_syntax(part)
        return problem or describe_mistake(error)
    if isinstance(keyword, Keyword) and not is_expression(part):
        return unsupported_syntax(part) or keyword
    return keyword


def _list_mistake(text: str) -> str | None:
    try:
        check_list(text)
    except InvalidExpression as error:
        return describe_mistake(error)
    return None


def describe_mistake(error: InvalidKeyword) -> str:
    """The message about a mistake; in an expression, with a caret at the place."""
    if not isinstance(error, InvalidExpression):
        return str(error)
    return f"{error}\n{code_block(pointer(error))}"


def caller_of(interaction: discord.Interaction[AnyClient]) -> Caller:
    """The person who ran the command, and where: requests to arXiv are shared fairly between servers and people."""
    return Caller(interaction.user.id, interaction.guild_id)
