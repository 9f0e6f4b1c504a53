"""The results of polls, and single values that outlive a run."""

import sqlite3
from datetime import timedelta
from typing import Final, assert_never

from bot.domain.poll_schedule import BatchMissing, Poll, PollCompleted, PollFailed, PollResult, PollThrottled
from bot.store.codecs import to_datetime, to_text
from bot.store.database import Database

# The schedule needs the polls of a night, people those of a week.
POLLS_KEPT: Final = timedelta(days=14)
# A clock may be adjusted by seconds between polls.
_FUTURE: Final = timedelta(minutes=1)
# Of a series of equal results that are closer than this (fixed polling), only the first and the last are kept. Polls by
# the calendar are further apart.
POLLS_OF_ONE_RUN: Final = timedelta(minutes=10)

_COLUMNS = "outcome, new_papers, has_batch, reason, retry_at"
_Columns = tuple[str, int | None, int | None, str | None, str | None]


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
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM polls WHERE at < ? OR at > ?",
                (to_text(poll.at - POLLS_KEPT), to_text(poll.at + _FUTURE)),
            )
            rows = list(
                await connection.execute_fetchall(
                    f"SELECT id, {_COLUMNS} FROM polls WHERE at > ? ORDER BY id DESC LIMIT 2",
                    (to_text(poll.at - POLLS_OF_ONE_RUN),),
                )
            )
            if len(rows) == 2 and all(tuple(row)[1:] == columns for row in rows):
                await connection.execute("UPDATE polls SET at = ? WHERE id = ?", (to_text(poll.at), rows[0]["id"]))
                return
            await connection.execute(
                f"INSERT INTO polls (at, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", (to_text(poll.at), *columns)
            )

    async def recent(self) -> tuple[Poll, ...]:
        """Returns the stored polls, oldest first."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall(f"SELECT at, {_COLUMNS} FROM polls ORDER BY id")
        return tuple(Poll(to_datetime(row["at"]), _to_result(row)) for row in rows)


class KeyValues:
    """Single values by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> str | None:
        """Returns the value; None if it was never set."""
        async with self._database.reading() as connection:
            rows = await connection.execute_fetchall("SELECT value FROM key_values WHERE name = ?", (name,))
        return next((row["value"] for row in rows), None)

    async def set(self, name: str, value: str) -> None:
        """Sets the value."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT INTO key_values (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                (name, value),
            )


def _to_columns(result: PollResult) -> _Columns:
    match result:
        case PollCompleted(new_papers, batch):
            return ("read", new_papers, int(batch), None, None)
        case BatchMissing():
            return ("batch absent", None, None, None, None)
        case PollThrottled(retry_at):
            return ("throttled", None, None, None, to_text(retry_at))
        case PollFailed(reason, retry_at):
            return ("broken", None, None, reason, to_text(retry_at))
        case _:
            assert_never(result)


def _to_result(row: sqlite3.Row) -> PollResult:
    match row["outcome"]:
        case "read":
            return PollCompleted(row["new_papers"], batch=bool(row["has_batch"]))
        case "batch absent":
            return BatchMissing()
        case "throttled":
            return PollThrottled(to_datetime(row["retry_at"]))
        case _:
            return PollFailed(row["reason"], to_datetime(row["retry_at"]))
