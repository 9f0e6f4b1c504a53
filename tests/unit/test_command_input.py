"""What commands make of typed keywords: which are accepted, and the message for each of the others."""

import pytest

from bot.domain.keyword import Keyword
from bot.runtime.errors import InvalidKeyword
from cogs.input import parse_keywords, parse_one_keyword, parse_stored_keywords

OR = "`OR` isn't supported. Separate the keywords with commas instead: `llm, vlm`."


def test_keyword_that_cannot_match_becomes_what_to_do_instead() -> None:
    assert parse_keywords("llm OR vlm") == [OR]
    assert parse_keywords("agents, llm OR vlm") == [Keyword.parse("agents"), f"**llm OR vlm**: {OR}"]


def test_stored_keywords_that_cannot_match_are_accepted() -> None:
    assert parse_stored_keywords("llm OR vlm, cs.CL") == [Keyword.parse("llm OR vlm"), Keyword.parse("cs.CL")]


def test_categories_in_one_pair_of_brackets_are_one_mistake() -> None:
    assert parse_keywords("agents [cs.CL, cs.LG]") == [
        "Use one category per keyword, separated by commas: `agents [cs.CL], agents [cs.LG]`."
    ]


def test_only_keyword_of_a_text_is_returned() -> None:
    assert parse_one_keyword(" reward model,", "latest") == Keyword.parse("reward model")
    assert parse_one_keyword("agents, Agents", "latest") == Keyword.parse("agents")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("reward model, RLHF", "`/latest` takes one keyword; you gave 2: **reward model**, **RLHF**. "),
        ("llm OR vlm", OR),
        ("agents, llm OR vlm, the", f"**llm OR vlm**: {OR}\n**the**: Use at least one word"),
        (
            "a1, a2, a3, a4, a5, a6, a7",
            "`/latest` takes one keyword; you gave 7: **a1**, **a2**, **a3**, **a4**, **a5** and 2 more. ",
        ),
        (" , ", "A keyword needs at least one letter or digit."),
    ],
)
def test_several_or_invalid_keywords_are_rejected_with_a_message(typed: str, message: str) -> None:
    with pytest.raises(InvalidKeyword) as raised:
        parse_one_keyword(typed, "latest")
    assert str(raised.value).startswith(message)
