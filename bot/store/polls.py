"""The results of polls, and single values that outlive a run."""

from datetime import timedelta
from typing import Any, Final, assert_never

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot.domain.poll_schedule import BatchMissing, Poll, PollCompleted, PollFailed, PollResult, PollThrottled
from bot.store.columns import Text, Utc
from bot.store.database import Database
from bot.store.schema import key_values, polls

# The schedule needs the polls of a night, people those of a week.
POLLS_KEPT: Final = timedelta(days=14)
# A clock may be adjusted by seconds between polls.
_FUTURE: Final = timedelta(minutes=1)
# Of a series of equal results that are closer than this (fixed polling), only the first and the last are kept. Polls by
# the calendar are further apart.
POLLS_OF_ONE_RUN: Final = timedelta(minutes=10)

_DROP_OLD: Final = sa.delete(polls).where(
    sa.or_(polls.c.at < sa.bindparam("oldest", type_=Utc), polls.c.at > sa.bindparam("future", type_=Utc))
)
_LAST_TWO: Final = (
    sa.select(polls).where(polls.c.at > sa.bindparam("since", type_=Utc)).order_by(polls.c.id.desc()).limit(2)
)
_RECENT: Final = sa.select(polls).order_by(polls.c.id)
_VALUE: Final = sa.select(key_values.c.value).where(key_values.c.name == sa.bindparam("name", type_=Text))
_SET_VALUE: Final = insert(key_values).on_conflict_do_update(
    index_elements=["name"], set_={"value": insert(key_values).excluded.value}
)


class Polls:
    """The results of recent polls."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write_problem(self) -> str | None:
        """Why a poll's result cannot be stored now; None if it can be. For frequent checks."""
        return await self._database.write_problem()

    async def add(self, poll: Poll) -> None:
        """Stores a poll, and deletes old ones and those in its future, which a clock that was ahead recorded.

        Of equal results in quick succession, only the first and the last are kept.
        """
        columns = _to_columns(poll.result)
        times = {"oldest": poll.at - POLLS_KEPT, "future": poll.at + _FUTURE}
        async with self._database.transaction() as connection:
            await connection.write(_DROP_OLD, times)
            rows = await connection.all(_LAST_TWO, {"since": poll.at - POLLS_OF_ONE_RUN})
            if len(rows) == 2 and all({name: getattr(row, name) for name in columns} == columns for row in rows):
                await connection.write(sa.update(polls).where(polls.c.id == rows[0].id).values(at=poll.at))
            else:
                await connection.write(sa.insert(polls), columns | {"at": poll.at})

    async def recent(self) -> tuple[Poll, ...]:
        """Returns the stored polls, oldest first."""
        async with self._database.reading() as connection:
            rows = await connection.all(_RECENT)
        return tuple(Poll(row.at, _to_result(row)) for row in rows)


class KeyValues:
    """Single values by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> str | None:
        """Returns the value; None if it was never set."""
        async with self._database.reading() as connection:
            value: str | None = await connection.scalar(_VALUE, {"name": name})
            return value

    async def set(self, name: str, value: str) -> None:
        """Sets the value."""
        async with self._database.transaction() as connection:
            await connection.write(_SET_VALUE, {"name": name, "value": value})


def _to_columns(result: PollResult) -> dict[str, Any]:
    columns: dict[str, Any] = dict.fromkeys(("new_papers", "has_batch", "reason", "retry_at"))
    match result:
        case PollCompleted(new_papers, batch):
            return columns | {"outcome": "read", "new_papers": new_papers, "has_batch": batch}
        case BatchMissing():
            return columns | {"outcome": "batch absent"}
        case PollThrottled(retry_at):
            return columns | {"outcome": "throttled", "retry_at": retry_at}
        case PollFailed(reason, retry_at):
            return columns | {"outcome": "broken", "reason": reason, "retry_at": retry_at}
        case _:
            assert_never(result)


def _to_result(row: sa.Row[Any]) -> PollResult:
    match row.outcome:
        case "read":
            return PollCompleted(row.new_papers, batch=row.has_batch)
        case "batch absent":
            return BatchMissing()
        case "throttled":
            return PollThrottled(row.retry_at)
        case _:
            return PollFailed(row.reason, row.retry_at)
