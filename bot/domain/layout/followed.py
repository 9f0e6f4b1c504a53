"""Lays out the authors of a paper that is posted because of some of them, wherever in its list they are.

Followed authors are bold, and those whose names match only possibly are marked. It returns Markdown.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from bot.domain.expressions.authors import MatchedAuthor
from bot.domain.paper import ArxivId, Paper
from bot.domain.tex.convert import tex_to_text
from bot.domain.text import cut, defuse_mentions, escape_markdown, utf16_length

# The authors for whom papers match, by paper.
MatchedAuthors = Mapping[ArxivId, Sequence[MatchedAuthor]]
NO_MATCHED_AUTHORS: Final[MatchedAuthors] = MappingProxyType({})
POSSIBLE: Final = " (possible match)"

_SHOWN_MAX: Final = 3
_BOLD: Final = "**"


def followed_names(paper: Paper, followed: Sequence[MatchedAuthor]) -> dict[str, bool]:
    """Returns the first followed authors that the paper lists, escaped, and whether each matches only possibly."""
    listed = [each for each in followed if each.name in paper.authors]
    return {escape_markdown(defuse_mentions(tex_to_text(each.name))): each.is_possible for each in listed[:_SHOWN_MAX]}


def author_list(names: Sequence[str], total: int, followed: Mapping[str, bool], limit: int) -> str:
    """Returns `First, Second and 9 more, including **Eleventh**`: as many of the first names as fit in `limit`.

    Where not even the first one fits beside the followed authors, it begins with the first of these.
    """
    for count in range(len(names), 0, -1):
        first = ", ".join(_marked(name, followed[name]) if name in followed else name for name in names[:count])
        later = [_marked(name, is_possible) for name, is_possible in followed.items() if name not in names[:count]]
        more = f" and {total - count} more" if total > count else ""
        text = f"{first}{more}{f', including {_and_list(later)}' if later else ''}"
        if utf16_length(text) <= limit:
            return text
    return _only_first(followed, f" and {total - 1} more" if total > 1 else "", limit)


def brief_authors(first_forms: Sequence[str], total: int, followed: Mapping[str, bool], limit: int) -> str:
    """Returns `Emmy Noether et al. with **Eleventh**`; `first_forms` are forms of the first author's name.

    Where that is too long, it has only the first of the followed authors.
    """
    for count in range(len(followed), 0, -1):
        shown = dict(list(followed.items())[:count])
        for first in first_forms:
            later = [_marked(name, is_possible) for name, is_possible in shown.items() if name != first_forms[0]]
            head = _marked(first, shown[first]) if first in shown else first
            others = " et al." if total > 1 + len(later) else ""
            text = f"{head}{others}{f' with {_and_list(later)}' if later else ''}"
            if utf16_length(text) <= limit:
                return text
    return _only_first(followed, " et al." if total > 1 else "", limit)


def _only_first(followed: Mapping[str, bool], others: str, limit: int) -> str:
    name, is_possible = next(iter(followed.items()))
    return _marked(cut(name, limit - len(_marked("", is_possible)) - len(others)), is_possible) + others


def _marked(name: str, is_possible: bool) -> str:
    return f"{_BOLD}{name}{_BOLD}{POSSIBLE if is_possible else ''}"


def _and_list(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
