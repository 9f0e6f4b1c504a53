"""Decides whether a paper was withdrawn, from what its comment, abstract and title say.

Papers that are withdrawn before they are posted are never posted. A paper withdrawn from a conference, one that
withdraws a claim, and one that replaces a withdrawn paper are not withdrawn: the patterns match only sentences about
the paper itself.
"""

import re
from typing import Final

from bot.domain.paper import Paper
from bot.domain.tex.convert import tex_to_text

# Parts of the words that every pattern contains. Searching for them takes a tenth of a regular expression's time.
_MENTIONS: Final = ("withdr", "retract", "remov")
_NOUN: Final = (
    r"(?:arxiv\s+)?(?:paper|article|submission|manuscript|work|pre-?print|e-?print|note|report|letter|document|draft)"
)
_THE_PAPER: Final = (
    rf"(?:(?:(?:this|the|our)\s+(?:(?:present|current|whole|entire)\s+)?)?{_NOUN}|this\s+(?:arxiv\s+|paper\s+)?version)"
)
_ADVERBS: Final = (
    r"(?:(?:temporarily|now|hereby|voluntarily|already|therefore|thus|hence|formally|officially|being)\s+){0,8}+"
)
_IS: Final = (
    r"(?:(?:has|have|had)\s+(?:now\s+)?been|(?:has|have|needs?|ought)\s+to\s+be|(?:must|should|will|shall)\s+be"
    r"|is|was|are)"
)
# Withdrawn from a conference is not withdrawn from arXiv. "Was withdrawn and is now corrected" describes the past.
_NOT_ELSEWHERE: Final = (
    r"(?!\s+(?:[\w']+\s+){0,4}?from\s+(?!(?:the\s+)?arxiv\b|public\b|circulation\b))"
    r"(?!\s+and\s+(?:(?:is\s+|has\s+)now|(?:re-?)?submitted)\b)"
)
_WITHDRAWN: Final = rf"{_ADVERBS}(?:with-?drawn|retracted)\b{_NOT_ELSEWHERE}"
_ADMIN_NOTE: Final = re.compile(r"\Aarxiv\s+admin(?:istrator)?\s+note:\s*", re.IGNORECASE)


def _compile(pattern: str) -> re.Pattern[str]:
    """Compiles a pattern for text with single spaces; it takes long for no other text either."""
    return re.compile(
        re.sub(r"\\s([+*])", lambda found: r"\s{1,2}" if found[1] == "+" else r"\s{0,2}", pattern), re.IGNORECASE
    )


