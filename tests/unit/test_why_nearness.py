"""How near a paper is to an expression, which parts of it fail, and how both are said in English."""

import pytest
from hypothesis import given

from bot.domain.explanations.nearness import KeywordDistances, MatchedKeyword, NearKeyword, explain_match
from bot.domain.explanations.quotation import QUOTE_MAX, quote
from bot.domain.explanations.texts import evidence_text, failure_text
from bot.domain.expressions.evidence import Evidence, Unsatisfied, evidence_of
from bot.domain.expressions.keywords import match_keywords, parse_keyword
from bot.domain.expressions.nodes import ExpressionNode, WordClause
from bot.domain.expressions.parsing import KeywordExpression
from bot.domain.keyword import Keyword
from bot.domain.paper import Paper
from bot.domain.text import utf16_length
from bot.runtime.errors import InvalidKeyword
from tests.support.builders import paper
from tests.support.expressions import NODES
from tests.unit.test_expression_matching import papers

PAPER = paper(
    title="A *great* Survey of Reward Models",
    abstract="We ask @everyone. RLHF, and reward-model training [x](http://a.b). 大模型训练 is next.",
    authors=("Geoffrey E. Hinton", "G. Hinton", "Y. LeCun"),
    categories=("cs.CL", "cs.LG"),
    primary_category="cs.CL",
)


def matched_texts(typed: str, found: Paper = PAPER) -> list[str]:
    explained = explain_match(parse_keyword(typed), found)
    assert isinstance(explained, MatchedKeyword)
    return [evidence_text(found, each) for each in explained.evidence]


def failures(typed: str, found: Paper = PAPER) -> list[str]:
    explained = explain_match(parse_keyword(typed), found)
    assert isinstance(explained, NearKeyword)
    return [failure_text(found, each) for each in explained.failed]


@pytest.mark.parametrize(
    ("typed", "texts"),
    [
        ("reward model", [r"title “A \*great\* Survey of **Reward Models**”"]),
        ("RLHF", [r"abstract “**RLHF**, and reward-model training \[x]\(http:\//a.b).”"]),
        ("great", [r"title “A \***great**\* Survey of Reward Models”"]),
        ("abs:everyone", ["abstract “We ask @**everyone**.”"]),
        ("大模型 训练", ["abstract “**大模型训练** is next.”"]),
        ("(RLHF OR foo) AND cat:cs.*", [
            r"abstract “**RLHF**, and reward-model training \[x]\(http:\//a.b).”", "listed in **cs.CL**, **cs.LG**",
        ]),
        ('au:"Hinton, Geoffrey"', ["by **Geoffrey E. Hinton**, **G. Hinton** (possible match)"]),
        ("primary:cs.CL survey", ["primarily in **cs.CL**", r"title “A \*great\* **Survey** of Reward Models”"]),
        ("RLHF -quokka", [r"abstract “**RLHF**, and reward-model training \[x]\(http:\//a.b).”"]),
    ],
)  # fmt: skip
def test_match_is_shown_with_its_words_in_their_sentence(typed: str, texts: list[str]) -> None:
    assert matched_texts(typed) == texts


@pytest.mark.parametrize(
    ("typed", "texts"),
    [
        ("quokka", ["neither title nor abstract contains *quokka*"]),
        ("ti:RLHF", ["the title does not contain *RLHF*"]),
        ("abs:=Survey", ["the abstract does not contain exactly *Survey*"]),
        ("co:NeurIPS", ["no comment, which should contain *NeurIPS*"]),
        ("jr:Nature", ["no journal reference, which should contain *Nature*"]),
        ('au:"Curie, M" RLHF', ["not by *Curie, M*"]),
        ("RLHF [cs.CV]", ["not listed in cs.CV (it is in cs.CL, cs.LG)"]),
        ("primary:cs.LG quokka", [
            "not primarily in cs.LG (its primary category is cs.CL)", "neither title nor abstract contains *quokka*",
        ]),
        ("RLHF -survey", [r"excluded (not *survey*): title “A \*great\* **Survey** of Reward Models”"]),
        ("RLHF -(quokka OR (survey -a1))", [(
            r"excluded (not (title or abstract contains *quokka* or (title or abstract contains *survey* and not *a1*))"
            r"): title “A \*great\* **Survey** of Reward Models”"
        )]),
        ("quokka OR wombat", ["none of: title or abstract contains *quokka* or *wombat*"]),
    ],
)  # fmt: skip
def test_failure_names_what_the_paper_lacks_or_what_is_excluded(typed: str, texts: list[str]) -> None:
    assert failures(typed) == texts


