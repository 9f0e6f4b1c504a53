"""What people type as expressions: their syntax, their normal form, text with two readings, and mistakes."""

import random
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.expressions.keywords import as_keyword, stored_keyword
from bot.domain.expressions.nodes import (
    AuthorClause,
    CategoryClause,
    Conjunction,
    Disjunction,
    ExpressionNode,
    Negation,
    WordClause,
    clauses,
)
from bot.domain.expressions.parsing import (
    CLAUSES_MAX,
    EXPRESSION_MAX,
    NAME_MAX,
    AmbiguousExpression,
    KeywordExpression,
    is_expression,
    parse_expression,
    pointer,
)
from bot.domain.expressions.printing import LABEL_MAX, label, print_expression
from bot.domain.expressions.splitting import split_list
from bot.domain.keyword import Keyword
from bot.runtime.errors import InvalidExpression, InvalidKeyword
from tests.support.expressions import NODES, as_paper, parsed, random_expressions, recorded_papers, vocabulary


def printed(text: str) -> str:
    """Returns how the only reading of a text is printed."""
    return str(parsed(text))


# --- syntax --------------------------------------------------------------------------------------


@given(NODES)
def test_parsing_the_printed_tree_returns_the_tree(node: ExpressionNode) -> None:
    try:
        expression = KeywordExpression.create(node)
    except InvalidKeyword:
        return  # nearly everything, or a contradiction
    assert parsed(print_expression(node)).node == node
    assert parsed(str(expression)) == expression


@pytest.mark.slow
@pytest.mark.recordings
def test_parsing_ten_thousand_printed_expressions_returns_their_trees() -> None:
    rng = random.Random(5)
    papers = [as_paper(each) for each in recorded_papers()]
    for expression in random_expressions(rng, vocabulary(rng, papers, 3000), 10_000):
        assert parsed(str(expression)).node == expression.node


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ('("reward model" OR RLHF) AND cat:cs.CL ANDNOT survey', None),
        ("a1 OR b1 AND NOT c1", "a1 OR (b1 ANDNOT c1)"),
        ("a1 b1", '"a1 b1"'),
        ('"a1" "b1" c1', "a1 AND b1 AND c1"),
        ('c1 d1 "a1"', '"c1 d1" AND a1'),
        ("a1 | b1 || c1", "a1 OR b1 OR c1"),
        ("a1|b1", "a1 OR b1"),
        ("a1 && b1", "a1 AND b1"),
        ('"a1" -b1 !c1', "a1 ANDNOT b1 ANDNOT c1"),
        ('"a1" -"b c1" -(d1 OR e1)', 'a1 ANDNOT "b c1" ANDNOT (d1 OR e1)'),
        ("NOT NOT a1", "a1"),
        ("b1 AND NOT (NOT a1)", "b1 AND a1"),
        ("ANDNOT a1 AND b1", "NOT a1 AND b1"),
        ("((a1 OR (b1)) OR c1)", "a1 OR b1 OR c1"),
        ('au:"Hinton, G"', None),
        ("author:Hinton Title:x1 ABSTRACT:y1", "au:Hinton AND ti:x1 AND abs:y1"),
        ("ti: x1", "ti:x1"),
        ("co:NeurIPS jr:Nature", "co:NeurIPS AND jr:Nature"),
        ("cat:CS.cl a1 b1", 'cat:cs.CL AND "a1 b1"'),
        ("cat:cs", "cat:cs.*"),
        ("cat:cs*", "cat:cs.*"),
        ("cat:cs.*", None),
        ('cat:"cs.CL"', "cat:cs.CL"),
        ("cat:quant-ph*", "cat:quant-ph"),
        ("primary:cs.CL", None),
        ("primary:(cs.CL OR cs.LG)", "primary:cs.CL OR primary:cs.LG"),
        ("ti:(a1 OR abs:b1)", "ti:a1 OR abs:b1"),
        ("=CLIP", None),
        ('ti:="A b1"', None),
        ("SU(2) OR p(y|x)", '"SU(2)" OR "p(y|x)"'),
        ("AND gate OR NOT gates", '"AND gate" OR "NOT gates"'),
        ('5" telescope OR a1', '"5 telescope" OR a1'),
        ("\u201ca1 b1\u201d OR \u00abc1 d1\u00bb", '"a1 b1" OR "c1 d1"'),
        ("a1 OR b1 [cs.CL]", "(a1 OR b1) AND cat:cs.CL"),
        ("(a1 [cs.CL]) OR b1", "(a1 AND cat:cs.CL) OR b1"),
        ('"a1 b1" [cs]', '"a1 b1" AND cat:cs.*'),
        ('"a1" and b1', "a1 AND b1"),
        ('a1 or "b1"', "a1 OR b1"),
        ('"a1" and not (b1 | c1)', "a1 ANDNOT (b1 OR c1)"),
        ('"a1" or not b1 AND c1', "a1 OR (NOT b1 AND c1)"),
        ("au:Yann LeCun AND b1", 'au:"Yann LeCun" AND b1'),
        ("au:van den Oord | b1", 'au:"van den Oord" OR b1'),
    ],
)
def test_expression_is_read_as(typed: str, expected: str | None) -> None:
    assert printed(typed) == (expected or typed)


