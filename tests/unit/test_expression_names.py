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
        ("Geoffrey Hinton", "Geoffrey Hinton", FULL),
        ("geoffrey hinton", "Geoffrey Hinton", FULL),
        ("HINTON, GEOFFREY", "Geoffrey Hinton", FULL),
        ("Hinton, Geoffrey E.", "Geoffrey Hinton", FULL),
        ("Hinton, G. E.", "Geoffrey E. Hinton", POSSIBLE),
        ("G.E. Hinton", "Geoffrey E. Hinton", POSSIBLE),
        ("G E Hinton", "Geoffrey Everest Hinton", POSSIBLE),
        ("Geoffrey Everest Hinton", "Geoffrey E. Hinton", FULL),
        ("Geoff Hinton", "Geoffrey Hinton", NONE),
        ("Yoshua Bengio", "Samy Bengio", NONE),
        ("Bengio", "Yoshua Bengio", FULL),
        ("Y Bengio", "Samy Bengio", NONE),
        ("Schölkopf", "Bernhard Scholkopf", FULL),
        ("Müller", "Klaus-Robert Muller", FULL),
        ("K.-R. Müller", "Klaus-Robert Müller", POSSIBLE),
        ("Łukasz Kaiser", "Lukasz Kaiser", FULL),
        ("Lukasz Kaiser", "Łukasz Kaiser", FULL),
        ("Ørsted", "Hans Orsted", FULL),
        ("Guðrun", "Anna Gudrun", FULL),
        ("Nguyễn", "Van Nguyen", FULL),
        ("Đặng", "Thi Dang", FULL),
        ("d'Alembert", "Jean dAlembert", FULL),
        ("D’Alembert", "Jean D'Alembert", FULL),
        ("O’Brien", "Conor O'Brien", FULL),
        ("von Neumann", "John von Neumann", FULL),
        ("Neumann", "John von Neumann", FULL),
        ("J. von Neumann", "John von Neumann", POSSIBLE),
        ("von Neumann, John", "John von Neumann", FULL),
        ("Neumann, J. von", "John von Neumann", POSSIBLE),
        ("de la Cruz", "Maria de la Cruz", FULL),
        ("Cruz, Maria de la", "Maria de la Cruz", FULL),
        ("Da Silva", "Ana da Silva", FULL),
        ("al-Khwarizmi", "Muhammad al-Khwarizmi", FULL),
        ("Al Khwarizmi", "Muhammad al-Khwarizmi", FULL),
        ("Ben-David", "Shai Ben-David", FULL),
        ("Shai Ben David", "Shai Ben-David", FULL),
        ("Fei-Fei Li", "Li Fei-Fei", POSSIBLE),
        ("Li Fei-Fei", "Fei-Fei Li", POSSIBLE),
        ("Li, Fei-Fei", "Fei-Fei Li", FULL),
        ("Feifei Li", "Fei-Fei Li", FULL),
        ("F.-F. Li", "Fei-Fei Li", POSSIBLE),
        ("Kaiming He", "He Kaiming", POSSIBLE),
        ("Kaiming He", "Kai-Ming He", FULL),
        ("K. He", "Kaiming He", POSSIBLE),
        ("Kai He", "Kaiming He", NONE),
        ("Martin Luther King Jr.", "Martin L. King", FULL),
        ("Sammy Davis, Jr.", "Sammy Davis", FULL),
        ("William Gates III", "William Gates", FULL),
        ("Weinan E", "Weinan E", POSSIBLE),
        ("E, Weinan", "Weinan E", POSSIBLE),
        ("Ho, Jonathan", "Jonathan Ho", FULL),
        ("Jonathan Ho", "Jonathan Hoffmann", NONE),
        ("Ilya Sutskever PhD", "Ilya Sutskever", FULL),
        (r"{\L}ukasz Kaiser", "Łukasz Kaiser", FULL),
        (r"S\'ebastien Bubeck", "Sébastien Bubeck", FULL),
        ("李飞飞", "李飞飞", FULL),
        ("Smith-Jones", "Ada Smith-Jones", FULL),
        ("Smith", "Ada Smith-Jones", NONE),
        ("A. Smith-Jones", "Ada Smith Jones", POSSIBLE),
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
