"""What an expression matches in English, and what in a paper satisfies it."""

import pytest
from hypothesis import given

from bot.domain.expressions.evidence import Satisfied, Unsatisfied, evidence_of, find_evidence
from bot.domain.expressions.explanation import explain
from bot.domain.expressions.matching import PaperSets
from bot.domain.expressions.nodes import Clause, ExpressionNode, TextField, WordClause, clauses
from bot.domain.expressions.printing import print_expression
from bot.domain.paper import Paper
from bot.domain.tex.convert import tex_to_text
from tests.support.builders import paper
from tests.support.expressions import CLAUSES, NODES, parsed
from tests.unit.test_expression_matching import papers

PAPER = paper(
    title=r"Reward models for $\Lambda$CDM",
    abstract="We study RLHF with reward-model training. See reward models of 5 $\\sigma$. 大模型训练",
    authors=("Geoffrey E. Hinton", "Y. LeCun", "Grace Hinton"),
    comment="Accepted at NeurIPS 2026",
    journal_ref="Nature 1",
    categories=("cs.CL", "cs.LG", "math.AG"),
    primary_category="cs.CL",
)


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        (
            '("reward model" OR RLHF) AND cat:cs.CL ANDNOT survey',
            "title or abstract contains *reward model* or *RLHF*; listed in cs.CL; not *survey*",
        ),
        ('au:"Hinton, G"', "by *Hinton, G*"),
        ("ti:a1 abs:b1 co:c1", "title contains *a1*; abstract contains *b1*; comment contains *c1*"),
        ("jr:d1", "journal reference contains *d1*"),
        ("a1 OR b1 OR c1", "title or abstract contains *a1*, *b1* or *c1*"),
        ('"a1" "b1"', "title or abstract contains *a1* and *b1*"),
        ("=CLIP OR ti:=C++", "title or abstract contains exactly *CLIP* or title contains exactly *C++*"),
        ("cat:cs.* primary:cs.CL", r"listed in cs.\*; primarily in cs.CL"),
        ("primary:cs.CL OR primary:cs.LG", "primarily in cs.CL or cs.LG"),
        ("a1 -b1 -c1 -ti:d1", "title or abstract contains *a1*; not *b1* or *c1*; not *d1* in the title"),
        ("ti:a1 -au:b1 -cat:cs.CV", "title contains *a1*; not by *b1*; not listed in cs.CV"),
        ("a1 -(b1 OR c1)", "title or abstract contains *a1*; not *b1* or *c1*"),
        ("a1 -(b1 AND au:c1)", "title or abstract contains *a1*; not (title or abstract contains *b1* and by *c1*)"),
        ("a1 (NOT b1 OR NOT c1)", "title or abstract contains *a1*; (not *b1* or not *c1*)"),
        ("a1 -(NOT b1 OR NOT c1)", "title or abstract contains *a1*; not (not *b1* or not *c1*)"),
        ("a1 OR (au:b1 AND cat:cs.CL)", "title or abstract contains *a1* or (by *b1* and listed in cs.CL)"),
        ("ti:x_y OR ti:z1", r"title contains *x\_y* or *z1*"),
    ],
)  # fmt: skip
def test_expression_is_explained_in_english(typed: str, text: str) -> None:
    assert explain(parsed(typed).node) == text


@given(NODES)
def test_explanation_names_every_author_and_word(node: ExpressionNode) -> None:
    explained = explain(node)
    for clause in clauses(node):
        plain = print_expression(clause).partition(":")[2].strip('="') if ":" in print_expression(clause) else ""
        assert all(word in explained for word in plain.split() if word.isalpha())


# --- evidence ------------------------------------------------------------------------------------


