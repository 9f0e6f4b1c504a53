"""Keywords that earlier releases accepted and that commands reject today: they stay, with a hint.

Those releases stored any text as a phrase, also expressions. It never changes what a stored keyword means.
"""

from bot.domain.expressions.keywords import AmbiguousKeyword, parse_keyword, phrase_of, read_keyword
from bot.domain.expressions.parsing import is_expression
from bot.domain.expressions.splitting import split_list
from bot.domain.keyword import Keyword
from bot.domain.unsupported import unsupported_syntax
from bot.runtime.errors import InvalidKeyword


def configured_keyword(text: str) -> Keyword:
    """Reads a keyword in the settings file; raises InvalidKeyword.

    Text with a mistake stays the phrase that an earlier release made of it, so that it does not prevent a start.
    """
    try:
        return parse_keyword(text)
    except InvalidKeyword as error:
        try:
            return Keyword.parse(text)
        except InvalidKeyword:
            raise error from None


def unlikely_to_match(keyword: Keyword) -> str | None:
    """Returns why a stored phrase is unlikely to match, and what to do; None if it is an expression or may match."""
    if keyword.expression is not None:
        return None
    phrase = phrase_of(keyword)
    if is_expression(phrase):
        return (
            _mistake(phrase) or "It is a phrase, with its operators as words. To make it an expression, add it again."
        )
    if len(split_list(phrase)) > 1:
        return "It contains a comma. Write each keyword as one of its own."
    return unsupported_syntax(keyword.shown)


def _mistake(phrase: str) -> str | None:
    try:
        read = read_keyword(phrase)
    except InvalidKeyword as error:
        return str(error)
    return str(read) if isinstance(read, AmbiguousKeyword) else None
