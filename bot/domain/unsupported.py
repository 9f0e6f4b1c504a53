"""Recognises typed text that cannot work as a phrase, such as `agents cs.CL`, `trans*former` or an arXiv id.

It returns what to do instead, as a sentence for the user. Stored keywords and `config.json` may contain such text:
`Keyword.parse` accepts it, only commands reject it. It never changes the text.
"""

import re
from collections.abc import Callable
from typing import Final

from bot.domain.categories import ARCHIVES, CATEGORIES, find_category, similar_categories
from bot.domain.text import cut, or_list
from bot.domain.words import plain

_EXAMPLE_MAX: Final = 80
# Commands call this on the event loop, where more would take too long. No keyword has so many characters.
_CHECKED_MAX: Final = 500

_MENTION: Final = re.compile(r"<[#@][!&]?\d+>")
# The month of an id tells it from other numbers (arxiv.org/help/arxiv_identifier).
_NEW_ID: Final = r"\d{2}(?:0[1-9]|1[0-2])\.\d{4,5}"
_OLD_ID: Final = r"[a-z]+(?:-[a-z]+)?(?:\.[a-z]{2})?/\d{2}(?:0[1-9]|1[0-2])\d{3}"
_ARXIV_ID: Final = re.compile(
    rf"(?<![\w.])(?:(?:10\.48550/)?arxiv[.:]\s*)?(?P<id>{_NEW_ID}|{_OLD_ID})(?:v\d+)?(?![\w-])(?!\.\d)", re.IGNORECASE
)
_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++\.\w")
_DOI: Final = re.compile(r"(?<![\w.])(?:10\.\d{4,9}/\S|doi:)", re.IGNORECASE)
_URL: Final = re.compile(
    r"https?:|(?<![\w.@-])(?:www\.|(?:[\w-]+\.)*(?:[\w-]{3,}\.(?:com|org|net|io|ai|edu|gov|co)|doi\.org)/)",
    re.IGNORECASE,
)
_SEPARATOR: Final = re.compile(r"\s{0,4}[;\u3001\uff1b]\s*(?=\S)")
# Search engines read `+llm +agent` as an AND.
_PLUS: Final = re.compile(r"(?<!\S)\+(?=[^\W\d_])")
_BRACKETS: Final = re.compile(r"(?<!\s)\s*+\[([^\[\]]*+)\]\s*\Z")
_CODE_LIKE: Final = re.compile(rf"(?:{'|'.join(ARCHIVES)})\.[a-z]{{2}}", re.IGNORECASE)
_BETWEEN_CODES: Final = re.compile(r"[\s,;|/&+]+(?:(?:OR|AND)\s+)?", re.IGNORECASE)
_WILDCARD: Final = re.compile(r"(?<!\S)\*|\*(?=[^\W_])|\.\*|(?<=[^\W_])\?(?=[^\W_])")
_FUZZY: Final = re.compile(r"(?<=[\w\"'])~\d*(?:\.\d+)?(?!\S)")
# `*bold*`, as Markdown writes it.
_EMPHASIS: Final = re.compile(r"(?<!\S)(\*+)([^*]+)\1(?!\S)")
_ENDING: Final = re.compile(r"(?<![^\W_])(?<!\*)([^\W\d_]{3,})\*+(?![^\s\]])")

_IN_TEXTS: Final = "Keywords match titles and abstracts"
_AUTHOR: Final = 'To follow an author, use a name, as in `au:"Hinton, G"`.'


def unsupported_syntax(typed: str) -> str | None:
    """Returns what to do instead of this keyword, or None if the text can be a keyword."""
    text = plain(typed[:_CHECKED_MAX])
    return next(filter(None, (check(text) for check in _CHECKS)), None)


def several_categories(typed: str) -> str | None:
    """Returns how to write a keyword with several categories in its brackets: it is read as an expression otherwise."""
    text = plain(typed[:_CHECKED_MAX])
    brackets = _BRACKETS.search(text)
    codes = _codes(brackets[1]) if brackets else ()
    if brackets is None or len(codes) < 2:
        return None
    any_category = " OR ".join(f"cat:{_pattern(code)}" for code in codes)
    phrase = text[: brackets.start()]
    return f"Write several categories as {_code(f'{phrase} AND ({any_category})' if phrase else any_category)}."


