"""Quotes words in their sentence, as Markdown for Discord: the words are bold, everything else is shown literally.

It never decides which words are quoted.
"""

import re
from collections.abc import Sequence
from typing import Final

from bot.domain.expressions.evidence import WordSpan
from bot.domain.expressions.text_index import text_of
from bot.domain.paper import Paper
from bot.domain.tex.convert import tex_to_text
from bot.domain.text import SENTENCE_END, cut, escape_markdown, utf16_length

QUOTE_MAX: Final = 240

_ELLIPSIS: Final = "…"
# How much of the text in front of the words is quoted at most, so that the words are never cut.
_BEFORE_MAX: Final = 80
_WORDS_MAX: Final = 100
_PUNCTUATION: Final = " .,;:!?*_@<>\"'`()[]{}“”‘’«»"
_END: Final = re.compile(rf"(?:{SENTENCE_END.pattern}|[。！？])\s*", re.VERBOSE)


def quote(paper: Paper, spans: Sequence[WordSpan]) -> str:
    """Returns the sentence with the first of the spans, and every one of them in it in bold.

    The spans are of the paper, at least one, in order. A long sentence is shortened in front of the words and behind.
    """
    first = spans[0]
    text = tex_to_text(text_of(paper, first.field))
    start, end = _sentence(text, first)
    places = [_words(text, span) for span in spans if span.field is first.field and span.end <= end]
    return _end_of(text[start : places[0][0]]) + _marked(text[:end].rstrip(), _joined(places), QUOTE_MAX)


def _words(text: str, span: WordSpan) -> tuple[int, int]:
    """Returns where the words of a span are, without the punctuation around them."""
    words = text[span.start : span.end]
    start = span.start + len(words) - len(words.lstrip(_PUNCTUATION))
    return start, start + len(words.strip(_PUNCTUATION))


def _sentence(text: str, span: WordSpan) -> tuple[int, int]:
    """Returns where the sentence with a span begins and ends."""
    ends = [found.end() for found in _END.finditer(text)]
    start = max((end for end in ends if end <= span.start), default=0)
    end = min((end for end in ends if end >= span.end), default=len(text))
    return start, end


def _end_of(text: str) -> str:
    """Returns the end of the text in front of the words, from the beginning of a word if there is one."""
    if len(text) <= _BEFORE_MAX:
        return escape_markdown(text)
    kept = text[-_BEFORE_MAX:]
    _part, space, words = kept.partition(" ")
    return f"{_ELLIPSIS} {escape_markdown(words)}" if words else f"{_ELLIPSIS}{escape_markdown(kept.rstrip())}{space}"


def _joined(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Returns the places without gaps between them as one: two pairs of asterisks in sequence would be shown."""
    joined = [places[0]]
    for start, end in places[1:]:
        if start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _marked(text: str, places: Sequence[tuple[int, int]], limit: int) -> str:
    """Returns the text from the first place on, with these places in bold; it is cut behind one of them."""
    marked, position = "", places[0][0]
    for start, end in places:
        between = escape_markdown(text[position:start])
        words = f"**{escape_markdown(cut(text[start:end], _WORDS_MAX))}**"
        if marked and utf16_length(marked + between + words) > limit:
            break
        marked, position = marked + between + words, end
    rest, space_left = escape_markdown(text[position:]), max(0, limit - utf16_length(marked))
    return marked + (rest if utf16_length(rest) <= space_left else cut(rest, max(len(_ELLIPSIS), space_left)))
