"""Splits a list of keywords at its commas, except within quotation marks, parentheses and brackets with categories.

It never parses what it returns.
"""

import re
from collections.abc import Iterator
from typing import Final

from bot.domain.categories import find_category
from bot.domain.expressions.grammar import check_balance, split_tokens
from bot.domain.words import visible

_COMMA: Final = re.compile("[,\uff0c]")
# A list of categories in brackets is one mistake (`agents [cs.CL, cs.LG]`), not two keywords.
_CATEGORIES: Final = re.compile(r"\[([^\[\]]*[,\uff0c][^\[\]]*)\]")


def split_list(text: str) -> tuple[str, ...]:
    """Returns the items of a list as typed, without empty ones."""
    kept = [False] * len(text)
    for start, end in _kept_spans(text):
        kept[start:end] = [True] * (end - start)
    start, items = 0, []
    for comma in _COMMA.finditer(text):
        if not kept[comma.start()]:
            items.append(text[start : comma.start()])
            start = comma.end()
    return tuple(filter(None, map(visible, (*items, text[start:]))))


def check_list(text: str) -> None:
    """Raises InvalidExpression if it is unknown which commas separate: one is within what is opened or closed alone."""
    typed = visible(text)
    check_balance(typed, split_tokens(typed))


def _kept_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yields where a comma does not separate; parentheses and quotation marks that are not closed do not count."""
    opened: list[int] = []
    for token in split_tokens(text):
        start, end = token.start_pos or 0, token.end_pos or 0
        if token.type == "QUOTED":
            yield start, end
            continue
        for place in range(start, end):
            if text[place] == "(":
                opened.append(place)
            elif text[place] == ")" and opened:
                start_of_pair = opened.pop()
                if not opened:
                    yield start_of_pair, place
    for found in _CATEGORIES.finditer(text):
        if all(map(find_category, _COMMA.split(found[1]))):
            yield found.span()
