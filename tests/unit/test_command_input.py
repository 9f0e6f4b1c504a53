"""What commands make of typed keywords: which are accepted, and the message for each of the others."""

import time

import pytest

from bot.domain.expressions.keywords import AmbiguousKeyword, parse_keyword, read_keyword
from bot.domain.keyword import Keyword
from bot.runtime.errors import InvalidKeyword
from cogs.input import parse_keywords, parse_one_keyword, possible_keywords, read_keywords

EXCLUDES = "That is nearly everything: an expression that only excludes. What should it contain?"
UNBALANCED = "A quotation mark is missing: a phrase has one in front of it and one behind it."
NO_CATEGORY = "There is no arXiv category `cs.XX`. Did you mean `cs.SY`, `cs.SI` or `cs.SE`?"
STOP_WORDS = 'Use at least one word besides stop words such as "the" or "of".'


def test_phrases_and_expressions_are_separated_by_commas() -> None:
    typed = 'reward model, ("a, b" OR c) AND cat:cs.CL, au:"Hinton, G", Reward Models'
    keywords = parse_keywords(typed)
    assert keywords[0] == Keyword.parse("reward model")
    assert keywords[1:] == [parse_keyword('("a, b" OR c) AND cat:cs.CL'), parse_keyword('au:"Hinton, G"')]


def test_category_option_limits_phrases_and_expressions() -> None:
    phrase, expression = parse_keywords("agents, a1 OR b1", "cs.CL")
    assert phrase == Keyword.parse("agents [cs.CL]")
    assert expression == parse_keyword("(a1 OR b1) AND cat:cs.CL")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("a1 OR", 'After `OR`, a word, a "phrase" or a field such as `au:` is missing.\n```\na1 OR\n     ^\n```'),
        (
            '"reward model',
            f'{UNBALANCED}\n```\n"reward model\n^\n```',
        ),
        ("a1 OR (b1", "There is no `)` for this `(`.\n```\na1 OR (b1\n      ^\n```"),
        ("ab:x1", "There is no field `ab:`. Did you mean `abs:`?\n```\nab:x1\n^\n```"),
        ("x cat:cs.XX", f"{NO_CATEGORY}\n```\nx cat:cs.XX\n  ^\n```"),
        ("-survey", EXCLUDES),
        ("(" * 6000, "An expression can be up to 1,000 characters long."),
        ("agents [cs.CL, cs.LG]", "Write several categories as `agents AND (cat:cs.CL OR cat:cs.LG)`."),
        ("cs.CL", "For every paper in cs.CL, use `cat:cs.CL`; to narrow a keyword, `agents [cs.CL]`."),
        ("of the", STOP_WORDS),
    ],
)
def test_mistake_is_answered_with_one_sentence_and_its_place(typed: str, message: str) -> None:
    assert parse_keywords(typed) == [message]


def test_code_block_cannot_be_ended_by_what_was_typed() -> None:
    (message,) = parse_keywords("```@everyone OR")
    assert isinstance(message, str)
    assert message.count("```") == 2
    assert message.endswith("\n\u2035\u2035\u2035@everyone OR\n               ^\n```")


def test_mistake_in_a_list_is_named() -> None:
    assert parse_keywords("agents, -survey") == [Keyword.parse("agents"), f"**-survey**: {EXCLUDES}"]


def test_list_with_a_quotation_mark_too_many_is_one_mistake() -> None:
    assert parse_keywords('a1, "b1, c1 OR d1') == [f'{UNBALANCED}\n```\na1, "b1, c1 OR d1\n    ^\n```']
    assert parse_keywords('a1, 5" b1') == [Keyword.parse("a1"), Keyword.parse('5" b1')]


async def test_name_is_for_one_keyword() -> None:
    (named,) = await read_keywords("a1 OR b1", None, '"My\n papers"')
    assert isinstance(named, Keyword)
    assert (named.label, named.text) == ("My papers", 'name:"My papers" a1 OR b1')
    (ambiguous,) = await read_keywords("a1 and b1", None, "Both")
    assert isinstance(ambiguous, AmbiguousKeyword)
    assert [each.label for each in ambiguous.readings] == ["Both", "Both"]
    assert await read_keywords("of the", None, "Both") == [STOP_WORDS]
    with pytest.raises(InvalidKeyword, match="`name` is for one keyword; you gave 2"):
        await read_keywords("a1, b1", None, "Both")
    with pytest.raises(InvalidKeyword, match="A name needs at least one visible character"):
        await read_keywords("a1", None, ' " ')


def test_only_keyword_of_a_text_is_returned() -> None:
    assert parse_one_keyword(" reward model,", "latest") == Keyword.parse("reward model")
    assert parse_one_keyword("agents, Agents", "latest") == Keyword.parse("agents")
    assert parse_one_keyword("a1 and b1", "latest") == read_keyword("a1 and b1")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("reward model, RLHF", "`/latest` takes one keyword; you gave 2: **reward model**, **RLHF**. "),
        ("a1, b1 and c1", "`/latest` takes one keyword; you gave 2: **a1**, **b1 and c1**. "),
        ("-survey", EXCLUDES),
        ("agents, -survey, the", f"**-survey**: {EXCLUDES}\n**the**: Use at least one word"),
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


def test_text_for_a_stored_keyword_can_mean_an_expression_or_an_earlier_phrase() -> None:
    assert possible_keywords("agents") == (Keyword.parse("agents"),)
    assert possible_keywords("llm OR vlm") == (parse_keyword("llm OR vlm"), Keyword.parse("llm OR vlm"))
    assert possible_keywords("a1 and b1") == (Keyword.parse("a1 and b1"), parse_keyword("a1 AND b1"))
    assert possible_keywords("a1 OR") == (Keyword.parse("a1 OR"),)
    with pytest.raises(InvalidKeyword):
        possible_keywords("the")


@pytest.mark.parametrize("typed", [",".join(f"a{number}" for number in range(1000)), "(a1 OR " * 700, "a1 and " * 700])
def test_text_of_the_longest_option_is_read_quickly(typed: str) -> None:
    start = time.thread_time()
    assert parse_keywords(typed)
    assert time.thread_time() - start < 0.5
