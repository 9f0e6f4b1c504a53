"""arXiv's categories: which there are, and which one somebody means."""

import pytest

from bot.domain.categories import ARCHIVES, CATEGORIES, is_category, nearest, suggest
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX


def test_the_taxonomy_has_all_its_categories() -> None:
    assert len(CATEGORIES) == 155
    assert sum(code.startswith("cs.") for code in CATEGORIES) == 40
    assert sum(code.startswith("math.") for code in CATEGORIES) == 32
    assert sum(code.startswith("physics.") for code in CATEGORIES) == 22
    assert {code.partition(".")[0] for code in CATEGORIES if "." in code} == set(ARCHIVES)


@pytest.mark.parametrize("code", ["cs.CL", "quant-ph", "cond-mat.mtrl-sci", "astro-ph", "cs"])
def test_categories_and_archives_are_known(code: str) -> None:
    assert is_category(code)


@pytest.mark.parametrize("code", ["cs.cl", "CS", "cs.XX", "", "cs.", "cmp-lg"])
def test_anything_else_is_not(code: str) -> None:
    assert not is_category(code)


def test_codes_are_suggested_before_names() -> None:
    suggested = [code for code, _ in suggest("stat")]
    assert suggested[:2] == ["stat", "stat.AP"]
    assert "cond-mat.stat-mech" in suggested
    assert suggested.index("stat.TH") < suggested.index("cond-mat.stat-mech")


def test_suggestions_do_not_mind_case() -> None:
    assert suggest("CS.c")[0] == ("cs.CC", "Computational Complexity")
    assert suggest(" machine LEARNING ") == (("cs.LG", "Machine Learning"), ("stat.ML", "Machine Learning"))


def test_suggestions_fit_where_they_are_shown() -> None:
    assert len(suggest("")) == AUTOCOMPLETE_CHOICES_MAX
    assert suggest("c", limit=3) == suggest("c")[:3]
    assert suggest("no such thing") == ()


@pytest.mark.parametrize(
    ("typed", "near"),
    [("cs.cl", "cs.CL"), ("quantph", "quant-ph"), ("cosmology", "astro-ph.CO"), ("gr-qc.X", "gr-qc")],
)
def test_the_nearest_category_is_found_by_code_and_by_name(typed: str, near: str) -> None:
    assert nearest(typed)[0] == near


def test_nothing_is_near_to_nonsense() -> None:
    assert nearest("x" * 10_000) == ()
    assert nearest(" ") == ()
