"""Keywords of earlier releases, and keywords with a mistake in the settings file: they stay, with a hint."""

import pytest

from bot.__main__ import keyword_fault
from bot.domain.accepted_keywords import configured_keyword, unlikely_to_match
from bot.domain.expressions.keywords import parse_keyword
from bot.domain.keyword import Keyword
from bot.runtime.errors import InvalidKeyword


def test_expression_in_the_settings_is_read() -> None:
    keyword = configured_keyword('name:"My papers" agents OR tools')
    assert (keyword, keyword.label) == (parse_keyword("agents OR tools"), "My papers")
    assert unlikely_to_match(keyword) is None


def test_expression_with_a_mistake_in_the_settings_stays_a_phrase() -> None:
    keyword = configured_keyword("(llm OR agents")
    assert keyword == Keyword.parse("(llm OR agents")
    assert unlikely_to_match(keyword) == "There is no `)` for this `(`."


def test_text_that_was_never_a_keyword_is_a_fault_of_the_settings() -> None:
    long = "(" + " OR ".join(f"agents {number}" for number in range(60))
    assert keyword_fault(long) == "There is no `)` for this `(`."
    assert keyword_fault("agents OR tools") is None
    with pytest.raises(InvalidKeyword, match="at least one letter"):
        configured_keyword("∇")


@pytest.mark.parametrize(
    ("stored", "problem"),
    [
        ("agents", None),
        ("agents [cs.CL]", None),
        ("llm OR vlm", "It is a phrase, with its operators as words. To make it an expression, add it again."),
        ("llm OR vlm [cs.CL]", "It is a phrase, with its operators as words. To make it an expression, add it again."),
        ("ti:scaling laws", 'This can be read in several ways. Write `ti:"scaling laws"` or `ti:scaling AND laws`.'),
        ("agents, robots", "It contains a comma. Write each keyword as one of its own."),
        ("trans*former", "Wildcards aren't supported. Use whole words; their other endings are found anyway."),
    ],
)
def test_stored_phrase_that_is_unlikely_to_match_has_a_hint(stored: str, problem: str | None) -> None:
    assert unlikely_to_match(Keyword.parse(stored)) == problem
