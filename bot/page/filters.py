"""The filters of the HTML page: by category and by date, in CSS alone.

Papers enter; the choices, the classes that papers carry for them, and the rules leave. Classes are ours (`c3`, `d1`):
no word of a paper gets into the style.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.domain.categories import CATEGORIES
from bot.domain.paper import Paper
from bot.page.model import Page
from bot.page.words import code_words, ordered

_SPANS: Final = (("d0", 3), ("d1", 7), ("d2", 30))


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a filter: its value, and what people read."""

    value: str
    words: str


class Filters:
    """What one page can be filtered by."""

    def __init__(self, page: Page) -> None:
        papers = [paper for section in page.sections for paper in ordered(section.papers)]
        counts = Counter(code for paper in papers for code in codes(paper))
        self._classes: Mapping[str, str] = {code: f"c{number}" for number, code in enumerate(sorted(counts))}
        self.categories = tuple(Choice(name, _in_words(code, counts[code])) for code, name in self._classes.items())
        self.dates = tuple(Choice(name, f"Last {days} days") for name, days in _SPANS)
        self._now: datetime | None = page.updated or max((paper.updated for paper in papers), default=None)

    def classes(self, paper: Paper) -> str:
        """What the paper carries: a class for each category, and the narrowest span of time that it is in."""
        return " ".join([*(self._classes[code] for code in codes(paper)), *self._span(paper)])

    def _span(self, paper: Paper) -> Iterator[str]:
        for name, days in _SPANS:
            if self._now is not None and self._now - paper.updated <= timedelta(days=days):
                yield name
                return

    def rules(self) -> str:
        """The rules that hide what a choice leaves out."""
        kept: dict[str, tuple[str, ...]] = {choice.value: (choice.value,) for choice in self.categories}
        names = [choice.value for choice in self.dates]
        kept |= {name: tuple(names[: at + 1]) for at, name in enumerate(names)}
        return "".join(_rule(value, classes) for value, classes in kept.items())


def codes(paper: Paper) -> tuple[str, ...]:
    """The paper's categories, its own first, each once."""
    return tuple(code for code in dict.fromkeys(map(code_words, (paper.primary_category, *paper.categories))) if code)


def _rule(value: str, kept: tuple[str, ...]) -> str:
    others = ",".join(f".{name}" for name in kept)
    return f"body:has([value={value}]:checked) .papers>li:not({others}){{display:none}}\n"


def _in_words(code: str, count: int) -> str:
    name = CATEGORIES.get(code)
    return f"{code} · {name} ({count})" if name else f"{code} ({count})"
