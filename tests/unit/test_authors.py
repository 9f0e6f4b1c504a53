"""Authors: arXiv lists separators and phrases between names as if they were authors."""

import pytest

from bot.domain.layout.card import full_abstract
from bot.page.bibtex import bibtex
from tests.support.builders import paper


@pytest.mark.parametrize(
    ("listed", "authors"),
    [
        (("Acme Research", ":", "Ada Lovelace"), ("Acme Research", "Ada Lovelace")),
        (("Acme Research:", "Ada Lovelace"), ("Acme Research", "Ada Lovelace")),
        (("Acme Research", "；", "Ada Lovelace", ",", "-"), ("Acme Research", "Ada Lovelace")),
        (("Ada Lovelace", "and Emmy Noether"), ("Ada Lovelace", "Emmy Noether")),
        (("Ada Lovelace", "& Emmy Noether"), ("Ada Lovelace", "Emmy Noether")),
        (("Ada Lovelace", "on behalf of the Acme Collaboration"), ("Ada Lovelace", "Acme Collaboration")),
        (("Ada Lovelace", "On behalf of Acme"), ("Ada Lovelace", "Acme")),
        (("Ada Lovelace", "for the Acme Collaboration"), ("Ada Lovelace", "Acme Collaboration")),
        (("Ada Lovelace", "on behalf of", "Acme"), ("Ada Lovelace", "Acme")),
        (("Ada Lovelace", "(on behalf of the Acme Collaboration)"), ("Ada Lovelace", "Acme Collaboration")),
        (("Ada Lovelace", "and many others"), ("Ada Lovelace",)),
        (("Ada Lovelace", "and 3 other authors"), ("Ada Lovelace",)),
        (("Ada Lovelace", "and others"), ("Ada Lovelace",)),
        (("Ada Lovelace", "et al."), ("Ada Lovelace",)),
        (("Ada Lovelace", "and 41 others"), ("Ada Lovelace",)),
        (("Ada Lovelace", "and"), ("Ada Lovelace",)),
        (("The Acme Collaboration", ":"), ("The Acme Collaboration",)),
        (("An Behalf", "Al Others", "Andrea Ott", "李", "A"), ("An Behalf", "Al Others", "Andrea Ott", "李", "A")),
        ((":",), ()),
    ],
)
def test_separator_listed_as_an_author_is_removed(listed: tuple[str, ...], authors: tuple[str, ...]) -> None:
    assert paper(authors=listed).authors == authors


def test_separator_listed_as_an_author_is_not_counted_on_the_card() -> None:
    listed = ("Acme Research", ":", "Ada Lovelace", "Emmy Noether")
    assert "Acme Research, Ada Lovelace, Emmy Noether" in full_abstract(paper(authors=listed)).description


def test_separator_listed_as_an_author_is_left_out_of_bibtex() -> None:
    assert "author={Acme Research and Ada Lovelace}" in bibtex(paper(authors=("Acme Research", ":", "Ada Lovelace")))
