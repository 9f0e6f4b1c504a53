"""The keys under which names of authors are found while people type."""

import pytest

from bot.domain.expressions.author_keys import (
    AUTHORS_PER_PAPER,
    counted_names,
    same_name_prefixes,
    stored_keys,
    typed_prefixes,
)
from bot.domain.expressions.names import name_readings


def is_found(name: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a key of the name begins with one of the prefixes."""
    return any(key.startswith(prefix) for key in stored_keys(name) for prefix in prefixes)


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Geoffrey E. Hinton", typed)
        for typed in ("h", "hint", "HINTON", "Hinton, G", "hinton geof", "Geoff", "geoffrey hin", "Geoffrey E. Hi", "g")
    ]
    + [
        ("G. Hinton", "g hin"),
        ("Aäron van den Oord", "van den oo"),
        ("Aäron van den Oord", "Oord, A"),
        ("Aäron van den Oord", "aaron van"),
        ("Aäron van den Oord", "Oord, A. van den"),
        ("Yann LeCun", "le cu"),
        ("Yann Le Cun", "LeCun"),
        ("Xiao-Ming Li", "xiaoming l"),
        ("Xiao-Ming Li", "li xiao m"),
        ("Pál Erdős", "erdos"),
        ("Gabriel García Márquez", "garcia mar"),
        ("Gabriel García Márquez", "marquez"),
        ("J.-P. Serre", "serre"),
        ("Weinan E", "weinan e"),
        ("王伟", "王"),
    ],
)
def test_name_is_found_by_what_people_type(name: str, typed: str) -> None:
    assert is_found(name, typed_prefixes(typed))


@pytest.mark.parametrize("typed", ["", " ", "!", ",", "123", "\u200b"])
def test_nothing_is_searched_for_without_a_letter(typed: str) -> None:
    assert typed_prefixes(typed) in ((), ("123",))


def test_other_names_are_not_found() -> None:
    assert not is_found("Geoffrey E. Hinton", typed_prefixes("LeCun"))
    assert not is_found("Geoffrey E. Hinton", typed_prefixes("hinton y"))


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ("Geoffrey Hinton", "G. E. Hinton"),
        ("G. Hinton", "Geoffrey Hinton"),
        ("Hinton", "Geoffrey Hinton"),
        ("Oord", "Aäron van den Oord"),
        ("van den Oord", "Aäron van den Oord"),
    ],
)
def test_people_with_the_same_name_are_searched_for(author: str, name: str) -> None:
    assert is_found(name, same_name_prefixes(name_readings(author)))


def test_keys_are_short_and_few() -> None:
    keys = stored_keys("Ana María de la Concepción García Márquez-Fernández y Ramón " + "x" * 200)
    assert len(keys) <= 5
    assert all(len(key) <= 40 for key in keys)


def test_counted_names_are_displayed_ones_without_repetition() -> None:
    authors = (r"Paul Erd\H{o}s", "Paul Erdős", "Acme Research", ":", "and others", "x" * 101)
    assert counted_names(authors) == ("Paul Erdős", "Acme Research")
    assert len(counted_names([f"Ada {n}" for n in range(3000)])) == AUTHORS_PER_PAPER
