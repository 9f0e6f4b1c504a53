"""Normalizing words: one spelling for both sides of a comparison."""

import re
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.previous_matching import WORD, indexed_text
from bot.domain.words import caseless, plain, unaccented, visible

# Vowels of New Tai Lue and two Vedic signs: letters since Unicode 8.0 and 12.0, but not in SQLite's older tables.
NOT_YET_LETTERS_IN_SQLITE = re.compile("[\u19b0-\u19c0\u19c8\u19c9\u1cf2\u1cf3]")


def words(text: str) -> list[str]:
    return [word for word, _ in WORD.findall(indexed_text(text))]


def fts5_words(text: str) -> list[str]:
    with closing(sqlite3.connect(":memory:")) as index:
        index.execute("CREATE VIRTUAL TABLE texts USING fts5(body, tokenize='unicode61 remove_diacritics 2')")
        index.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(texts, 'instance')")
        index.execute("INSERT INTO texts VALUES (?)", (indexed_text(text),))
        return [term for (term,) in index.execute("SELECT term FROM terms ORDER BY offset")]


@pytest.mark.parametrize(
    ("typed", "visible_text"),
    [
        ("  reward \t\n model\u00a0", "reward model"),
        ("re\u00adward mo\u200bdel", "reward model"),
        ("\u202emodel\u202c", "model"),
        ("a\u2028b\x85c\x0bd", "a b c d"),
        ("nul\x00 esc\x1b", "nul esc"),
        ("half \ud800 pair", "half pair"),
        ("no \ufdd0\ufffe\U0010ffff character", "no character"),
        ("\u3164\u115f \ufe0f", ""),
        ("ΩMEGA ∇ 模型", "ΩMEGA ∇ 模型"),
    ],
)
def test_invisible_characters_are_removed_and_white_space_collapsed(typed: str, visible_text: str) -> None:
    assert visible(typed) == visible_text


@pytest.mark.parametrize(
    ("typed", "spelled"),
    [
        ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("ﬁne-tuning", "fine-tuning"),
        ("a\u2010b\u2011c\u2012d\u2013e\u2014f\u2212g", "a-b-c-d-e-f-g"),
        ("Newton\u2019s method", "Newton method"),
        ("NEWTON'S method", "NEWTON method"),
        ("Newton\u02bcs Newton\uff07s Newton\u00b4s Newton`s", "Newton Newton Newton Newton"),
        ("models' size, it's's 's", "models' size, it 's"),
        ("cafe\u0301 x\u0302", "café x"),
        ('K{\\"a}hler and Schr\\"odinger', "Kahler and Schrodinger"),
        ("Erd\\H{o}s, Fran\\c cois, na\\\"{\\i}ve, \\'Etale", "Erdos, Francois, naive, Etale"),
        ("\\cite{x} \\textbf{y}", "\\cite{x} \\textbf{y}"),
    ],
)
def test_all_spellings_become_one(typed: str, spelled: str) -> None:
    assert plain(typed) == spelled


def test_case_and_accents_are_removed_separately() -> None:
    assert caseless("STRASSE Straße İstanbul Ωmega Σίσυφος") == "strasse strasse istanbul ωmega σίσυφοσ"
    assert unaccented("ä ő ǡ ø й ά ≠") == "a o a ø й ά  "


def test_signs_directly_after_a_word_belong_to_it() -> None:
    assert WORD.findall("C++, C #, F#/x_y") == [("C", "++"), ("C", ""), ("F", "#"), ("x", ""), ("y", "")]


@given(st.text())
def test_normalization_is_idempotent(text: str) -> None:
    assert visible(visible(text)) == visible(text)
    assert words(indexed_text(text)) == words(text) or "\\" in text


@given(st.text())
def test_words_are_caseless_unaccented_letters_and_digits(text: str) -> None:
    for word in words(text):
        assert word.isalnum()
        assert unaccented(caseless(word)) == word


@given(st.text(alphabet=st.characters(), max_size=60))
def test_word_boundaries_match_sqlite(text: str) -> None:
    known = NOT_YET_LETTERS_IN_SQLITE.sub("", text)
    assert words(known) == fts5_words(known)


@pytest.mark.slow
def test_word_boundaries_match_sqlite_for_every_character() -> None:
    text = " ".join(f"a{chr(code)}b" for code in range(0x110000))
    known = NOT_YET_LETTERS_IN_SQLITE.sub("", text)
    assert words(known) == fts5_words(known)