# "Withdrawn", "Paper withdrawn due to an error": not "Withdrawn drugs".
_WITHDRAWN_COMMENT: Final = _compile(
    rf"[\W_]*+(?:{_THE_PAPER}\s+)?(?:{_IS}\s+)?{_WITHDRAWN}"
    r"(?=\W*\Z|\s+[-–—]|\s*[.,;:(!)\]*]|\W*(?:by|due|because|since|as|from|in\s+order|at\s+the|for|until|pending|and|on|to"
    r"|after|owing|following|temporarily)\s)"
    rf"|[\W_]*+(?:request(?:s|ing)?\s+(?:for\s+)?)?withdrawal(?:\s+of\s+(?:this|the)\s+{_NOUN}{_NOT_ELSEWHERE}"
    r"|\s+due\s+to\b"
    r"|(?:\s+(?:is\s+|was\s+)?requested\s+by\s+(?:the\s+)?authors?)?\W*\Z)"
    r"|[\W_]*+withdrawing\s+(?:due\s+to|because|as\s+the|since\s+the)\b"
    r"|[\W_]*+superseded\s+by\s+arxiv:\s*[\w./-]*\w\W+(?:and\s+(?:hence\s+|thus\s+)?)?withdrawn\W*\Z"
)
_SUBJECT: Final = r"(?:we|i|(?:(?:the|this|all|both|first|corresponding)\s+)?authors?|arxiv\s+admin\w*)"
_WISH: Final = (
    r"(?:(?:decided|chose|chosen|wish(?:es|ed)?|want(?:ed)?|would\s+like|needs?|had|have|has|forced|going|intend)"
    r"\s+to\s+)"
)
_WITHDRAWN_SENTENCE: Final = _compile(
    rf"(?:\A|[.;:!?]\s+|[\[(*]\s*|,\s+|\b(?:and|so|that)\s+)(?:(?:so|thus|hence|therefore),?\s+)?"
    rf"(?:{_THE_PAPER}(?:,[^,.;]{{1,80}},)?\s+{_IS}\s+(?:{_WITHDRAWN}|removed\s+by\s+the\s+authors?\b)"
    rf"|{_SUBJECT}\s+requests?\s+(?:the\s+)?withdrawal\s+of\s+(?:this|the|our)\s+{_NOUN}\b{_NOT_ELSEWHERE}"
    rf"|(?:{_SUBJECT}\s+|(?<=and\s))(?:(?:have|has|had|are|is|am|must|will)\s+(?:been\s+)?)?{_ADVERBS}{_WISH}?{_ADVERBS}"
    rf"(?:withdr(?:aw[ns]?|awing|ew)|retract(?:s|ed|ing)?)\s+(?:(?:this|our|the)\s+(?:(?:present|current|whole|entire)\s+)?"
    rf"{_NOUN}|this\s+(?:arxiv\s+)?version|it)\b(?!\s+(?:of|claim|statement)\b|['’]){_NOT_ELSEWHERE})"
)
# "Due to an error the paper is withdrawn", "This paper has an error and is withdrawn", "Please withdraw this paper".
_WITHDRAWN_LATER: Final = _compile(
    rf"\A(?:due\s+to|because\s+of|owing\s+to)\s[^.;]{{1,120}}?\s(?:this|the|our)\s+{_NOUN}\s+{_IS}\s+{_WITHDRAWN}"
    rf"|\A(?:this|the|our)\s+{_NOUN}\s+(?:is|has|contains|was)\b(?![^.;]*\b(?:accepted|submitted|presented|published)\b)"
    rf"(?:[^.;]|\.\d){{0,120}}?\band\s+{_IS}\s+{_WITHDRAWN}"
    rf"|\brequest(?:ed)?\s+that\s+(?:this|the)\s+{_NOUN}\s+be\s+{_WITHDRAWN}"
    rf"|(?:\A|[.;!]\s+)please\s+withdraw\s+(?:this|the)\s+{_NOUN}\b{_NOT_ELSEWHERE}"
)
# "5 pages, withdrawn", "It has been withdrawn by the authors", "… has an error and has been withdrawn".
_WITHDRAWN_CLAUSE: Final = _compile(
    rf"(?:\A|[.,;:!?]\s+|[\[(*]\s*|\s[-–—]+\s|,?\s(?:and|so)\s+(?={_IS}|it\s))"
    rf"(?:(?:it\s+)?{_IS}\s+{_WITHDRAWN}|(?:(?:temporarily|now|paper|article)\s+)?(?:withdrawn|retracted))"
    r"(?=\W*\Z|\s*[)\]*]|[.;]\s|,?\s+(?:by\s+(?:(?:the|all|its)\s+)?(?:\w+\s+)?(?:authors?|arxiv)|due\s+to|because|for\s+(?:now|revision)"
    r"|since\s+(?:the|it|there|we|an?)|as\s+(?:the|it|there|we|an?)|to\s+(?:be|correct|fix|revise|add|run)|until|pending))"
)
# What an earlier part of the comment mentions if the clause may be about another paper.
_ANOTHER_PAPER: Final = re.compile(
    r"arxiv[:/\s]\s*[\w-]*\W?\d|\b(?:supersed\w*|replac\w*|previous(?:ly)?|earlier|prior|old(?:er)?|initial|original"
    r"|companion|another|others?|extend\w*|et\s+al)\b|\[\d",
    re.IGNORECASE,
)
# What an earlier part of the sentence mentions if the clause may be about something else.
_SOMETHING_ELSE: Final = re.compile(
    r"\b(?:first|which|whose|whom|who|that|accepted|submitted|presented|appeared|drugs?|stud(?:y|ies)|if|when|claims?"
    r"|theorem|lemma|section|data\w*)\b",
    re.IGNORECASE,
)
_SENTENCE_END: Final = re.compile(r"[.;!?]")
# arXiv's own notices; "version 1 has been removed by arXiv administrators" is about another version.
_ARXIV_NOTICE: Final = _compile(
    rf"(?:\A|[.;:,!?]\s+|[\[(*]\s*|\s[-–—]+\s)(?:(?:{_THE_PAPER}|the\s+version)\s+(?:v\d+\s+)?(?:{_IS}\s+)?)?{_ADVERBS}"
    r"(?:withdrawn|removed|retracted)\s+by\s+(?:the\s+)?arxiv\b"
)
_ARXIV_ACTS: Final = _compile(
    rf"\barxiv\s+admin\w*\s+(?:have\s+|has\s+)?(?:withdrawn|withdrew|removed|retracted)\s+(?:this|the)\s+(?:{_NOUN}|version)"
)
_WITHDRAWN_TITLE: Final = re.compile(
    r"\s*(?:[\[(]\s*(?i:withdrawn|retracted)\s*[\])]|(?:WITHDRAWN|RETRACTED)\b\s*[:.-])"
)


def is_withdrawn(paper: Paper) -> bool:
    """Whether the authors or arXiv withdrew the paper itself."""
    comment, abstract, title = (_text_to_search(text) for text in (paper.comment or "", paper.abstract, paper.title))
    return bool(
        _comment_says_withdrawn(_ADMIN_NOTE.sub("", comment))
        or _WITHDRAWN_SENTENCE.match(abstract)
        or _ARXIV_NOTICE.match(abstract)
        or _WITHDRAWN_TITLE.match(title)
    )


def _comment_says_withdrawn(comment: str) -> bool:
    return bool(
        _WITHDRAWN_COMMENT.match(comment)
        or _ARXIV_NOTICE.search(comment)
        or _ARXIV_ACTS.search(comment)
        or _WITHDRAWN_SENTENCE.search(comment)
        or _WITHDRAWN_LATER.search(comment)
    ) or any(_is_about_the_paper(comment, found) for found in _WITHDRAWN_CLAUSE.finditer(comment))


def _is_about_the_paper(comment: str, clause: re.Match[str]) -> bool:
    sentence = _SENTENCE_END.split(comment[: clause.start() + 1])[-1]
    return not (_ANOTHER_PAPER.search(comment, 0, clause.start()) or _SOMETHING_ELSE.search(sentence))


def _text_to_search(text: str) -> str:
    """Returns the text without TeX; empty, to save the conversion, if it does not mention a withdrawal."""
    lower = text.lower()
    return tex_to_text(text) if any(mention in lower for mention in _MENTIONS) else ""
