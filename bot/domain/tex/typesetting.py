"""Typesets a formula on one line: its spaces and parentheses. Also tells formulas from amounts of money.

The reader marks relations, operators and names with `relation`, `operator` and `NAME_MARK`; `typeset` replaces the
marks by spaces. The marks are control characters, which `text.collapse` removes from any text before it is read.
"""

import re
from typing import Final

NAME_MARK: Final = "\x01"
_RELATION_MARK: Final = "\x02"
_OPERATOR_MARK: Final = "\x03"
_CLOSING_MARK: Final = "\x04"
CITE_MARK: Final = "\x06"  # a citation, which prints nothing; see `references`

_RELATION: Final = re.compile(r"\s{0,3}\x02([^\x02]*)\x02\s{0,3}")
_RELATION_FIRST: Final = re.compile(r"(?:^|(?<=[(\[{,;=]))\s{0,3}\x02([^\x02]*)\x02\s{0,3}")
_NAME: Final = re.compile(r"(?<=[\w)\]⟩⌋⌉°′…⁺⁻])\x01+(?=[\w√∛∜∞∇∂])")
_OPERATOR: Final = re.compile(r"( ?)\x03([^\x03]*)\x03( ?)")
# A sign after one of these has no left operand: (±3, = −x, {·, a,.
_BEFORE_PREFIX: Final = frozenset("([{⟨⌊⌈,;:=<>+−/\x02\x03")
_SPACE_IN_BRACKETS: Final = re.compile(r"(?<=[(\[{⟨⌊⌈]) | (?=[)\]}⟩⌋⌉,;])")
# A relation that is typed with a space on one side only.
_NORM: Final = re.compile(r"(?<![\w)\]}⟩′|] )‖ ?([^‖]{1,80}?) ?‖")
_LOPSIDED: Final = re.compile(
    r"(?<=[^\s=<>:!−-]) ([=<>])(?=[^\s=<>])|(?<=[^\s=<>:!−-])([=<>]) (?=[^\s=<>])"
    r"|(?<=[\w)\]}⟩])([+−]) (?=[\w(\[{⟨√∇∂∑∏∫\x01])"  # x −y may be a sign
)
_SPACE_AROUND_SIGN: Final = re.compile(r"\s?([^\w\s])\s?")

_TEX: Final = re.compile(r"[\\^_{}]")
_WORD: Final = re.compile(r"(?<![^\s(])[A-Za-z]{2,}(?![^\s,.;:)])")
_PROSE_WORDS: Final = 2
_ITALIC_TEXT: Final = re.compile(r"[A-Za-z]{2,}(?: [A-Za-z]{2,}|-[A-Za-z]{3,})(?:[ -][A-Za-z]{2,}){0,2}\.?")

_SCRIPTS: Final = re.compile(
    r"[\u00b2\u00b3\u00b9\u2070-\u209c\u02b0-\u02e3\u1d2c-\u1d6a\u1d9b-\u1dbf\u2c7c\u2c7d\u0300-\u036f]"
)
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")


def relation(sign: str) -> str:
    """Returns the sign, marked to get a space on both sides when the formula is typeset."""
    return f"{_RELATION_MARK}{sign}{_RELATION_MARK}"


def operator(sign: str) -> str:
    """Returns the sign, marked to get a space on both sides or on none when the formula is typeset."""
    return f"{_OPERATOR_MARK}{sign}{_OPERATOR_MARK}"


def closing(sign: str) -> str:
    """Returns the sign, marked to get no space before it."""
    return _CLOSING_MARK + sign


def typeset(formula: str) -> str:
    """Returns the formula with spaces around relations, and where a name would run into its neighbour.

    Operators have a space on both sides if the author typed one before them, otherwise on none.
    """
    line = " ".join(formula.split())  # first, so that no pattern below runs over many spaces
    if _CLOSING_MARK in line:
        line = line.replace(f" {_CLOSING_MARK}", "").replace(_CLOSING_MARK, "")
    if "‖ " in line:
        line = _NORM.sub(r"‖\1‖", line)
    if " " in line:
        line = _LOPSIDED.sub(r" \1\2\3 ", _SPACE_IN_BRACKETS.sub("", line))
    if _OPERATOR_MARK in line:
        line = _OPERATOR.sub(_spaced_operator, line)
    line = _RELATION.sub(r" \1 ", _RELATION_FIRST.sub(r"\1", line))
    return " ".join(_NAME.sub(" ", line).replace(NAME_MARK, "").split())


def _spaced_operator(found: re.Match[str]) -> str:
    before, sign, after = found.groups()
    has_script = len(sign) > 1
    if found.start() == 0 or found.string[found.start() - 1] in _BEFORE_PREFIX:
        return before + sign + (after if has_script else "")
    return f" {sign} " if before or has_script else sign


def typeset_script(formula: str) -> str:
    """Returns the formula without spaces around signs, as in a superscript or subscript."""
    return _SPACE_AROUND_SIGN.sub(r"\1", typeset(formula))


def term(formula: str) -> str:
    """Returns a numerator: in parentheses unless it is a single product."""
    return formula if _is_product(formula) else f"({formula})"


def factor(formula: str) -> str:
    """Returns a denominator, radicand or script: in parentheses unless it is a single factor."""
    single = len(_SCRIPTS.sub("", formula)) <= 1 or _NUMBER.fullmatch(formula)
    return formula if single or formula.isalpha() or _in_parentheses(formula) else f"({formula})"


def is_formula(content: str, following: str, preceding: str = "") -> bool:
    """Whether the text between two dollar signs is a formula; otherwise the signs mean money."""
    if not content.strip():
        return False
    price = content[0].isdigit()
    ends_in_space = content[-1].isspace() and not content.endswith("\\ ")
    if price and (following.isdigit() or (ends_in_space and (following.isalnum() or following == "\\"))):
        return False  # $5 and $6, $5 $\alpha$
    if _TEX.search(content):
        return True
    if ends_in_space and (price or content[0].isspace()):
        return not _WORD.search(content) and content.rstrip()[-1] not in "-–,;(/"
    if content[-1] in ":/,;=" and following.isalpha():
        return False  # $HOME/bin:$PATH
    if is_italic_text(content):
        return not following.isalnum()
    if content[0].isspace() and (preceding.isdigit() or (preceding.isalpha() and content.lstrip()[0].isdigit())):
        return False  # 5$ and 10$, US$ 5
    return len(_WORD.findall(content)) < _PROSE_WORDS


def is_italic_text(content: str) -> bool:
    """Whether dollar signs only set a few words in italics: $in situ$, $XMM-Newton$."""
    return bool(_ITALIC_TEXT.fullmatch(content))


def _is_product(formula: str) -> bool:
    return all(char.isalnum() or char in ".!√∂∇′ℏ" or _SCRIPTS.match(char) for char in formula) or _in_parentheses(
        formula
    )


def _in_parentheses(formula: str) -> bool:
    """Whether one pair of parentheses encloses the whole formula."""
    return formula.startswith("(") and formula.find(")") == len(formula) - 1
