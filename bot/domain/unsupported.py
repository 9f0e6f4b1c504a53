"""Recognises typed text that cannot work as a keyword, such as `llm AND agent`, `cs.CL` or an arXiv id.

It returns what to do instead, as a sentence for the user. Stored keywords and `config.json` may contain such text:
`Keyword.parse` accepts it, only commands reject it. It never changes the text.
"""

import re
from collections.abc import Callable
from typing import Final

from bot.domain.categories import ARCHIVES, find_category, similar_categories
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
# The prefixes of arXiv's query syntax, and the words that people use for them.
_FIELD: Final = re.compile(
    r"""(?:\A|(?<![\w.-])(?=\w+:\S))
        (?P<field>au|authors?|ti|title|abs|abstract|all|cat|category|categories|co|comments?|jr|journal|rn
        |id|id_list|arxiv|year|date|since|after|before|submitteddate|lastupdateddate)
        :\s*(?P<value>\S.*)?""",
    re.IGNORECASE | re.VERBOSE,
)
_QUOTED: Final = re.compile(
    '["\u201c\u201d\u201e\u00ab\u00bb]([^"\u201c\u201d\u201e\u00ab\u00bb]+)["\u201c\u201d\u00ab\u00bb]'
)
_SEPARATOR: Final = re.compile(r"\s{0,4}[;\u3001\uff1b]\s*(?=\S)")
# Logic gates are named AND, OR and NOT.
_NOT_GATE: Final = r"(?![\s-]+(?:gates?|logic|operations?|operators?|circuits?)\b)"
_OR: Final = re.compile(rf"(?<=\S)\s+OR{_NOT_GATE}\s+(?=\S)|\s{{0,4}}\|+\s*")
_AND: Final = re.compile(rf"(?<=\S)\s+AND{_NOT_GATE}(?:\s+|\Z)|\s{{0,4}}&&\s*|(?<!\S)\+(?=[^\W\d_])")
_EXCLUSION: Final = re.compile(rf"(?<!\S)(?:ANDNOT|NOT{_NOT_GATE})(?=\s+\S)|(?<=\s)[-!](?=[^\W\d_])")
_BRACKETS: Final = re.compile(r"(?<!\s)\s*+\[([^\[\]]*+)\]\s*\Z")
_CODE_LIKE: Final = re.compile(rf"(?:{'|'.join(ARCHIVES)})\.[a-z]{{2}}", re.IGNORECASE)
_BETWEEN_CODES: Final = re.compile(r"[\s,;|/&+]+(?:(?:OR|AND)\s+)?", re.IGNORECASE)
_WILDCARD: Final = re.compile(r"(?<!\S)\*|\*(?=[^\W_])|\.\*|(?<=[^\W_])\?(?=[^\W_])")
_FUZZY: Final = re.compile(r"(?<=[\w\"'])~\d*(?:\.\d+)?(?!\S)")
# `*bold*`, as Markdown writes it.
_EMPHASIS: Final = re.compile(r"(?<!\S)(\*+)([^*]+)\1(?!\S)")
_ENDING: Final = re.compile(r"(?<![^\W_])(?<!\*)([^\W\d_]{3,})\*+(?![^\s\]])")

_AROUND: Final = "(){}\"'\u201c\u201d\u201e;,. "

_IN_TEXTS: Final = "Keywords match titles and abstracts"
_NO_AUTHORS: Final = f"{_IN_TEXTS}, not authors. Use a phrase that occurs in the titles of their papers."
_NARROW: Final = "narrow a keyword to a category, as in `agents [cs.CL]`"


def unsupported_syntax(typed: str) -> str | None:
    """Returns what to do instead of this keyword, or None if the text can be a keyword."""
    text = plain(typed[:_CHECKED_MAX])
    return next(filter(None, (check(text) for check in _CHECKS)), None)


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
        return _NO_AUTHORS
    if _DOI.search(text):
        return f"{_IN_TEXTS}, not DOIs. Use a phrase from the paper's title instead."
    if _URL.search(text):
        return f"{_IN_TEXTS}, not web addresses. Use a phrase from a title instead."
    return None