def without_ending_wildcards(text: str) -> str:
    """Returns the text without `*` at the end of words, as other endings are found anyway.

    After one or two letters and after capitals, `*` belongs to a name: `Q*`, `RRT*`.
    """
    return _ENDING.sub(lambda found: found[0] if sum(map(str.isupper, found[1])) >= 2 else found[1], text)


def _mention(text: str) -> str | None:
    if not _MENTION.search(text):
        return None
    return "A keyword can't contain a mention. Choose the channel in the option `channel`."


def _paper_or_address(text: str) -> str | None:
    if found := _ARXIV_ID.search(text):
        paper = found["id"].lower() if "/" not in found["id"] else found["id"]
        return (
            f"{_IN_TEXTS}, not ids of papers. Use a phrase from the title of <https://arxiv.org/abs/{paper}> instead."
        )
    if _EMAIL.search(text):
        return _AUTHOR
    if _DOI.search(text):
        return f"{_IN_TEXTS}, not DOIs. Use a phrase from the paper's title instead."
    if _URL.search(text):
        return f"{_IN_TEXTS}, not web addresses. Use a phrase from a title instead."
    return None


def _several(text: str) -> str | None:
    """Several keywords in one, separated by semicolons."""
    parts = tuple(filter(_has_word, _SEPARATOR.split(text)))
    return f"Separate keywords with commas: {_code(', '.join(parts))}." if len(parts) > 1 else None


def _category(text: str) -> str | None:
    """A category without a keyword, or one that is not in brackets."""
    brackets = _BRACKETS.search(text)
    codes = _codes(brackets[1]) if brackets else ()
    phrase = text[: brackets.start()] if brackets and codes else text
    words = phrase.split()
    if len(words) == 1 and _CODE_LIKE.fullmatch(phrase) and not _code_of(phrase):
        return f"No such arXiv category. Did you mean {or_list(similar_categories(phrase))}?"
    found = [code for word in words if (code := _code_of(word)) is not None]
    others = [word for word in words if _code_of(word) is None and word.lower() not in ("in", "and", "or", "/", "|")]
    if found and others:
        narrowed = f"{' '.join(others)} [{found[0]}]"
        return f"Put the category in brackets at the end: {_code(narrowed)}."
    if codes and len(words) > 1 and words[-1] == "in":
        narrowed = f"{' '.join(words[:-1])} [{codes[0]}]"
        return f"Leave out the last word: {_code(narrowed)}."
    if found or (not phrase.strip() and codes):
        return _whole_category((found or list(codes))[0])
    return None


def _codes(text: str) -> tuple[str, ...]:
    """The categories that the text lists; none if it contains anything else."""
    found = [find_category(part) for part in _BETWEEN_CODES.split(text.strip())]
    return tuple(code for code in found if code is not None) if None not in found else ()


def _code_of(word: str) -> str | None:
    """The category that a word outside of brackets names; `math` and `physics` are words of texts too."""
    stripped = word.strip("()[]{}<>\"'`,;:*#@")
    return find_category(stripped.rstrip(".")) if re.search("[.-]", stripped) else None


def _plus(text: str) -> str | None:
    if not _PLUS.search(text):
        return None
    words = [word.removeprefix("+") for word in text.split()]
    return f"`+` isn't an operator. Use `AND`: {_code(' AND '.join(words))}."


def _wildcard(text: str) -> str | None:
    if _WILDCARD.search(_EMPHASIS.sub(r"\2", text)):
        return "Wildcards aren't supported. Use whole words; their other endings are found anyway."
    if _FUZZY.search(text):
        return f"Fuzzy search with `~` isn't supported. Use {_code(_FUZZY.sub('', text))}."
    return None


_CHECKS: Final[tuple[Callable[[str], str | None], ...]] = (
    _mention,
    _paper_or_address,
    _several,
    several_categories,
    _category,
    _plus,
    _wildcard,
)


def _whole_category(category: str) -> str:
    return f"For every paper in {category}, use `cat:{_pattern(category)}`; to narrow a keyword, `agents [{category}]`."


def _pattern(category: str) -> str:
    return category if category in CATEGORIES else f"{category}.*"


def _has_word(text: str) -> bool:
    return any(map(str.isalnum, text))


def _code(text: str) -> str:
    return f"`{cut(text.replace('`', chr(39)), _EXAMPLE_MAX)}`"
