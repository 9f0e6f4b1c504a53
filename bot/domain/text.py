"""Plain text made ready for Discord: white space, Markdown, mentions, length.

Text of strangers enters (titles, abstracts, comments, keywords); text that Discord shows as those
words, and as nothing else, leaves: no formatting, no link, no mention. No letter is lost but by
`cut`, which says so with "…". It never decides what is shown where: that is `card`.

The order is collapse, TeX, escape, cut: `cut` knows what an escape is.
"""

import re
import unicodedata
from typing import Final

# Controls, and the marks that turn the direction of what follows them (Unicode TR 9, TR 36).
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_LONE_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")

_ZERO_WIDTH: Final = "\u200b"
_MENTION: Final = re.compile(r"@(?=everyone|here|[!&]?\d)")
# A backslash makes Discord show any punctuation as it is. In the order of the alternatives: what formats
# anywhere; <@1>, <#1>, <t:1>, </a:1>, <:a:1>, <https://…>, <a@b.c>, <+1>; what formats at the start of a line; a bare
# link; the address of a link whose text may have begun before, in ours.
_MARKUP: Final = re.compile(
    r"""(?P<anywhere>[\\*_~`|\[])
      | (?P<angle><(?=[@#:/a-zA-Z+]))
      | ^(?P<indent>[^\S\n]*)(?:(?P<number>\d+)(?=[.)](?:\s|$))|(?=\#|>|[-+](?:\s|$)|-\#))
      | (?P<scheme>:)(?=//)
      | (?<=\])(?P<address>\()""",
    re.VERBOSE | re.MULTILINE,
)
# What would belong to the link in angles that follows: <<https://…> leads nowhere. An escape is no angle.
_BEFORE_ANGLE: Final = re.compile(r"\\.|<(?=[^: >]*\Z)", re.DOTALL)
# Discord ends a link's text at the first bracket that fits, escaped or not: inside, brackets look like others.
_WIDE_BRACKETS: Final = str.maketrans("[]", "\uff3b\uff3d")
_LINK: Final = re.compile(r"https?://[^\s<>]+")
# Where a reader of a paper expects a link to lead: code, data, and the paper of record.
_TRUSTED: Final = re.compile(
    r"https?://(?:[a-z0-9-]+\.)?(?:github\.com|github\.io|gitlab\.com|bitbucket\.org|codeberg\.org|huggingface\.co"
    r"|zenodo\.org|doi\.org|arxiv\.org|openreview\.net)(?:/[\w./%#?=&~+:@-]*)?",
    re.IGNORECASE | re.ASCII,
)


def collapse(text: str) -> str:
    """The text on one line, single spaces, without characters that cannot be seen or sent."""
    spaced = " ".join(text.split())
    return _LONE_SURROGATE.sub("\ufffd", " ".join(_UNSEEN.sub("", spaced).split()))


def plural(count: int, noun: str) -> str:
    """A count with its noun: `1 paper`, `1,234 papers`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def units(text: str) -> int:
    """How long Discord may count the text: in UTF-16 code units, never fewer than code points."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def harmless(text: str) -> str:
    """For places without Markdown (footers, author lines, menus): one line that mentions nobody."""
    return _MENTION.sub("@" + _ZERO_WIDTH, collapse(text))


def escape_markdown(text: str) -> str:
    """The text such that Discord's Markdown shows exactly it: no format, no link, no mention."""
    return _MENTION.sub("@" + _ZERO_WIDTH, _MARKUP.sub(_escaped, text))


def escape_label(text: str) -> str:
    """As `escape_markdown`, for the text of a link of ours: nothing in it ends the text before its end."""
    return escape_markdown(text.translate(_WIDE_BRACKETS))


def escape_keeping_links(text: str) -> str:
    """As `escape_markdown`, but bare links to places where papers keep their code stay links."""
    shown, at = [], 0
    for found in _LINK.finditer(text):
        link = found[0].rstrip(".,;:!?)]\"'")
        if _TRUSTED.fullmatch(link):
            end = found.start() + len(link)
            before = _BEFORE_ANGLE.sub(_angle_escaped, escape_markdown(text[at : found.start()]))
            shown += [before, f"<{link}>"]
            at = end
    return "".join([*shown, escape_markdown(text[at:])])


def _angle_escaped(found: re.Match[str]) -> str:
    return "\\<" if found[0] == "<" else found[0]


def _escaped(found: re.Match[str]) -> str:
    if found["anywhere"] or found["angle"] or found["address"]:
        return "\\" + found[0]
    if found["scheme"]:
        return ":\\"  # shown as "://", but no longer the start of a link
    return found[0] + "\\"


