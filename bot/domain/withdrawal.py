"""Decides whether a paper was withdrawn, from what its comment, abstract and title say.

Papers that are withdrawn before they are posted are never posted. A paper withdrawn from a conference, or one that
withdraws a claim, is not withdrawn: the patterns match only sentences about the paper itself.
"""

import re
from typing import Final

from bot.domain.paper import Paper
from bot.domain.tex.convert import tex_to_text

_MENTIONED: Final = re.compile("withdr|retract", re.IGNORECASE)
_THE_PAPER: Final = (
    r"(?:(?:this|the|our)\s+)?(?:arxiv\s+)?(?:paper|article|submission|manuscript|work|preprint|e-?print)"
)
# Withdrawn from a conference is not withdrawn from arXiv.
_WITHDRAWN: Final = r"(?:temporarily\s+)?(?:withdrawn|retracted)\b(?!\s+from\s+(?!arxiv))"
_ADMIN_NOTE: Final = re.compile(r"\Aarxiv\s+admin(?:istrator)?\s+note:\s*", re.IGNORECASE)
_WITHDRAWN_COMMENT: Final = re.compile(
    rf"[\W_]*(?:{_THE_PAPER}\s+)?(?:has\s+been\s+|is\s+(?:being\s+|now\s+)?|was\s+)?{_WITHDRAWN}"
    r"(?=\W*(?:\Z|by\b|due\b|because\b|since\b|as\b|from\b|in\s+order\b|at\s+the\b|for\b|until\b|pending\b|and\b|[.,;:(!-]))",
    re.IGNORECASE,
)
_WITHDRAWN_SENTENCE: Final = re.compile(
    rf"(?:\A|[.;:!?]\s+|[\[(*])\s*(?:{_THE_PAPER}\s+(?:has\s+been|is(?:\s+being|\s+now)?|was)\s+{_WITHDRAWN}"
    rf"|(?:the|this)\s+authors?\s+(?:have\s+|has\s+)?(?:withdrawn?|withdraws?|retract(?:s|ed)?)\s+(?:this|the)\s+(?:paper|article"
    r"|submission|manuscript|work|preprint)\b(?!\s+from\s+(?!arxiv))|we\s+(?:have\s+)?(?:withdrawn?|retract(?:ed)?)\s+this\s+"
    r"(?:paper|article|submission|manuscript|work|preprint)\b(?!\s+from\s+(?!arxiv)))",
    re.IGNORECASE,
)
_WITHDRAWN_TITLE: Final = re.compile(
    r"\s*(?:[\[(]\s*(?i:withdrawn|retracted)\s*[\])]|(?:WITHDRAWN|RETRACTED)\b\s*[:.-])"
)


def is_withdrawn(paper: Paper) -> bool:
    """Whether the authors or arXiv withdrew the paper itself."""
    comment, abstract, title = (_text_to_search(text) for text in (paper.comment or "", paper.abstract, paper.title))
    return bool(
        _WITHDRAWN_COMMENT.match(_ADMIN_NOTE.sub("", comment))
        or _WITHDRAWN_SENTENCE.search(comment)
        or _WITHDRAWN_SENTENCE.match(abstract)
        or _WITHDRAWN_TITLE.match(title)
    )


def _text_to_search(text: str) -> str:
    """Returns the text without TeX; empty, to save the conversion, if it does not mention a withdrawal."""
    return tex_to_text(text) if _MENTIONED.search(text) else ""
