"""Questions about what someone typed: kept over a restart, for one person, for some days."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.domain.expressions.keywords import parse_keyword
from bot.domain.keyword import Keyword
from bot.domain.period import Period
from bot.domain.question import Question
from bot.services.questions import QuestionService
from bot.store.questions import QUESTION_KEPT, QUESTIONS_PER_PERSON, Questions
from tests.support.clock import FakeClock
from tests.support.store import ADA, CHANNEL, NOW, Store

ANSWERS = ((Keyword.parse("llm and agents").named("Both"),), (parse_keyword("llm AND agents"), Keyword.parse("tools")))
ASKED = Question(ADA, "subscribe", ANSWERS, channel_id=CHANNEL, mention_role=2**63 - 1)


@pytest.fixture
def questions(store: Store) -> Questions:
    return Questions(store.database)


def shown(question: Question | None) -> list[list[tuple[str, str]]]:
    assert question is not None
    return [[(each.text, each.canonical) for each in answer] for answer in question.answers]


async def test_question_is_read_as_it_was_asked(questions: Questions) -> None:
    lookup = Question(ADA, "latest", ANSWERS, papers=3)
    updated = replace(lookup, sort="updated", period=Period(date(2026, 11, 1), date(2026, 11, 10)))
    for key, question in {"a": ASKED, "b": lookup, "d": updated}.items():
        await questions.add(key, question, NOW)
        found = await questions.get(key, NOW)
        assert found == question
        assert shown(found) == shown(question)
    assert await questions.get("c", NOW) is None


async def test_question_expires(questions: Questions) -> None:
    await questions.add("a", ASKED, NOW)
    assert await questions.get("a", NOW + QUESTION_KEPT) is not None
    assert await questions.get("a", NOW + QUESTION_KEPT + timedelta(seconds=1)) is None
    later = NOW + QUESTION_KEPT + timedelta(days=1)
    await questions.add("b", ASKED, later)
    assert await questions.get("a", NOW) is None
    assert await questions.get("b", later) is not None


async def test_only_the_newest_questions_of_a_person_are_kept(questions: Questions) -> None:
    other = Question(ADA + 1, "subscribe", ANSWERS, channel_id=CHANNEL)
    await questions.add("other", other, NOW)
    for number in range(QUESTIONS_PER_PERSON + 1):
        await questions.add(str(number), ASKED, NOW + timedelta(seconds=number))
    assert await questions.get("0", NOW) is None
    assert await questions.get("1", NOW) is not None
    assert await questions.get("other", NOW) is not None


async def test_question_is_found_only_for_the_person_who_was_asked(questions: Questions, clock: FakeClock) -> None:
    service = QuestionService(questions, clock)
    key = await service.add(ASKED)
    assert await service.find(key, ADA) == ASKED
    assert await service.find(key, ADA + 1) is None
    assert await service.find("0" * 16, ADA) is None