def words_of(clause: Clause, paper: Paper = PAPER) -> list[tuple[TextField, str]]:
    """Returns the words in a paper that satisfy a clause, as they are displayed."""
    texts = {TextField.TITLE: paper.title, TextField.ABSTRACT: paper.abstract, TextField.COMMENT: paper.comment or ""}
    texts[TextField.JOURNAL] = paper.journal_ref or ""
    spans = evidence_of(clause, paper).words
    return [(span.field, tex_to_text(texts[span.field])[span.start : span.end]) for span in spans]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("reward model", [(TextField.TITLE, "Reward models"), (TextField.ABSTRACT, "reward-model"),
                          (TextField.ABSTRACT, "reward models")]),
        ("ΛCDM", [(TextField.TITLE, "ΛCDM")]),
        ("5σ", [(TextField.ABSTRACT, "5 σ.")]),
        ("模型", [(TextField.ABSTRACT, "模型")]),
        ("ti:models", [(TextField.TITLE, "models")]),
        ("abs:=RLHF", [(TextField.ABSTRACT, "RLHF")]),
        ("co:neurips", [(TextField.COMMENT, "NeurIPS")]),
        ('jr:"nature 1"', [(TextField.JOURNAL, "Nature 1")]),
        ("=reward", [(TextField.ABSTRACT, "reward-model"), (TextField.ABSTRACT, "reward")]),
        ("survey", []),
    ],
)  # fmt: skip
def test_words_are_found_where_they_are_displayed(typed: str, words: list[tuple[TextField, str]]) -> None:
    (clause,) = parsed(typed).clauses
    assert words_of(clause) == words


def test_authors_are_found_with_their_places() -> None:
    (clause,) = parsed('au:"Geoffrey Hinton"').clauses
    assert [(each.place, each.is_possible) for each in evidence_of(clause, PAPER).authors] == [(0, False)]
    (clause,) = parsed('au:"Yann LeCun"').clauses
    assert [(each.name, each.is_possible) for each in evidence_of(clause, PAPER).authors] == [("Y. LeCun", True)]


def test_categories_are_found() -> None:
    archive, primary = parsed("cat:cs.* OR primary:cs.CL").clauses
    assert evidence_of(archive, PAPER).categories == ("cs.CL", "cs.LG")
    assert evidence_of(primary, PAPER).categories == ("cs.CL",)


def test_satisfied_expression_has_the_evidence_of_each_part() -> None:
    found = find_evidence(parsed("(survey OR RLHF) AND au:LeCun ANDNOT physics").node, PAPER)
    assert isinstance(found, Satisfied)
    assert [print_expression(each.clause) for each in found.evidence] == ["RLHF", "au:LeCun"]


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("RLHF AND survey AND physics", "survey"),
        ("survey OR physics", "survey OR physics"),
        ("RLHF AND (survey OR physics)", "survey OR physics"),
        ("RLHF OR survey AND (physics OR survey)", None),
        ("primary:cs.LG AND RLHF", "primary:cs.LG"),
    ],
)
def test_first_part_that_is_not_satisfied_is_named(typed: str, part: str | None) -> None:
    found = find_evidence(parsed(typed).node, PAPER)
    assert (print_expression(found.part) if isinstance(found, Unsatisfied) else None) == part


def test_exclusion_has_the_evidence_of_what_it_excludes() -> None:
    found = find_evidence(parsed("reward -(survey OR RLHF)").node, PAPER)
    assert isinstance(found, Unsatisfied)
    assert print_expression(found.part) == "NOT (survey OR RLHF)"
    assert [print_expression(each.clause) for each in found.excluded] == ["RLHF"]


@given(NODES, papers)
def test_evidence_agrees_with_the_sets(node: ExpressionNode, papers: list[Paper]) -> None:
    for each in papers:
        matched, _ = PaperSets([each], clauses(node)).find(node)
        assert isinstance(find_evidence(node, each), Satisfied) is bool(matched)


@given(CLAUSES, papers)
def test_satisfied_clause_about_words_has_a_place(clause: Clause, papers: list[Paper]) -> None:
    for each in papers:
        matched, _ = PaperSets([each], [clause]).find(clause)
        if isinstance(clause, WordClause) and matched and "." not in each.title + each.abstract + (each.comment or ""):
            assert words_of(clause, each)
