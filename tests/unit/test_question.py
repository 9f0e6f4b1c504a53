"""The ways to read several keywords at once."""

from bot.domain.expressions.keywords import AmbiguousKeyword, read_keyword
from bot.domain.keyword import Keyword
from bot.domain.question import combined

GRAPH = Keyword.parse("graph")


def ambiguous(text: str) -> AmbiguousKeyword:
    read = read_keyword(text)
    assert isinstance(read, AmbiguousKeyword)
    return read


def test_each_reading_is_combined_with_the_other_keywords() -> None:
    unclear = ambiguous("llm and agents")
    phrase, expression = unclear.readings
    assert combined([GRAPH, unclear]) == ((GRAPH, phrase), (GRAPH, expression))
    assert combined([GRAPH]) == ((GRAPH,),)


def test_more_combinations_than_a_row_of_buttons_holds_are_none() -> None:
    texts = ("a1 and b1", "c1 and d1", "e1 and f1")
    assert len(combined([ambiguous(text) for text in texts[:2]])) == 4
    assert combined([ambiguous(text) for text in texts]) == ()
