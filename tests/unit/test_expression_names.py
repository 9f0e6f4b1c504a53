"""Names of authors as people have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.expressions.names import NameMatch, compare_names, listed_readings, name_key, name_readings

FULL, POSSIBLE, NONE = NameMatch.FULL, NameMatch.POSSIBLE, NameMatch.NONE


def compared(typed: str, listed: str) -> NameMatch:
    """Returns how well a name that someone typed matches one that arXiv lists."""
    return compare_names(name_readings(typed), listed_readings(listed))


@pytest.mark.parametrize(
    ("typed", "listed", "expected"),
    [
        ("LeCun", "Yann LeCun", FULL),
        ("LeCun", "Yann Le Cun", FULL),
        ("Le Cun", "Yann LeCun", FULL),
        ("Yann LeCun", "Yann Le Cun", FULL),
        ("Y. LeCun", "Yann LeCun", POSSIBLE),
        ("Yann LeCun", "Y. LeCun", POSSIBLE),
        ("Geoffrey Hinton", "Geoffrey E. Hinton", FULL),
        ("Geoffrey E. Hinton", "Geoffrey Hinton", FULL),
        ("Geoffrey F. Hinton", "Geoffrey E. Hinton", NONE),
        ("Hinton, G", "Geoffrey E. Hinton", POSSIBLE),
        ("Hinton G", "Geoffrey E. Hinton", POSSIBLE),
        ("Hinton GE", "Geoffrey E. Hinton", POSSIBLE),
        ("Hinton_G", "Geoffrey Hinton", POSSIBLE),
        ("GF Hinton", "Geoffrey E. Hinton", NONE),
        ("Geoffrey Hinton", "Hinton G.", POSSIBLE),
        ("Geoffrey Hinton", "Grace Hinton", NONE),
        ("Geoffrey Hinton", "Hinton", POSSIBLE),
        ("Hinton", "Hinton", FULL),
        ("Hinton", "Hinton Smith", NONE),
        ("Erdos", "Pál Erdős", FULL),
        (r"Erd\H{o}s", "Paul Erdős", FULL),
        ("Erdős Pál", "Pál Erdős", POSSIBLE),
        ("Møller", "A. Moller", FULL),
        ("van den Oord", "Aäron van den Oord", FULL),
        ("Oord, Aaron van den", "Aäron van den Oord", FULL),
        ("Oord, A. van den", "Aäron van den Oord", POSSIBLE),
        ("Oord", "Aäron van den Oord", FULL),
        ("van den Oord", "Aäron Oord", POSSIBLE),
        ("de Boer", "Jan den Boer", NONE),
        ("Al Gore", "Al Gore", FULL),
        ("Gore, Al", "Al Gore", FULL),
        ("Van Morrison", "Van Morrison", FULL),
        ("J.-P. Serre", "Jean-Pierre Serre", POSSIBLE),
        ("Jean Pierre Serre", "Jean-Pierre Serre", FULL),
        ("Jean Serre", "Jean-Pierre Serre", NONE),
        ("Xiaoming Li", "Xiao-Ming Li", FULL),
        ("Xiao Li", "Xiao-Ming Li", NONE),
        ("Wei Xu", "Zhi-Wei Xu", NONE),
        ("Wei Xu", "Zhi Wei Xu", POSSIBLE),
        ("Xu Wei", "Wei Xu", POSSIBLE),
        ("Xu, Wei", "Wei Xu", FULL),
        ("Xu, Wei", "Xu Wei", POSSIBLE),
        ("Wei", "Wei Xu", NONE),
        ("García Márquez, Gabriel", "Gabriel García Márquez", FULL),
        ("Garcia-Marquez", "Gabriel García Márquez", FULL),
        ("Garcia Marquez", "Gabriel García-Márquez", POSSIBLE),
        ("Garciamarquez", "Gabriel García-Márquez", NONE),
        ("Garcia-Marquez", "Gabriel Garciamarquez", FULL),
        ("Márquez", "Gabriel García-Márquez", NONE),
        ("O'Neill", "Jim ONeill", FULL),
        ("Smith, John, Jr.", "John Smith Jr.", FULL),
        ("John Smith III", "John Smith", FULL),
        ("Smith, Jr.", "John Smith", FULL),
        ("ATLAS Collaboration", "The ATLAS Collaboration", FULL),
        ("LI WEI", "Li Wei", FULL),
        ("王伟", "王伟", FULL),
        ("A. B.", "A. B.", POSSIBLE),
        ("王 伟", "王 伟", FULL),
        ("王 伟", "王 小", NONE),
    ],
)
def test_names_match_as_people_write_them(typed: str, listed: str, expected: NameMatch) -> None:
    assert compared(typed, listed) is expected


@pytest.mark.parametrize(
    ("name", "other"),
    [("Y. LeCun", "LeCun, Y"), ("Hinton G E", "Hinton, G. E."), ("Erdős", "erdos"), ("A Jr", "A")],
)
def test_spellings_of_one_name_have_one_key(name: str, other: str) -> None:
    assert name_key(name_readings(name)) == name_key(name_readings(other))


def test_names_that_match_other_authors_have_other_keys() -> None:
    assert name_key(name_readings("Geoffrey Hinton")) != name_key(name_readings("Hinton, Geoffrey"))


@pytest.mark.parametrize("name", ["", " ", ",", "...", "-", "Jr.", "the", "\u0301"])
def test_text_without_a_name_has_no_reading(name: str) -> None:
    assert name_readings(name) == listed_readings(name) == ()


@given(st.text(alphabet="ABab é-'.,_王 ", max_size=30))
def test_every_name_with_a_reading_has_a_family_name_and_matches_itself(name: str) -> None:
    readings = name_readings(name)
    assert all(reading.core for reading in readings)
    assert bool(compare_names(readings, listed_readings(name))) or not listed_readings(name)


@given(st.text(max_size=60))
def test_any_text_can_be_read_as_a_name(name: str) -> None:
    assert all(reading.core for reading in (*name_readings(name), *listed_readings(name)))