# --- cutting -----------------------------------------------------------------------------------

_MORE: Final = "…"
_LOOK_PAST: Final = 400  # how far behind the limit the end of a link or formula is looked for
_SENTENCE_FROM: Final = 0.6  # a sentence that ends before this part of the room leaves too much of it empty
_WORD_FROM: Final = 0.5  # text without spaces near the limit (Chinese, a long name) is cut between characters

_SENTENCE_END: Final = re.compile(
    r"""(?<![\s.]\w)(?<!e\.g)(?<!i\.e)(?<!\bal)(?<!\bcf)(?<!\bvs)(?<!\bresp)(?<!\bFig)(?<!\bEq)(?<!\bRef)
        [.!?]["”’')\]]*(?=\s)""",
    re.VERBOSE,
)
# A link that is cut leads elsewhere, an escape that is cut escapes what follows. No price is a formula.
_ATOMIC: Final = re.compile(
    r"<https?://[^\s>]*(?:>|\Z)|\\.|\$[^\s$](?:[^$]{0,120}[^\s$])?\$(?!\d)",
    re.DOTALL,
)
_OPERATOR: Final = r"(?:\\?[-=<>+−×·±∓/|*≠≤≥≪≫≲≳≈≃≅≡∼∝∈∉∋⊂⊆⊃⊇∪∩∧∨⊗⊕≺≻:∣∥\u2190-\u21ff\u27f5-\u27ff]){1,2}"
# Formulas as `tex` writes them: f(x, y), and words joined by relations and operators that stand alone.
_FORMULA: Final = re.compile(
    rf"\w\((?:[^()]|\([^()]*\)){{1,80}}\)|(?<!\S)\S++(?: {_OPERATOR} \S++)+",
)
_JOINER: Final = "\u200d"
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS: Final = range(0x1F1E6, 0x1F200)
_TAGS: Final = range(0xE0020, 0xE0080)


def cut(text: str, limit: int) -> str:
    """The text in at most `limit` UTF-16 units: at a sentence's end, else a word's, marked with "…".

    Never inside an escape, a link, a formula, or what is seen as one character.
    """
    if units(text) <= limit:
        return text
    room = _fitting(text, limit - len(_MORE))
    seen = text[: room + _LOOK_PAST]
    atomic, formulas = _spans(_ATOMIC, seen), _spans(_FORMULA, seen)
    end = _sentence_end(seen, _fitting(text, limit - len(" " + _MORE)), atomic | formulas)
    if end:
        return f"{seen[:end]} {_MORE}"
    end = _word_end(seen, room, atomic | formulas) or _character_end(seen, room, atomic | formulas)
    return _trimmed(seen[: end or _character_end(seen, room, atomic)]) + _MORE[:limit]


def _fitting(text: str, limit: int) -> int:
    """How many characters of the text fit into `limit` units."""
    end = max(0, min(limit, len(text)))
    while (excess := units(text[:end]) - max(0, limit)) > 0:
        end -= (excess + 1) // 2
    return end


def _spans(pattern: re.Pattern[str], text: str) -> set[int]:
    """The places inside what the pattern finds: between its characters, not at its edges."""
    return {at for found in pattern.finditer(text) for at in range(found.start() + 1, found.end())}


def _sentence_end(text: str, room: int, closed: set[int]) -> int:
    ends = [found.end() for found in _SENTENCE_END.finditer(text, int(room * _SENTENCE_FROM), room + 1)]
    return max((end for end in ends if end <= room and end not in closed), default=0)


def _word_end(text: str, room: int, closed: set[int]) -> int:
    first = int(room * _WORD_FROM)
    return next((at for at in range(room, first, -1) if text[at].isspace() and at not in closed), 0)


def _character_end(text: str, room: int, closed: set[int]) -> int:
    return next((at for at in range(room, 0, -1) if at not in closed and not _one_character(text, at)), 0)


def _one_character(text: str, at: int) -> bool:
    """Whether what stands before and after `at` is seen as one character (after Unicode TR 29)."""
    before, after = text[at - 1], text[at]
    if unicodedata.category(after).startswith("M") or _JOINER in (before, after):
        return True
    if ord(after) in _FLAG_LETTERS:
        letters = 0
        while letters < at and ord(text[at - 1 - letters]) in _FLAG_LETTERS:
            letters += 1
        return letters % 2 == 1
    return ord(after) in _SKIN_TONES or ord(after) in _TAGS


def _trimmed(text: str) -> str:
    """Without the spaces and commas that a cut leaves at the end."""
    return re.sub(r"(?<![\s,;:(])(?:\s|(?<!\\)[,;:(])+\Z", "", text)
