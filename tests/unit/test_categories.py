"""arXiv's category taxonomy: which codes exist, and what is suggested for what someone typed."""

import pytest

from bot.domain.categories import (
    ARCHIVES,
    CATEGORIES,
    find_category,
    is_category,
    similar_categories,
    suggest_categories,
)
from bot.runtime.limits import AUTOCOMPLETE_CHOICES_MAX


def test_taxonomy_is_complete() -> None:
    assert len(CATEGORIES) == 155
    assert sum(code.startswith("cs.") for code in CATEGORIES) == 40
    assert sum(code.startswith("math.") for code in CATEGORIES) == 32
    assert sum(code.startswith("physics.") for code in CATEGORIES) == 22
    assert {code.partition(".")[0] for code in CATEGORIES if "." in code} == set(ARCHIVES)


@pytest.mark.parametrize("code", ["cs.CL", "quant-ph", "cond-mat.mtrl-sci", "astro-ph", "cs"])
def test_categories_and_archives_are_known(code: str) -> None:
    assert is_category(code)


@pytest.mark.parametrize("code", ["cs.cl", "CS", "cs.XX", "", "cs.", "cmp-lg"])
def test_other_codes_are_unknown(code: str) -> None:
    assert not is_category(code)


@pytest.mark.parametrize(
    ("typed", "code"), [("CS.cl", "cs.CL"), (" astro-PH.co ", "astro-ph.CO"), ("CS", "cs"), ("cs.XX", None), ("", None)]
)
def test_category_is_found_in_any_case(typed: str, code: str | None) -> None:
    assert find_category(typed) == code


def test_codes_are_suggested_before_names() -> None:
    suggested = [code for code, _ in suggest_categories("stat")]
    assert suggested[:2] == ["stat", "stat.AP"]
    assert "cond-mat.stat-mech" in suggested
    assert suggested.index("stat.TH") < suggested.index("cond-mat.stat-mech")


def test_suggestions_ignore_case() -> None:
    assert suggest_categories("CS.c")[0] == ("cs.CC", "Computational Complexity")
    assert suggest_categories(" machine LEARNING ") == (("cs.LG", "Machine Learning"), ("stat.ML", "Machine Learning"))


def test_suggestions_are_limited_to_what_discord_shows() -> None:
    assert len(suggest_categories("")) == AUTOCOMPLETE_CHOICES_MAX
    assert suggest_categories("c", limit=3) == suggest_categories("c")[:3]
    assert suggest_categories("no such thing") == ()


@pytest.mark.parametrize(
    ("typed", "most_similar"),
    [("cs.cl", "cs.CL"), ("quantph", "quant-ph"), ("cosmology", "astro-ph.CO"), ("gr-qc.X", "gr-qc")],
)
def test_similar_category_is_found_by_code_and_by_name(typed: str, most_similar: str) -> None:
    assert similar_categories(typed)[0] == most_similar


def test_nothing_is_similar_to_nonsense() -> None:
    assert similar_categories("x" * 10_000) == ()
    assert similar_categories(" ") == ()
