"""How many papers a month a keyword has: which counts are still good, and what is left to be counted.

Keywords, months and counts enter; charts' series leave. It asks nobody.
"""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.months import Month
from bot.limits import TOTAL_FINAL_AFTER, TOTAL_GOOD_FOR


@dataclass(frozen=True, slots=True)
class MonthTotal:
    """How many papers arXiv counted for one keyword in one month, and when it was asked."""

    total: int
    counted_at: datetime

    def is_final(self, month: Month) -> bool:
        """Whether it was counted so long after the month's end that no more papers come."""
        return self.counted_at >= month.end + TOTAL_FINAL_AFTER

    def is_good(self, month: Month, now: datetime) -> bool:
        """Whether arXiv need not be asked again; a count from the future is a clock gone wrong."""
        age = now - self.counted_at
        return age.total_seconds() >= 0 and (self.is_final(month) or age < TOTAL_GOOD_FOR)
