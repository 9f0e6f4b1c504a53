"""Figures of benchmarks: medians, targets, ratios, and the JSON that keeps them."""

import json

import pytest

from benchmarks.results import Figure, cells, number


def test_value_is_median_of_repetitions() -> None:
    assert Figure("commit", (3.0, 1.0, 2.0), "s").median == 2.0


def test_ratio_compares_medians_with_naive_way() -> None:
    assert Figure("commit", (3.0,), "s", naive=(2.0, 1.0, 6.0), naive_way="plain sqlite3").ratio == 1.5
    assert Figure("commit", (3.0,), "s").ratio is None


@pytest.mark.parametrize(("median", "at_least", "missed"), [(1.1, False, True), (1.0, False, False), (0.9, True, True)])
def test_target_is_missed_beyond_it_only(median: float, at_least: bool, missed: bool) -> None:
    assert Figure("commit", (median,), "s", target=1.0, at_least=at_least).is_missed is missed


def test_naive_values_need_a_description() -> None:
    with pytest.raises(ValueError, match="naive way"):
        Figure("commit", (1.0,), "s", naive=(1.0,))
    with pytest.raises(ValueError, match="at least one value"):
        Figure("commit", (), "s")


@pytest.mark.parametrize(
    "figure",
    [
        Figure("commit", (1.0, 2.0), "s"),
        Figure("delivery", (46,), "messages/s", target=40, at_least=True, naive=(50,), naive_way="a plain loop"),
    ],
)
def test_figure_survives_json(figure: Figure) -> None:
    assert Figure.from_json(json.loads(json.dumps(figure.to_json()))) == figure


def test_other_json_is_not_a_figure() -> None:
    with pytest.raises(ValueError, match="not a figure"):
        Figure.from_json({"name": "commit"})


def test_row_shows_spread_target_and_ratio() -> None:
    figure = Figure("commit", (1.5, 1.25, 2), "s", target=1, naive=(0.75,), naive_way="plain sqlite3")
    assert cells(figure) == ("1.5 s", "1.25-2", "3", "≤ 1 (missed)", "2 × plain sqlite3")


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (0.001724, "0.00172"), (17.24, "17.2"), (1724.3, "1,724")])
def test_number_has_three_digits_or_all_before_the_point(value: float, text: str) -> None:
    assert number(value) == text
