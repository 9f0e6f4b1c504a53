"""Splits the names of authors into family and given names, for formats that need them apart.

arXiv lists given names first and does not mark the family name: it is taken to be the last word, with particles in
front of it (`van den Oord`). The name of a group stays whole.
"""

import re
from dataclasses import dataclass
from typing import Final

from bot.domain.expressions.names import PARTICLES
from bot.page.text import one_line

_GROUP: Final = re.compile(
    r"[0-9&]|\b(?:and|collaborations?|consortium|committee|group|institute|laboratory|network|project|team|university"
    r"|for\s+the)\b",
    re.IGNORECASE,
)
_SUFFIX: Final = re.compile(r"(?:Jr|Sr)\.?|II|III|IV")
_WORDS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name; that of a group has only a family name and `is_group`."""

    family: str
    given: str = ""
    suffix: str = ""
    is_group: bool = False

    @property
    def inverted(self) -> str:
        """The name as `Oord, Aaron van den, Jr.`, with the family name first."""
        return ", ".join(part for part in (self.family, self.given, self.suffix) if part)


def split_name(listed: str) -> PersonName:
    """Returns the parts of a name as arXiv lists it; all of them are empty if nothing of it is visible."""
    name = one_line(listed)
    before, *after = (part.strip() for part in name.split(","))
    if _GROUP.search(name) or len(name.split()) > _WORDS_MAX or len(after) > 1:
        return PersonName(name, is_group=True)
    if after and not _SUFFIX.fullmatch(after[0]):
        return PersonName(before, after[0])
    words = before.split()
    suffix = after[0] if after else words.pop() if len(words) > 2 and _SUFFIX.fullmatch(words[-1]) else ""
    start = max(len(words) - 1, 0)
    while start > 0 and words[start - 1] in PARTICLES:
        start -= 1
    return PersonName(" ".join(words[start:]), " ".join(words[:start]), suffix)