@pytest.mark.parametrize(
    "typed",
    ["reward model", "large models (LLMs)", "vision:language model", "[Math]", "f(x) a1", "reward-model", "C++", "(a1"],
)
def test_phrase_is_the_same_keyword_as_before(typed: str) -> None:
    assert not is_expression(typed)
    assert parsed(typed).is_phrase
    assert parsed(typed).canonical == Keyword.parse(typed).canonical


@pytest.mark.parametrize(
    "typed", ['"reward model"', "reward model [cs.CL]", '"reward model" [cs.CL]', "\u201creward model\u201d"]
)
def test_phrase_in_a_category_or_quotation_marks_is_the_same_keyword_as_before(typed: str) -> None:
    assert parsed(typed) == parsed(printed(typed))
    assert parsed(typed).canonical == Keyword.parse(typed).canonical


@pytest.mark.parametrize("typed", ["a1 OR b1", "a1|b1", '"a1" b1', "ti:a1", "=a1", "a1 -b1", "cat:cs.CL", "NOT a1"])
def test_text_with_operators_or_fields_is_an_expression(typed: str) -> None:
    assert is_expression(typed)


@pytest.mark.parametrize("typed", ['"reward model"', '"reward model" [cs.CL]', '"reward model', "llm and agents", ""])
def test_text_that_is_a_phrase_is_no_expression(typed: str) -> None:
    assert not is_expression(typed)


def test_category_option_limits_the_whole_expression() -> None:
    assert str(parse_expression("a1 OR b1", "cs.CL")) == "(a1 OR b1) AND cat:cs.CL"
    assert parse_expression("a1 b1", "cs.CL") == parsed("a1 b1 [cs.CL]")


# --- identity ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "other"),
    [
        ("a1 OR b1", "b1 | a1"),
        ('"reward models" AND agents', "agent AND (Reward-Model)"),
        ("NOT (a1 OR b1) AND c1", "c1 -a1 -b1"),
        ("NOT (a1 AND NOT b1) AND c1", "(b1 OR NOT a1) AND c1"),
        ("a1 AND (a1 OR b1)", "a1"),
        ("a1 OR (a1 AND b1)", "a1"),
        ("a1 OR a1 OR b1", "b1 OR a1"),
        ("ti:a1 OR abs:a1", "a1"),
        ("c1 ANDNOT (ti:a1 OR abs:a1)", "c1 -a1"),
        ("reward model [cs.CL]", 'cat:cs.CL AND "reward model"'),
        ("au:LeCun", "author:lecun"),
        ('au:"Hinton, G"', 'au:"G. Hinton"'),
        ("cat:cs", "cat:cs.*"),
        ('name:"A" a1 OR b1', 'name:"B" b1 OR a1'),
        ("co:neurips", "co:NeurIPS"),
    ],
)
def test_spellings_of_one_expression_are_one_keyword(typed: str, other: str) -> None:
    assert parsed(typed) == parsed(other)


@pytest.mark.parametrize(
    ("typed", "other"),
    [
        ("a1 OR b1", "a1 AND b1"),
        ("=CLIP", "CLIP"),
        ("=CLIP", "=clip"),
        ("ti:a1", "abs:a1"),
        ("ti:a1 AND abs:a1", "a1"),
        ("cat:cs.CL", "primary:cs.CL"),
        ("co:workshop", "co:workshops"),
        ("ti:workshop OR x1", "ti:x1"),
        ('au:"Geoffrey Hinton"', "au:Hinton"),
    ],
)
def test_unlike_expressions_are_different_keywords(typed: str, other: str) -> None:
    assert parsed(typed) != parsed(other)


