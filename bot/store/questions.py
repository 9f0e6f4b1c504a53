"""The questions that people were asked about what they typed, until they expire.

Of each person, only the newest ones are kept.
"""

import json
from datetime import date, datetime, timedelta
from typing import Final, cast

import sqlalchemy as sa

from bot.domain.expressions.keywords import stored_keyword
from bot.domain.keyword import Keyword
from bot.domain.period import Period
from bot.domain.question import Question, QuestionCommand
from bot.store.column_types import Id, Utc
from bot.store.database import Database
from bot.store.schema import questions

# How long a question can be answered, and how many questions of one person can.
QUESTION_KEPT: Final = timedelta(days=7)
QUESTIONS_PER_PERSON: Final = 20

_USER: Final = sa.bindparam("user", type_=Id)
_EXPIRED_BEFORE: Final = sa.bindparam("expired_before", type_=Utc)
_EXPIRED: Final = sa.delete(questions).where(questions.c.asked_at < _EXPIRED_BEFORE)
_OF_USER: Final = (
    sa.select(questions.c.key)
    .where(questions.c.user_id == _USER)
    .order_by(questions.c.asked_at.desc())
    .offset(QUESTIONS_PER_PERSON)
    .limit(QUESTIONS_PER_PERSON)
)
_TOO_MANY: Final = sa.delete(questions).where(questions.c.key.in_(_OF_USER))


class Questions:
    """The stored questions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: str, question: Question, now: datetime) -> None:
        """Stores a question under a new key."""
        answers = [[[each.text, each.canonical] for each in answer] for answer in question.answers]
        values = {
            "key": key,
            "user_id": question.user_id,
            "asked_at": now,
            "command": question.command,
            "channel_id": question.channel_id,
            "papers": question.papers,
            "sort": question.sort,
            "period": None if question.period is None else f"{question.period.first}/{question.period.last}",
            "answers": json.dumps(answers, ensure_ascii=False),
            "mention_role": question.mention_role,
        }
        async with self._database.transaction() as connection:
            await connection.write(_EXPIRED, {"expired_before": now - QUESTION_KEPT})
            await connection.write(sa.insert(questions).values(values))
            await connection.write(_TOO_MANY, {"user": question.user_id})

    async def get(self, key: str, now: datetime) -> Question | None:
        """Returns a question; None if it has expired."""
        statement = sa.select(questions).where(questions.c.key == key, questions.c.asked_at >= now - QUESTION_KEPT)
        async with self._database.reading() as connection:
            row = await connection.first(statement)
        if row is None:
            return None
        return Question(
            row.user_id,
            cast("QuestionCommand", row.command),
            tuple(map(_keywords, json.loads(row.answers))),
            row.channel_id,
            row.papers,
            row.sort,
            None if row.period is None else Period(*map(date.fromisoformat, row.period.split("/"))),
            row.mention_role,
        )


def _keywords(answer: list[tuple[str, str]]) -> tuple[Keyword, ...]:
    return tuple(stored_keyword(text, canonical) for text, canonical in answer)
