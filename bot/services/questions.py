"""Keeps questions about what someone typed, so that their buttons work after a restart."""

import secrets

from bot.domain.question import Question
from bot.runtime.clock import Clock
from bot.store.questions import Questions

_KEY_BYTES = 8


class QuestionService:
    """Stores questions and finds them again."""

    def __init__(self, questions: Questions, clock: Clock) -> None:
        self._questions = questions
        self._clock = clock

    async def add(self, question: Question) -> str:
        """Stores a question; returns its key."""
        key = secrets.token_hex(_KEY_BYTES)
        await self._questions.add(key, question, self._clock.now())
        return key

    async def find(self, key: str, user_id: int) -> Question | None:
        """Returns a question that this person was asked; None if it has expired."""
        question = await self._questions.get(key, self._clock.now())
        return question if question is not None and question.user_id == user_id else None
