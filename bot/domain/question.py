"""What someone is asked about the text that they typed: which of its readings they meant.

Each answer is a button, so that a question has as many answers as fit into a row of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Literal

from bot.domain.expressions.keywords import AmbiguousKeyword
from bot.domain.keyword import Keyword
from bot.domain.period import Period
from bot.runtime.limits import BUTTONS_PER_ROW

QuestionCommand = Literal["subscribe", "latest", "search", "trend"]


@dataclass(frozen=True, slots=True)
class Question:
    """The keywords of each answer, and the command that continues with one of them.

    `channel_id` and `mention_role` are the channel and the role of a subscription. The others are those of `/latest`
    and `/search`: how many papers a page shows, the value of the option `sort`, and the days to which the papers are
    limited.
    """

    user_id: int
    command: QuestionCommand
    answers: tuple[tuple[Keyword, ...], ...]
    channel_id: int | None = None
    papers: int | None = None
    sort: str | None = None
    period: Period | None = None
    mention_role: int | None = None


def combined(parts: Sequence[Keyword | AmbiguousKeyword]) -> tuple[tuple[Keyword, ...], ...]:
    """Returns each way to read several keywords; none if there are more than a question can have answers."""
    readings = (part.readings if isinstance(part, AmbiguousKeyword) else (part,) for part in parts)
    found = tuple(islice(product(*readings), BUTTONS_PER_ROW + 1))
    return found if len(found) <= BUTTONS_PER_ROW else ()
