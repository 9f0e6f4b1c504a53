"""Parsed keywords by spelling: parsing takes 20 to 130 µs, too long to repeat for each row of each request.

A spelling of a phrase, or of an expression, always has the same result, so that an entry is never out of date. It is
used from several threads.
"""

import threading
from collections import OrderedDict
from typing import Final

from bot.domain.expressions.keywords import is_canonical_expression, stored_keyword
from bot.domain.keyword import Keyword

# A parsed keyword takes 60 to 85 bytes per character: about 40 MB in all, for 25,000 keywords of 20 characters.
_CHARACTERS_MAX: Final = 500_000


class KeywordCache:
    """The keywords used last, up to `characters_max` characters of their spellings."""

    def __init__(self, characters_max: int = _CHARACTERS_MAX) -> None:
        self._characters_max = characters_max
        self._characters = 0
        self._keywords: OrderedDict[tuple[str, bool], Keyword] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, shown: str, canonical: str) -> Keyword:
        """Returns the keyword with this spelling and this canonical form; parses it only if it is not cached."""
        key = shown, is_canonical_expression(canonical)
        with self._lock:
            keyword = self._keywords.pop(key, None)
            if keyword is None:
                keyword = stored_keyword(shown, canonical)
                self._characters += len(shown)
            self._keywords[key] = keyword  # the last one now
            while self._characters > self._characters_max:
                (oldest, _), _ = self._keywords.popitem(last=False)
                self._characters -= len(oldest)
            return keyword
