"""Typesets a formula on one line: its spaces and parentheses. Also tells formulas from amounts of money.

The reader marks relations and names with `relation` and `NAME_MARK`; `typeset` replaces the marks by spaces. The marks
are control characters, which `text.collapse` removes from any text before it is read.
"""

import re
from typing import Final

NAME_MARK: Final = "\x01"
_RELATION_MARK: Final = "\x02"

_RELATION: Final = re.compile(r"\s*\x02([^\x02]*)\x02\s*")
_RELATION_FIRST: Final = re.compile(r"(?:^|(?<=[(\[{,;=]))\s*\x02([^\x02]*)\x02\s*")
_NAME: Final = re.compile(r"(?<=[\w)⟩°′…])\x01+(?=[\w√∛∜∞∇∂])")
_SPACE_AROUND_SIGN: Final = re.compile(r"\s*([^\w\s])\s*")

_TEX: Final = re.compile(r"[\\^_{}]")
_WORD: Final = re.compile(r"(?<![^\s(])[A-Za-z]{2,}(?![^\s,.;:)])")
_PROSE_WORDS: Final = 2

_SCRIPTS: Final = re.compile(
    r"[\u00b2\u00b3\u00b9\u2070-\u209c\u02b0-\u02e3\u1d2c-\u1d6a\u1d9b-\u1dbf\u2c7c\u2c7d\u0300-\u036f]"
)
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)?")


def relation(sign: str) -> str:
    """Returns the sign, marked to get a space on both sides when the formula is typeset."""
    return f"{_RELATION_MARK}{sign}{_RELATION_MARK}"


def typeset(formula: str) -> str:
    """Returns the formula with spaces around relations, and where a name would run into its neighbour."""
    line = " ".join(formula.split())  # first, so that no pattern below runs over many spaces
    line = _RELATION.sub(r" \1 ", _RELATION_FIRST.sub(r"\1", line))
    return " ".join(_NAME.sub(" ", line).replace(NAME_MARK, "").split())


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


def is_formula(content: str, following: str) -> bool:
    """Whether the text between two dollar signs is a formula; otherwise the signs mean money."""
    if not content.strip():
        return False
    price = content[0].isdigit()
    if price and (following.isdigit() or (content[-1].isspace() and following.isalnum())):
        return False
    if _TEX.search(content):
        return True
    if content[-1].isspace() and (price or content[0].isspace()):
        return not price and not _WORD.search(content)
    return len(_WORD.findall(content)) < _PROSE_WORDS


def _is_product(formula: str) -> bool:
    return all(char.isalnum() or char in ".!√∂∇′ℏ" or _SCRIPTS.match(char) for char in formula) or _in_parentheses(
        formula
    )


def _in_parentheses(formula: str) -> bool:
    """Whether one pair of parentheses encloses the whole formula."""
    return formula.startswith("(") and formula.find(")") == len(formula) - 1
