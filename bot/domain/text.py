"""Prepares untrusted text for Discord: white space, Markdown, mentions, length.

Discord shows the prepared text literally: without formatting, links or mentions. Only `cut` loses text, and marks
that with "…". The order is collapse, convert TeX, escape, cut; `cut` never splits an escape. For comparing words in
keywords and papers see `words`; for the texts of a paper that several layouts share see `layout.parts`.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

# Control characters, and those that change the direction of the text after them (Unicode TR 9, TR 36).
_INVISIBLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_LONE_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")

_ZERO_WIDTH: Final = "\u200b"
_MENTION: Final = re.compile(r"@(?=everyone|here|[!&]?\d)")
# A backslash makes Discord show any punctuation literally. The alternatives, in order: formatting anywhere; <@1>, <#1>,
# <t:1>, </a:1>, <:a:1>, <https://…>, <a@b.c>, <1@b>, <+1>, also where another angle bracket follows, because <\<1@b> is
# a link too; formatting at the start of a line; a bare link; the URL of a masked link whose text may begin in front of
# this text, in the bot's own Markdown.
_MARKUP: Final = re.compile(
    r"""(?P<anywhere>[\\*_~`|\[])
      | (?P<angle><(?=[@#:/a-zA-Z+]|[^ <>@:]*+[@:<]))
      | ^(?P<indent>[^\S\n]*)(?:(?P<number>\d+)(?=[.)](?:\s|$))|(?=\#|>|[-+](?:\s|$)|-\#))
      | (?P<scheme>:)(?=//)
      | (?<=\])(?P<address>\()""",
    re.VERBOSE | re.MULTILINE,
)
# An angle bracket, or an escape, which an angle bracket may be.
_ANGLE: Final = re.compile(r"\\.|<", re.DOTALL)
# Discord shows backslashes in the label of a masked link (discord/discord-api-docs, issue 6185), and ends the label at
# the first matching bracket, escaped or not: characters that would format are replaced by similar ones. The
# alternatives, in order: always; underscores outside ASCII words; pairs; <@1>, <t:1>, <a@b.c>; a bare link.
_LABEL_MARKUP: Final = re.compile(
    r"""[\\*`\[\]]
      | (?<![A-Za-z0-9])_|_(?![A-Za-z0-9])
      | ~~+|\|\|+
      | <(?=[^<>@#:+]*+[@#:+][^<>]*+>|[^ >@]{0,150}+@[^ >]{0,150}+>)
      | :(?=//)""",
    re.VERBOSE,
)
_LOOK_ALIKES: Final = str.maketrans(
    {
        "\\": "\u2216",  # set minus
        "*": "\u2217",  # asterisk operator
        "`": "\u2035",  # reversed prime
        "[": "\uff3b",  # full-width brackets
        "]": "\uff3d",
        "_": "\u02cd",  # modifier letter low macron
        "~": "\u223c",  # tilde operator
        "|": "\u2223",  # divides
        "<": "\u2039",  # single left-pointing angle quotation mark
        ":": ":" + _ZERO_WIDTH,
    }
)
_LINK: Final = re.compile(r"https?://[^\s<>]+")
# Hosts that readers of a paper expect links to: code, data, and the published version.
_TRUSTED: Final = re.compile(
    r"https?://(?:[a-z0-9-]+\.)?(?:github\.com|github\.io|gitlab\.com|bitbucket\.org|codeberg\.org|huggingface\.co"
    r"|zenodo\.org|doi\.org|arxiv\.org|openreview\.net)(?:/[\w./%#?=&~+:@-]*)?",
    re.IGNORECASE | re.ASCII,
)


def collapse(text: str) -> str:
    """Returns the text on one line with single spaces, without characters that are invisible or cannot be sent."""
    if text.isprintable() and not ("  " in text or text[:1] == " " or text[-1:] == " "):
        return text  # the only printable white space is the space
    spaced = " ".join(text.split())
    if spaced.isprintable():
        return spaced  # three times as fast; neither invisible characters nor lone surrogates are printable
    return _LONE_SURROGATE.sub("\ufffd", " ".join(_INVISIBLE.sub("", spaced).split()))


def plural(count: int, noun: str) -> str:
    """Returns a count with its noun: `1 paper`, `1,234 papers`."""
    return f"{count:,} {noun_for(count, noun)}"


def noun_for(count: int, noun: str) -> str:
    """Returns the noun as it follows a count: `paper` after 1, otherwise `papers`."""
    return noun if count == 1 else f"{noun}s"


def utf16_length(text: str) -> int:
    """Returns the length in UTF-16 code units: Discord never counts more than that."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def defuse_mentions(text: str) -> str:
    """Returns the text on one line without mentions, for places without Markdown: footers, author lines, menus."""
    return _MENTION.sub("@" + _ZERO_WIDTH, collapse(text))


def escape_markdown(text: str) -> str:
    """Returns Markdown that shows exactly the text, without formatting, links or mentions."""
    return _MENTION.sub("@" + _ZERO_WIDTH, _MARKUP.sub(_escape, text))


def escape_label(text: str) -> str:
    """Returns Markdown for the label of a masked link: without backslashes, because Discord shows them in labels.

    Characters that would format the label or end it early are replaced by similar ones.
    """
    return _MENTION.sub("@" + _ZERO_WIDTH, _LABEL_MARKUP.sub(lambda found: found[0].translate(_LOOK_ALIKES), text))


def escape_keeping_links(text: str) -> str:
    """Returns Markdown that shows the text, with bare links to trusted hosts kept."""
    parts, position = [], 0
    for found in _LINK.finditer(text):
        link = found[0].rstrip(".,;:!?)]\"'")
        if _TRUSTED.fullmatch(link):
            end = found.start() + len(link)
            parts += [_before_link(escape_markdown(text[position : found.start()])), f"<{link}>"]
            position = end
    return "".join([*parts, escape_markdown(text[position:])])


def _before_link(markdown: str) -> str:
    """Escapes angle brackets that would become part of the link after the text: <<https://…> leads nowhere."""
    end = 1 + max(map(markdown.rfind, ": >"))
    return markdown[:end] + _ANGLE.sub(_escape_angle, markdown[end:])


def _escape_angle(found: re.Match[str]) -> str:
    return "\\<" if found[0] == "<" else found[0]


def _escape(found: re.Match[str]) -> str:
    if found["anywhere"] or found["angle"] or found["address"]:
        return "\\" + found[0]
    if found["scheme"]:
        return ":\\"  # shown as "://", but no longer a link
    return found[0] + "\\"


def or_list(codes: Sequence[str]) -> str:
    """Returns "`a`, `b` or `c`" in Markdown, for values that contain no backticks."""
    *others, last = (f"`{code}`" for code in codes)
    return f"{', '.join(others)} or {last}" if others else last


# --- cutting -----------------------------------------------------------------------------------

_ELLIPSIS: Final = "…"
_LOOKAHEAD: Final = 400  # how far after the limit the end of a link or formula is searched for
_SENTENCE_FROM: Final = 0.6  # a cut at the end of a sentence uses at least this share of the limit
_WORD_FROM: Final = 0.5  # without a space after this share of the limit (Chinese), the cut is between characters

SENTENCE_END: Final = re.compile(
    r"""(?<![\s.]\w)(?<!e\.g)(?<!i\.e)(?<!\bal)(?<!\bcf)(?<!\bvs)(?<!\bresp)(?<!\bFig)(?<!\bEq)(?<!\bRef)
        [.!?]["”’')\]]*+(?=\s)""",
    re.VERBOSE,
)
# A cut link leads elsewhere; a cut escape escapes the next character. Prices ($5) are not formulas.
_ATOMIC: Final = re.compile(
    r"<https?://[^\s>]*(?:>|\Z)|\\.|\$[^\s$](?:[^$]{0,120}[^\s$])?\$(?!\d)",
    re.DOTALL,
)
_OPERATOR: Final = r"(?:\\?[-=<>+−×·±∓/|*≠≤≥≪≫≲≳≈≃≅≡∼∝∈∉∋⊂⊆⊃⊇∪∩∧∨⊗⊕≺≻:∣∥\u2190-\u21ff\u27f5-\u27ff]){1,2}"
# Formulas as `tex` writes them: f(x, y), and words joined by relations and operators with spaces around them.
_FORMULA: Final = re.compile(
    rf"\w\((?:[^()]|\([^()]*\)){{1,80}}\)|(?<!\S)\S++(?: {_OPERATOR} \S++)+",
)
_JOINER: Final = "\u200d"
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS: Final = range(0x1F1E6, 0x1F200)
_TAGS: Final = range(0xE0020, 0xE0080)


def cut(text: str, limit: int) -> str:
    """Cuts the text to at most `limit` UTF-16 units, after a sentence or else after a word, and appends "…".

    Never cuts inside an escape, a link, a formula, or a sequence that is shown as one character.
    """
    if utf16_length(text) <= limit:
        return text
    max_end = _fitting(text, limit - len(_ELLIPSIS))
    head = text[: max_end + _LOOKAHEAD]
    atomic, formulas = _inner_positions(_ATOMIC, head), _inner_positions(_FORMULA, head)
    end = _sentence_end(head, _fitting(text, limit - len(" " + _ELLIPSIS)), atomic | formulas)
    if end:
        return f"{head[:end]} {_ELLIPSIS}"
    end = _word_end(head, max_end, atomic | formulas) or _character_end(head, max_end, atomic | formulas)
    return _trimmed(head[: end or _character_end(head, max_end, atomic)]) + _ELLIPSIS[:limit]


def _fitting(text: str, limit: int) -> int:
    """Returns how many characters of the text fit in `limit` UTF-16 units."""
    end = max(0, min(limit, len(text)))
    while (excess := utf16_length(text[:end]) - max(0, limit)) > 0:
        end -= (excess + 1) // 2
    return end


def _inner_positions(pattern: re.Pattern[str], text: str) -> set[int]:
    """Returns the positions strictly inside the pattern's matches, where the text must not be cut."""
    return {index for found in pattern.finditer(text) for index in range(found.start() + 1, found.end())}


def _sentence_end(text: str, max_end: int, forbidden: set[int]) -> int:
    ends = [found.end() for found in SENTENCE_END.finditer(text, int(max_end * _SENTENCE_FROM), max_end + 1)]
    return max((end for end in ends if end <= max_end and end not in forbidden), default=0)


def _word_end(text: str, max_end: int, forbidden: set[int]) -> int:
    min_end = int(max_end * _WORD_FROM)
    return next((end for end in range(max_end, min_end, -1) if text[end].isspace() and end not in forbidden), 0)


def _character_end(text: str, max_end: int, forbidden: set[int]) -> int:
    return next((end for end in range(max_end, 0, -1) if end not in forbidden and not _splits_character(text, end)), 0)


def _splits_character(text: str, index: int) -> bool:
    """Whether the code points before and after `index` are shown as one character (after Unicode TR 29)."""
    before, after = text[index - 1], text[index]
    if unicodedata.category(after).startswith("M") or _JOINER in (before, after):
        return True
    if ord(after) in _FLAG_LETTERS:
        letters = 0
        while letters < index and ord(text[index - 1 - letters]) in _FLAG_LETTERS:
            letters += 1
        return letters % 2 == 1
    return ord(after) in _SKIN_TONES or ord(after) in _TAGS


def _trimmed(text: str) -> str:
    """Returns the text without the spaces and commas that a cut leaves at its end."""
    return re.sub(r"(?<![\s,;:(])(?:\s|(?<!\\)[,;:(])+\Z", "", text)
