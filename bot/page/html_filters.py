"""The HTML page's filters by category and by date, implemented in CSS without JavaScript.

Class names are generated (`c3`, `d1`); text of papers never becomes part of the style sheet.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from bot.domain.categories import CATEGORIES
from bot.domain.paper import Paper
from bot.page.text import category_text

# Class name and length in days of each period, shortest first.
_PERIODS: Final = (("d0", 3), ("d1", 7), ("d2", 30))


@dataclass(frozen=True, slots=True)
class FilterOption:
    """One option of a filter: the value of the form control, and its label."""

    value: str
    label: str


class Filtered(Protocol):
    """A paper as the filters see it."""

    @property
    def updated(self) -> datetime:
        """The date of its latest version."""

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of its categories."""


class Filters:
    """The filters that one page offers."""

    def __init__(self, updated: datetime | None, papers: Sequence[Filtered]) -> None:
        counts = Counter(code for paper in papers for code in paper.codes)
        self._classes: Mapping[str, str] = {code: f"c{number}" for number, code in enumerate(sorted(counts))}
        self.categories = tuple(FilterOption(name, _label(code, counts[code])) for code, name in self._classes.items())
        self.dates = tuple(FilterOption(name, f"Last {days} days") for name, days in _PERIODS)
        self._now: datetime | None = updated or max((paper.updated for paper in papers), default=None)
        # The categories of each paper, with the shortest period that includes it.
        codes = ((code, period) for paper in papers for code in paper.codes for period in self._period(paper))
        self._pairs = {(self._classes[code], period) for code, period in codes}

    def classes(self, paper: Filtered) -> str:
        """Returns the paper's CSS classes: one per category, and the shortest period that includes it."""
        return " ".join([*(self._classes[code] for code in paper.codes), *self._period(paper)])

    def _period(self, paper: Filtered) -> Iterator[str]:
        for name, days in _PERIODS:
            if self._now is not None and self._now - paper.updated <= timedelta(days=days):
                yield name
                return

    def rules(self) -> str:
        """Returns the CSS rules that hide the papers outside the chosen options."""
        shown: dict[str, tuple[str, ...]] = {option.value: (option.value,) for option in self.categories}
        periods = [option.value for option in self.dates]
        # A longer period includes the shorter ones.
        shown |= {name: tuple(periods[: index + 1]) for index, name in enumerate(periods)}
        return "".join([_rule(value, classes) for value, classes in shown.items()] + list(self._no_match_rules()))

    def _no_match_rules(self) -> Iterator[str]:
        """Returns the CSS rules that replace the sections by a message where options together match no paper."""
        periods = [option.value for option in self.dates]
        for index, period in enumerate(periods):
            included = set(periods[: index + 1])
            matched = {name for name, within in self._pairs if within in included}
            unmatched = ",".join(f"[value={each.value}]" for each in self.categories if each.value not in matched)
            if unmatched:
                chosen = f":has(:is({unmatched}):checked)" if matched else ""
                body = f"body:has([value={period}]:checked){chosen}"
                yield f"{body} .nothing{{display:block}}\n{body} main>section{{display:none}}\n"


def category_codes(paper: Paper) -> tuple[str, ...]:
    """Returns the codes of the paper's categories, the primary one first, each once."""
    codes = map(category_text, (paper.primary_category, *paper.categories))
    return tuple(code for code in dict.fromkeys(codes) if code)


def _rule(value: str, classes: tuple[str, ...]) -> str:
    shown = ",".join(f".{name}" for name in classes)
    return f"body:has([value={value}]:checked) .papers>li:not({shown}){{display:none}}\n"


def _label(code: str, count: int) -> str:
    name = CATEGORIES.get(code)
    return f"{code} · {name} ({count})" if name else f"{code} ({count})"
