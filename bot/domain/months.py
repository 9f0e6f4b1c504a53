"""Calendar months in UTC, which charts count and backfills read. A paper belongs to the month of its submission."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.domain.queries import Window

# In English, independent of the locale.
MONTH_NAMES: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTE: Final = timedelta(minutes=1)
_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """One calendar month; its text is `2026-01`, and months sort chronologically."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not 1 <= self.month <= 12:
            raise ValueError(f"not a month: {self.year}, {self.month}")

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        """Returns the UTC month of an aware datetime."""
        moment = moment.astimezone(UTC)
        return cls(moment.year, moment.month)

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Parses `2026-01`; raises ValueError for anything else."""
        match = _MONTH.fullmatch(text)
        if match is None:
            raise ValueError(f"not a month: {text!r}")
        return cls(int(match[1]), int(match[2]))

    def plus(self, months: int) -> "Month":
        """Returns the month that many months later, or earlier if negative."""
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return Month(year, month + 1)

    @property
    def start(self) -> datetime:
        """The first moment of the month."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment of the next month."""
        return self.plus(1).start

    @property
    def window(self) -> Window:
        """The month's submission times. arXiv includes both ends of a window, in whole minutes, so it ends at 23:59."""
        return Window(self.start, self.end - _MINUTE)


def months_since(first: Month, last: Month) -> tuple[Month, ...]:
    """Returns all months from `first` to `last`, both included; none if `last` is earlier."""
    return tuple(first.plus(each) for each in range((last.year - first.year) * 12 + last.month - first.month + 1))