@given(NODES)
def test_canonical_form_of_an_expression_is_that_of_no_phrase(node: ExpressionNode) -> None:
    try:
        expression = KeywordExpression.create(node)
    except InvalidKeyword:
        return
    keyword = parsed(str(expression)).canonical
    assert expression.is_phrase is not keyword.startswith("(")


@given(st.text(min_size=1, max_size=40))
def test_no_phrase_has_a_canonical_form_with_a_parenthesis_first(text: str) -> None:
    try:
        assert not Keyword.parse(text).canonical.startswith("(")
    except InvalidKeyword:
        return


# --- two readings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "phrases", "terms"),
    [
        ("llm and agents", '"llm and agents"', "llm AND agents"),
        ("llm or agents", '"llm or agents"', "llm OR agents"),
        ("llm but not survey", '"llm but not survey"', "llm ANDNOT survey"),
        ("llm and  not a survey", '"llm and not a survey"', 'llm ANDNOT "a survey"'),
        ("(llm and agents) OR rlhf", '"llm and agents" OR rlhf', "(llm AND agents) OR rlhf"),
        ("ti:scaling laws", 'ti:"scaling laws"', "ti:scaling AND laws"),
        ("ti:scaling laws and b1", 'ti:"scaling laws and b1"', 'ti:"scaling laws" AND b1'),
        ("au:hinton agents", 'au:"hinton agents"', "au:hinton AND agents"),
        ("=CLIP models", '="CLIP models"', "=CLIP AND models"),
        ('"a1" -b1 c1', 'a1 ANDNOT "b1 c1"', "a1 ANDNOT b1 AND c1"),
        ("agents and tools [cs.CL]", '"agents and tools" AND cat:cs.CL', "agents AND tools AND cat:cs.CL"),
    ],
)
def test_text_with_two_readings_is_ambiguous(typed: str, phrases: str, terms: str) -> None:
    expression = parse_expression(typed)
    assert isinstance(expression, AmbiguousExpression)
    assert [str(each) for each in expression.readings] == [phrases, terms]


@pytest.mark.parametrize("typed", ["whether or not", "the and of agents", "and rescue", "search and", "android or"])
def test_reading_that_is_no_keyword_is_not_offered(typed: str) -> None:
    assert parsed(typed).is_phrase


def test_exclusion_of_several_words_alone_is_about_the_first() -> None:
    assert printed("-survey agents") == "NOT survey AND agents"


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("name:rlhf a1 OR b1", "rlhf"),
        ('NAME: "My papers" a1 | b1', "My papers"),
        ('name:"" a1 | b1', None),
        ('name:a"b" a1 | b1', "a b"),
        ("name:“My papers” a1 | b1", "My papers"),
        ("a1 | b1", None),
    ],
)
def test_name_is_in_front_of_the_expression(typed: str, name: str | None) -> None:
    assert parsed(typed).name == name
    assert parsed(typed) == parsed("a1 OR b1")
    assert parsed(printed(typed)).name == name


def test_long_name_is_cut() -> None:
    assert parsed(f'name:"{"x" * 100}" a1 OR b1').name == "x" * NAME_MAX


@pytest.mark.parametrize(
    ("typed", "generated"),
    [
        ('("reward model" OR RLHF) AND cat:cs.CL ANDNOT survey', "(reward model | RLHF) [cs.CL] -survey"),
        ('-a1 primary:cs.* au:"Hinton, G" ti:=CLIP', "by Hinton, G ti:=CLIP [primary cs.*] -a1"),
        ("a1 OR (b1 AND co:c1) OR NOT d1 AND e1", "a1 | (b1 co:c1) | (-d1 e1)"),
        ("reward model", "reward model"),
    ],
)
def test_generated_label_is_short_and_without_operators(typed: str, generated: str) -> None:
    assert label(parsed(typed).node) == generated


def test_expression_is_labelled_by_its_name_or_its_text_unless_that_is_long() -> None:
    assert parsed("name:mine a1 OR b1").label == "mine"
    assert parsed("b1|a1").label == "b1 OR a1"
    generated = parsed(" OR ".join(f'"reward model {number}"' for number in range(20))).label
    assert generated.startswith("reward model 0 | reward model 1 | ")
    assert len(generated) <= LABEL_MAX
    assert generated.endswith("…")


