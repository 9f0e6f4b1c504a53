"""Fits texts of any length into one of Discord's limits; every layout uses `fit` or `upgrade_lines`.

A layout lists its size budgets from generous to tight: how long the parts of an item may be, except for one flexible
text (an abstract, a title). All items of a message get the same budget, and the flexible texts share the space that is
left. Single lines may then be upgraded to a more generous budget. It knows nothing about papers or Markdown.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Budget = TypeVar("Budget")
Rendered = TypeVar("Rendered")
Budget_contra = TypeVar("Budget_contra", contravariant=True)
Rendered_co = TypeVar("Rendered_co", covariant=True)


class Draft(Protocol[Budget_contra, Rendered_co]):
    """One item of a message: its texts, converted and escaped once, not yet cut."""

    @property
    def wanted(self) -> int:
        """The length of the flexible text if nothing limits it, in UTF-16 units."""

    @property
    def readable(self) -> int:
        """The length at which the flexible text is still worth reading, in UTF-16 units."""

    def render(self, budget: Budget_contra, flexible_max: int, /) -> Rendered_co:
        """Returns the item with each part cut to the budget, and the flexible text to `flexible_max`."""


@dataclass(frozen=True, slots=True)
class Fit(Generic[Budget]):
    """The size budget of a message, and the maximum length of each item's flexible text."""

    budget: Budget
    shares: tuple[int, ...]

    def render(self, drafts: Sequence[Draft[Budget, Rendered]]) -> list[Rendered]:
        """Returns the items that `fit` was called with, each cut to its size."""
        return [draft.render(self.budget, share) for draft, share in zip(drafts, self.shares, strict=True)]


def fit(
    drafts: Sequence[Draft[Budget, Rendered]],
    budgets: Sequence[Budget],
    limit: int,
    length: Callable[[Rendered], int],
) -> Fit[Budget]:
    """Chooses the most generous budget in which all flexible texts stay readable; the last one if there is none.

    `limit` applies to all items together, with one line break for each.
    """
    readable = sum(draft.readable for draft in drafts)
    for budget in budgets:
        space = limit - sum(length(draft.render(budget, 0)) + len("\n") for draft in drafts)
        if space >= readable:
            break
    return Fit(budget, tuple(share_evenly([draft.wanted for draft in drafts], space)))


def share_evenly(wanted: Sequence[int], space: int) -> list[int]:
    """Shares the space so that an item gets less than another one only if it wants less."""
    shares = [0] * len(wanted)
    for served, index in enumerate(sorted(range(len(wanted)), key=wanted.__getitem__)):
        shares[index] = min(wanted[index], space // (len(wanted) - served))
        space -= shares[index]
    return shares


def upgrade_lines(
    lines: Sequence[str], alternatives: Iterable[Sequence[str]], fits: Callable[[Sequence[str]], bool]
) -> list[str]:
    """Returns the lines, each replaced by the last of its alternatives with which all lines together still fit.

    `alternatives` has one list of lines per budget, from tight to generous; earlier lines are upgraded first.
    """
    upgraded = list(lines)
    for longer_lines in alternatives:
        for index, line in enumerate(longer_lines):
            candidate = [*upgraded[:index], line, *upgraded[index + 1 :]]
            upgraded = candidate if fits(candidate) else upgraded
    return upgraded