def test_clause_without_a_place_in_the_paper_is_explained_in_general() -> None:
    both = parse_keyword("quokka AND wombat").expression
    assert both is not None
    assert evidence_text(PAPER, Evidence(both.clauses[0])) == "title or abstract contains *quokka*"
    assert failure_text(PAPER, Unsatisfied(both.node)) == "not: title or abstract contains *quokka* and *wombat*"


def test_comment_without_the_words_is_not_called_missing() -> None:
    assert failures("co:NeurIPS", paper(comment="12 pages")) == ["the comment does not contain *NeurIPS*"]


def test_long_lists_of_categories_are_counted() -> None:
    listed = paper(categories=("cs.CL", "cs.LG", "math.AG", "math.CO", "stat.ML"))
    assert failures("paper [cs.CV]", listed) == ["not listed in cs.CV (it is in cs.CL, cs.LG, math.AG and 2 more)"]


@pytest.mark.parametrize(
    ("typed", "distance"),
    [
        ("reward model", 0),
        ("quokka", 1),
        ("quokka AND wombat", 2),
        ("quokka OR (wombat AND koala)", 1),
        ("quokka OR survey", 0),
        ("RLHF -survey", 1),
        ("RLHF -(survey AND reward)", 1),
        ("RLHF -(survey OR reward OR quokka)", 2),
        ("RLHF -(quokka AND NOT survey)", 0),
        ("RLHF -(survey AND NOT quokka)", 1),
        ('au:Curie "reward model" cat:cs.CV', 2),
    ],
)
def test_distance_is_the_number_of_clauses_that_would_have_to_differ(typed: str, distance: int) -> None:
    keyword = parse_keyword(typed)
    assert KeywordDistances(PAPER, [keyword])[keyword] == distance


def test_of_equally_near_keywords_the_one_with_more_satisfied_clauses_comes_first() -> None:
    typed = ("quokka", "RLHF AND quokka", "quokka AND wombat", "RLHF AND survey AND quokka")
    keywords = [parse_keyword(each) for each in typed]
    distances = KeywordDistances(PAPER, keywords)
    ordered = sorted(keywords, key=distances.order)
    assert [typed[keywords.index(each)] for each in ordered] == [typed[3], typed[1], typed[0], typed[2]]


@given(NODES, papers)
def test_distance_is_zero_exactly_if_the_paper_matches(node: ExpressionNode, searched: list[Paper]) -> None:
    try:
        expression = KeywordExpression.create(node)
    except InvalidKeyword:
        return
    keyword = Keyword(str(expression), expression.canonical, (), None, expression)
    for found in searched:
        matches = bool(match_keywords([found], [keyword]))
        assert (KeywordDistances(found, [keyword])[keyword] == 0) == matches
        assert isinstance(explain_match(keyword, found), MatchedKeyword if matches else NearKeyword)


# --- quotations ----------------------------------------------------------------------------------


def quoted(words: str, found: Paper) -> str:
    return quote(found, evidence_of(WordClause.parse(words), found).words)


def test_long_sentence_is_shortened_around_the_words() -> None:
    found = paper(title="T", abstract=f"{'word ' * 60}reward model {'tail ' * 90}")
    text = quoted("reward model", found)
    assert text.startswith("… word")
    assert "**reward model** tail tail" in text
    assert text.endswith("tail…")
    assert utf16_length(text) < QUOTE_MAX + 100


def test_sentence_of_one_long_word_is_cut_in_front_of_the_words() -> None:
    found = paper(title="T", abstract=f"{'模' * 300}reward")
    assert quoted("reward", found) == f"…{'模' * 80}**reward**"


def test_words_beyond_the_limit_are_never_cut_within_bold_text() -> None:
    found = paper(title="T", abstract="reward model " * 60)
    text = quoted("reward model", found)
    assert text.count("**") % 2 == 0
    assert text.startswith("**reward model** **reward model**")
    assert utf16_length(text) <= QUOTE_MAX


def test_words_without_text_between_them_are_bold_together() -> None:
    found = paper(title="T", abstract="大模型大模型 is next")
    assert quoted("大模型", found) == "**大模型大模型** is next"


def test_signs_that_are_words_of_the_keyword_stay_bold() -> None:
    assert quoted("C++", paper(title="On (C++) and C")) == "On (**C++**) and C"