# --- lists ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "items"),
    [
        ("a, b ,, c，d", ("a", "b", "c", "d")),
        ('"a, b", c', ('"a, b"', "c")),
        ("(a, b) OR c, d", ("(a, b) OR c", "d")),
        ("(a, (b, c), d), e", ("(a, (b, c), d)", "e")),
        ("f(x, y) b, SL(2,Z)", ("f(x, y) b", "SL(2,Z)")),
        ('au:"Hinton, G", x', ('au:"Hinton, G"', "x")),
        ('name:"x, y" a OR b, c', ('name:"x, y" a OR b', "c")),
        ("agents [cs.CL, cs.LG], x", ("agents [cs.CL, cs.LG]", "x")),
        ("[a, b], x", ("[a", "b]", "x")),
        ('"a, b', ('"a', "b")),
        ("(a, b", ("(a", "b")),
        ("a), b", ("a)", "b")),
        ('5", 3" x', ('5"', '3" x')),
        ("", ()),
    ],
)
def test_commas_in_quotation_marks_and_parentheses_do_not_separate(typed: str, items: tuple[str, ...]) -> None:
    assert split_list(typed) == items


# --- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "message", "position"),
    [
        ("a1 OR", 'After `OR`, a word, a "phrase" or a field such as `au:` is missing.', 5),
        ("a1 AND OR b1", 'After `AND`, a word, a "phrase" or a field such as `au:` is missing.', 7),
        ("OR a1", 'In front of `OR`, a word, a "phrase" or a field such as `au:` is missing.', 0),
        ("a1 AND (| b1)", 'In front of `|`, a word, a "phrase" or a field such as `au:` is missing.', 8),
        ("(a1 OR)", 'After `OR`, a word, a "phrase" or a field such as `au:` is missing.', 6),
        ("a1 AND ()", 'These parentheses are empty: they need a word, a "phrase" or a field such as `au:`.', 8),
        ("ti:", 'After `ti:`, a word, a "phrase" or a field such as `au:` is missing.', 3),
        ("a1 OR NOT", 'After `NOT`, a word, a "phrase" or a field such as `au:` is missing.', 9),
        ("(a1 OR b1", "There is no `)` for this `(`.", 0),
        ("a1 OR b1)", "There is no `(` for this `)`.", 8),
        ('a1 OR "b1', "A quotation mark is missing: a phrase has one in front of it and one behind it.", 6),
        ('"a1 b1', "A quotation mark is missing: a phrase has one in front of it and one behind it.", 0),
        ("auth:Hinton", "There is no field `auth:`. Did you mean `author:`?", 0),
        ("a1 titel:x1", "There is no field `titel:`. Did you mean `title:`?", 3),
        (
            "foo:x1 OR a1",
            "There is no field `foo:`. The fields are `ti:`, `abs:`, `au:`, `co:`, `jr:`, `cat:` and `primary:`.",
            0,
        ),
        ("all:x1", "Leave out `all:`: words are searched in titles and abstracts anyway.", 0),
        ("a1 AND year:2026", "Only new papers are posted: leave out `year:`.", 7),
        ("cat:cs.XL a1", "There is no arXiv category `cs.XL`. Did you mean `cs.PL`, `cs.LO` or `cs.LG`?", 0),
        ("cat:zzzzzz", "There is no arXiv category `zzzzzz`. Examples: `cs.CL`, `astro-ph.CO` and `quant-ph`.", 0),
        ("cat:cs.C*", "`*` means every category of an archive, as in `cat:cs.*`.", 0),
        ("cat:cs.CL*", "`*` means every category of an archive, as in `cat:cs.*`.", 0),
        ("a1 OR b1 [cs.Q]", None, 9),
        ("cs.CL AND a1", "A category needs a prefix: `cat:cs.CL`.", 0),
        ("a1 OR the", 'Use at least one word besides stop words such as "the" or "of".', 6),
        ('a1 OR "..."', "A keyword needs at least one letter or digit.", 6),
        ('au:"..."', 'An author needs at least a family name, as in `au:"Hinton, G"`.', 3),
        ('a1 OR "b1 [cs.CL]"', "A category belongs outside of the quotation marks, as in `cat:cs.CL`.", 6),
        ("a1;b1 OR c1", "Separate keywords with commas: `a1, b1`.", 0),
        ("(" * 11 + "a1 OR b1" + ")" * 11, "Parentheses can be nested up to 10 deep.", 10),
    ],
)
def test_mistake_is_explained_in_one_sentence_with_its_position(typed: str, message: str | None, position: int) -> None:
    with pytest.raises(InvalidExpression) as caught:
        parse_expression(typed)
    assert message is None or str(caught.value) == message
    assert caught.value.position == position


