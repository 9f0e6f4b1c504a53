"""BibTeX entries: every title is printed as posts show it, and untrusted text never breaks the entry."""

import re
from collections.abc import Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.paper import Paper
from bot.domain.tex.convert import tex_to_text
from bot.page.bibtex import PAGE_BIBTEX_AUTHORS, bibtex, key
from bot.page.bibtex_text import bibtex_text
from tests.support.bibtex_titles import BIBTEX_TITLES, as_read, recorded_texts
from tests.support.builders import paper
from tests.support.page import PIECES, hostile_papers, hostile_texts, recorded_papers

# Each of these reads, writes or redefines something in the document that uses the entry.
_COMMANDS = ("input", "include", "write18", "openin", "csname", "def", "catcode", "usepackage", "immediate", "url")


def _parse(entry: str) -> tuple[str, str, Mapping[str, str]]:
    """Returns the type, the key and the fields of the only entry, parsed by its braces as BibTeX does."""
    found = re.match(r"@(\w+)\{([^,\s{}]+),\n", entry)
    assert found is not None, entry
    fields, at = {}, found.end()
    while entry[at] != "}":
        name = re.compile(r" (\w+)=\{").match(entry, at)
        assert name is not None, entry[at:]
        start = at = name.end()
        depth = 1
        while depth:
            depth += {"{": 1, "}": -1}.get(entry[at], 0)
            at += 1
        fields[name[1]] = entry[start : at - 1]
        assert entry[at : at + 2] == ",\n", entry[at:]
        at += 2
    assert entry[at:] == "}\n"
    return found[1], found[2], fields


def _title(title: str) -> str:
    return _parse(bibtex(paper(title=title)))[2]["title"]


def test_paper_without_a_journal_is_misc() -> None:
    known = paper(
        "2403.01234", title="The Reward of $\\alpha$-Models", authors=("Emmy Noether", "Ada Lovelace"), version=2
    )
    assert bibtex(known) == (
        "@misc{arxiv-2403.01234,\n"
        " title={{The Reward of $\\alpha$-Models}},\n"
        " author={Emmy Noether and Ada Lovelace},\n"
        " year={2026},\n"
        " eprint={2403.01234},\n"
        " archivePrefix={arXiv},\n"
        " primaryClass={cs.LG},\n"
        " url={https://arxiv.org/abs/2403.01234},\n"
        "}\n"
    )


def test_paper_in_a_journal_is_an_article() -> None:
    kind, _, fields = _parse(bibtex(paper(journal_ref="Phys. Rev. D 62 & 63", doi="10.1000/a_b(1)")))
    assert kind == "article"
    assert fields["journal"] == r"Phys. Rev. D 62 \& 63"
    assert fields["doi"] == "10.1000/a_b(1)"


@pytest.mark.parametrize("kind", BIBTEX_TITLES)
def test_title_is_written_in_tex_that_prints_it(kind: str) -> None:
    for title, tex in BIBTEX_TITLES[kind].items():
        assert bibtex_text(title) == tex


def test_title_is_in_braces_that_protect_its_capitals() -> None:
    assert _title("Tests of $\\Lambda$CDM with GPT-4o") == "{Tests of $\\Lambda$CDM with GPT-4o}"


@pytest.mark.parametrize("title", ["$5 for NASA", "\\textit{Kepler} and NASA", "&c. of NASA"])
def test_title_never_begins_like_an_accented_letter(title: str) -> None:
    # plain.bst changes capitals inside `{\\…}` even where they are protected.
    assert _title(title).startswith("{{}\\")


@pytest.mark.parametrize(
    "text", ["Ωmega", "ﬂow", "𝐀𝐁", "ᵀ", "ȷ̌", "i̇", "1̄", "α̂", "≠̂", "ß̈", "ų̄", "\u0301", "e\u200d", "é"]
)
def test_text_becomes_ascii_with_balanced_braces(text: str) -> None:
    tex = bibtex_text(text)
    assert tex.isascii()
    assert tex.count("{") == tex.count("}")


