"""Fits the entries of the HTML page into a number of bytes: without the oldest BibTeX, then with fewer papers."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from markupsafe import Markup

from bot.page.html_entries import HtmlEntry
from bot.page.html_filters import Filters


@dataclass(frozen=True, slots=True)
class FittedEntries:
    """The entries of each section, at most `per_keyword`; `with_bibtex` has (section, position) of some of them."""

    sections: Sequence[Sequence[HtmlEntry]]
    per_keyword: int
    with_bibtex: frozenset[tuple[int, int]]

    def markup(self, filters: Filters) -> list[list[Markup]]:
        """Returns the entries of each section as markup."""
        return [
            [
                _markup(entry, filters, with_bibtex=(number, at) in self.with_bibtex)
                for at, entry in enumerate(entries[: self.per_keyword])
            ]
            for number, entries in enumerate(self.sections)
        ]


def fitted(sections: Sequence[Sequence[HtmlEntry]], filters: Filters, max_bytes: int) -> FittedEntries:
    """Returns as many papers per section as fit, at least one, and the BibTeX of the newest of them."""
    spare, per_keyword = max_bytes, 0
    for rank in zip_longest(*sections):
        needed = sum(len(_markup(entry, filters, with_bibtex=False).encode()) for entry in rank if entry is not None)
        if per_keyword and needed > spare:
            break
        spare -= needed
        per_keyword += 1
    return FittedEntries(sections, per_keyword, frozenset(_newest_bibtex(sections, per_keyword, spare)))


def _newest_bibtex(sections: Sequence[Sequence[HtmlEntry]], per_keyword: int, spare: int) -> list[tuple[int, int]]:
    newest_first = sorted(
        (
            (entry.updated.date(), -at, number)
            for number, entries in enumerate(sections)
            for at, entry in enumerate(entries[:per_keyword])
        ),
        reverse=True,
    )
    chosen = []
    for _, negative, number in newest_first:
        entry = sections[number][-negative]
        spare -= len(entry.bibtex.encode()) - len(entry.bibtex_link.encode())
        if spare < 0:
            break
        chosen.append((number, -negative))
    return chosen


def _markup(entry: HtmlEntry, filters: Filters, *, with_bibtex: bool) -> Markup:
    classes = filters.classes(entry)
    attribute = f' class="{classes}"' if classes else ""
    bibtex = entry.bibtex if with_bibtex else entry.bibtex_link
    return Markup(f"<li{attribute}{entry.markup}{bibtex}\n")  # noqa: S704 - each part is escaped, classes are generated