@pytest.mark.parametrize("typed", ["-survey", "NOT (a1 AND b1)", "a1 OR NOT b1", "(a1 OR -b1) -c1", "-cat:cs.CL"])
def test_expression_that_only_excludes_is_rejected(typed: str) -> None:
    with pytest.raises(InvalidKeyword, match=re.escape("That is nearly everything")):
        parse_expression(typed)


@pytest.mark.parametrize("typed", ["a1 ANDNOT a1", "(a1 AND NOT a1) OR (b1 -b1)", "(a1 -a1) AND c1"])
def test_contradiction_is_rejected(typed: str) -> None:
    with pytest.raises(InvalidKeyword, match="No paper can match this"):
        parse_expression(typed)


def test_alternative_that_contradicts_itself_is_accepted() -> None:
    assert printed("(a1 -a1) OR b1") == "(a1 ANDNOT a1) OR b1"


def test_expression_has_a_maximum_length_and_number_of_terms() -> None:
    with pytest.raises(InvalidKeyword, match=re.escape("up to 1,000 characters")):
        parse_expression("a1 OR " + "b" * EXPRESSION_MAX)
    at_most = " OR ".join(f"a{number}" for number in range(CLAUSES_MAX))
    assert len(list(clauses(parsed(at_most).node))) == CLAUSES_MAX
    with pytest.raises(InvalidKeyword, match="up to 50 terms"):
        parse_expression(at_most + " OR b1")


def test_accepted_expression_is_never_too_long_to_be_read_again() -> None:
    words = [f"{'a' * 18}{number}" for number in range(CLAUSES_MAX)]
    typed = " ".join(words[:1] + [f"ti:{word}" for word in words[1:35]])
    keyword = as_keyword(parsed(typed)).named("n" * NAME_MAX)
    assert len(keyword.text) > EXPRESSION_MAX
    assert stored_keyword(keyword.text, keyword.canonical).text == keyword.text
    with pytest.raises(InvalidKeyword, match=r"up to 1,000 characters long\. With all operators, it has 1,0\d\d\."):
        parse_expression(f"{typed} {words[40]} {words[41]}")


@pytest.mark.parametrize(
    "text", ["(" * 10_000, "(" * 10_000 + "a OR b", "a OR " * 10_000, "NOT " * 10_000, '"' * 10_000]
)
def test_huge_input_is_rejected_quickly(text: str) -> None:
    started_s = time.process_time()
    with pytest.raises(InvalidKeyword):
        parse_expression(text)
    assert time.process_time() - started_s < 0.5


PIECES = ("(", ")", '"', "a1 ", "AND ", "OR ", "NOT ", "-", "ti:", "cat:", "x:", "=", "[cs.CL] ", "|", ", ", "and ")


def mistake_in(text: str) -> InvalidKeyword | None:
    """Returns the error for a text; None if it is valid."""
    try:
        parse_expression(text)
    except InvalidKeyword as error:
        return error
    return None


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_any_text_is_read_or_rejected_with_a_sentence(text: str) -> None:
    error = mistake_in(text)
    if error is not None:
        assert str(error)
    if isinstance(error, InvalidExpression):
        assert 0 <= error.position <= len(error.text)
        assert pointer(error).endswith("^")


def test_pointer_shows_the_place_in_a_font_of_fixed_width() -> None:
    error = InvalidExpression("", "奖励 OR x", 6)
    assert pointer(error) == "奖励 OR x\n        ^"


def test_pointer_shows_a_part_of_a_long_expression() -> None:
    shown, caret = pointer(InvalidExpression("", "a" * 100 + "|" + "b" * 100, 100)).split("\n")
    assert shown[len(caret) - 1] == "|"
    assert shown.startswith("…")
    assert len(shown) < 70


# --- trees ---------------------------------------------------------------------------------------


def test_illegal_trees_cannot_be_constructed() -> None:
    word = WordClause.parse("a1")
    both, either = Conjunction((word, word)), Disjunction((word, word))
    with pytest.raises(TypeError, match="a negation of a negation"):
        Negation(Negation(word))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a conjunction has"):
        Conjunction((word,))
    with pytest.raises(ValueError, match="a conjunction has"):
        Conjunction((both, word))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a disjunction has"):
        Disjunction((either, word))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no such category"):
        CategoryClause("cs.XX")
    assert not CategoryClause("cs.CL").is_archive
    assert CategoryClause("cs").is_archive
    with pytest.raises(InvalidKeyword):
        AuthorClause.parse("...")