def test_font_whose_beginning_is_not_printed_is_not_kept() -> None:
    assert bibtex_text("\\hspace\\textit{x} $y$") == "y"


def test_title_without_printable_characters_has_no_field() -> None:
    assert "title" not in _parse(bibtex(paper(title="\u200b")))[2]


def test_deeply_nested_formula_becomes_plain_text() -> None:
    assert "{{{" not in bibtex_text("$" + "{" * 40 + "x" + "}" * 40 + "$")


@pytest.mark.parametrize(
    ("authors", "field"),
    [
        (("P. Erd\\H{o}s",), "P. Erd{\\H{o}}s"),
        (("Søren Æsir", "王小明", "Дмитрий Ёлкин"), "S{\\o}ren {\\AE}sir and WangXiaoMing and Dmitriy Elkin"),
        (("~ Ada", "`Gerard", "A$_2$ B", "… and"), "Ada and Gerard and {A$_2$ B}"),
        (("ATLAS Collaboration",), "{ATLAS Collaboration}"),
        (("King, Jr.", "Barnes and Noble"), "{King, Jr.} and {Barnes and Noble}"),
        (("Alexandra Sand",), "Alexandra Sand"),
    ],
)
def test_each_author_is_one_bibtex_name(authors: tuple[str, ...], field: str) -> None:
    assert _parse(bibtex(paper(authors=authors)))[2]["author"] == field


def test_more_authors_than_the_limit_become_and_others() -> None:
    many = tuple(f"Author {number}" for number in range(PAGE_BIBTEX_AUTHORS + 1))
    names = _parse(bibtex(paper(authors=many)))[2]["author"].split(" and ")
    assert names == [*many[:-1], "others"]


@pytest.mark.parametrize(
    ("arxiv_id", "cited"), [("2403.01234", "arxiv-2403.01234"), ("hep-th/9901001", "arxiv-hep-th-9901001")]
)
def test_key_consists_of_the_id(arxiv_id: str, cited: str) -> None:
    assert key(paper(arxiv_id)) == cited


@pytest.mark.slow
@pytest.mark.recordings
def test_recorded_papers_are_one_entry_each_with_all_authors() -> None:
    for known in recorded_papers():
        _, _, fields = _parse(bibtex(known))
        assert fields["eprint"] == str(known.arxiv_id)
        assert len(fields["author"].split(" and ")) == min(len(known.authors), PAGE_BIBTEX_AUTHORS + 1)
    assert len({key(known) for known in recorded_papers()}) == len(recorded_papers())


@given(hostile_papers(), st.sampled_from(_COMMANDS))
@example(paper(title="".join(PIECES)), "input")
def test_hostile_paper_is_one_entry_without_unknown_commands(known: Paper, command: str) -> None:
    entry = bibtex(known)
    assert not re.search(rf"\\{command}\b", entry)
    assert re.fullmatch(r"[\n\x20-\x7e]*", entry)
    for text in (text for name, text in _parse(entry)[2].items() if name != "doi"):
        bare = re.sub(r"\\[^A-Za-z]", "", text)
        assert bare.count("$") % 2 == 0
        assert not re.search(r"[%#&]", bare)


@given(hostile_texts | st.text())
def test_tex_of_any_text_is_ascii_with_balanced_braces(text: str) -> None:
    tex = bibtex_text(text)
    depth = 0
    for char in tex:
        depth += {"{": 1, "}": -1}.get(char, 0)
        assert depth >= 0
    assert depth == 0
    assert re.fullmatch(r"[\x20-\x7e]*", tex)


@pytest.mark.slow
@pytest.mark.recordings
def test_recorded_titles_and_authors_are_read_back_unchanged() -> None:
    for text in {text for known in recorded_texts() for text in (known.title, *known.authors)}:
        assert as_read(tex_to_text(bibtex_text(text))) == as_read(tex_to_text(text))