def _field(text: str) -> str | None:
    found = _FIELD.search(text.strip("( "))
    if found is None:
        return None
    field, value = found["field"], _first_phrase(found["value"] or "")
    match field.lower():
        case "au" | "author" | "authors":
            return _NO_AUTHORS
        case "ti" | "title" | "abs" | "abstract" | "all":
            return f"Leave out `{field}:`. {_IN_TEXTS} anyway" + (f", so use {_code(value)}." if value else ".")
        case "cat" | "category" | "categories":
            return _narrows(find_category(value.rstrip("*.")) or "cs.CL")
        case "id" | "id_list" | "arxiv":
            return f"{_IN_TEXTS}, not ids of papers. Use a phrase from the paper's title instead."
        case "co" | "comment" | "comments" | "jr" | "journal" | "rn":
            return f"{_IN_TEXTS}, not comments, journals or report numbers. Use a phrase without `{field}:`."
        case _:
            return f"A keyword can't be limited to dates: only new papers are posted. Leave out `{field}:`."


def _several(text: str) -> str | None:
    """Several keywords in one: separated by semicolons, or each in quotation marks."""
    parts = tuple(filter(_has_word, _SEPARATOR.split(text)))
    if len(parts) > 1:
        return f"Separate keywords with commas: {_code(', '.join(parts))}."
    quoted = _QUOTED.findall(text)
    if len(quoted) > 1 and not _QUOTED.sub("", text).strip():
        return f"Separate keywords with commas: {_code(', '.join(map(str.strip, quoted)))}."
    return None


def _category(text: str) -> str | None:
    """A category without a keyword, a category that is not in brackets, or several categories."""
    brackets = _BRACKETS.search(text)
    codes = _codes(brackets[1]) if brackets else ()
    if brackets and len(codes) > 1:
        phrase = text[: brackets.start()] or "agents"
        each = ", ".join(f"{phrase} [{code}]" for code in codes)
        return f"Use one category per keyword, separated by commas: {_code(each)}."
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
        return _narrows((found or list(codes))[0])
    return None


def _codes(text: str) -> tuple[str, ...]:
    """The categories that the text lists; none if it contains anything else."""
    found = [find_category(part) for part in _BETWEEN_CODES.split(text.strip())]
    return tuple(code for code in found if code is not None) if None not in found else ()


def _code_of(word: str) -> str | None:
    """The category that a word outside of brackets names; `math` and `physics` are words of texts too."""
    stripped = word.strip("()[]{}<>\"'`,;:*#@")
    return find_category(stripped.rstrip(".")) if re.search("[.-]", stripped) else None


def _boolean(text: str) -> str | None:
    text = text.replace("(", "").replace(")", "")
    if len(parts := _OR.split(text)) > 1 and all(map(str.strip, parts)):
        each = ", ".join(map(_joined, parts))
        return f"`OR` isn't supported. Separate the keywords with commas instead: {_code(each)}."
    if _EXCLUSION.search(text):
        phrase = _first_phrase(_EXCLUSION.split(text)[0])
        than = f" than {_code(phrase)}" if phrase else ""
        return f"Words can't be excluded. Use a more specific phrase{than}, or {_NARROW}."
    if _AND.search(text):
        phrase = _joined(text)
        such_as = f", such as {_code(phrase)}" if _has_word(phrase) else ""
        return f"`AND` isn't supported. Use one phrase{such_as}, or {_NARROW}."
    return None


def _joined(query: str) -> str:
    """The operands of AND as one phrase."""
    return " ".join(filter(None, map(_first_phrase, _AND.split(query))))


def _wildcard(text: str) -> str | None:
    if _WILDCARD.search(_EMPHASIS.sub(r"\2", text)):
        return "Wildcards aren't supported. Use whole words; their other endings are found anyway."
    if _FUZZY.search(text):
        return f"Fuzzy search with `~` isn't supported. Use {_code(_first_phrase(_FUZZY.sub('', text)))}."
    return None


_CHECKS: Final[tuple[Callable[[str], str | None], ...]] = (
    _mention,
    _paper_or_address,
    _field,
    _several,
    _category,
    _boolean,
    _wildcard,
)


def _narrows(category: str) -> str:
    return f"A category only narrows a keyword. Add one in front of it, as in `agents [{category}]`."


def _first_phrase(query: str) -> str:
    """The part of a query in front of its first operator or second field, without quotation marks."""
    phrase = re.split(r"(?:\A|\s)(?:AND|OR|ANDNOT|NOT)(?=\s|\Z)|\|\||&&|(?<![\w])[a-z_]+:(?=\S)", query)
    return next(filter(None, map(_bare, phrase)), "")


def _bare(part: str) -> str:
    """The part without brackets and signs around it, except for those of a name: `C++`."""
    return part.lstrip(f"{_AROUND}+-").rstrip(f"{_AROUND}-").removesuffix(" +")


def _has_word(text: str) -> bool:
    return any(map(str.isalnum, text))


def _code(text: str) -> str:
    return f"`{cut(text.replace('`', chr(39)), _EXAMPLE_MAX)}`"
