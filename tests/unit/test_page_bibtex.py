"""BibTeX entries: untrusted text never breaks the entry, and arXiv's TeX is kept."""

import re
from collections.abc import Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.paper import Paper
from bot.page.bibtex import PAGE_BIBTEX_AUTHORS, bibtex, key
from tests.support.builders import paper
from tests.support.page import PIECES, hostile_papers, recorded_papers

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


def test_paper_without_a_journal_is_misc() -> None:
    known = paper(
        "2403.01234", title="The Reward of $\\alpha$-Models", authors=("Emmy Noether", "Ada Lovelace"), version=2
    )
    assert bibtex(known) == (
        "@misc{noether2026reward-2403.01234,\n"
        " title={The Reward of $\\alpha$-Models},\n"
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


@pytest.mark.parametrize(
    ("title", "safe"),
    [
        ("Erd\\H{o}s--R\\'enyi", "Erd\\H{o}s--R\\'enyi"),
        ("$B^0_s \\to \\mu^+\\mu^-$ at 5%", "$B^0_s \\to \\mu^+\\mu^-$ at 5\\%"),
        ("$\\mathcal{O}(n \\log n)$", "$\\mathcal{O}(n \\log n)$"),
        ("Q&A for C# at 100\\%", "Q\\&A for C\\# at 100\\%"),
        ("snake_case and x^2", "snake\\_case and x\\textasciicircum{}2"),
        ("only $5", "only \\$5"),
        ("an {open group", "an open group"),
        ("a closed} group", "a closed group"),
        ("{A} {nested {group}}", "{A} {nested {group}}"),
        ("sets \\{1\\}", "sets \\lbrace 1\\rbrace"),
        ("\\(x_1\\) and \\[y\\] and $$z$$", "$x_1$ and $y$ and $z$"),
        ("ends in \\", "ends in \\textbackslash{}"),
        ("\\input{/etc/passwd}", "\\textbackslash{}input{/etc/passwd}"),
        ("one\\\\two", "one two"),
    ],
)
def test_title_keeps_its_tex_and_cannot_break_the_entry(title: str, safe: str) -> None:
    assert _parse(bibtex(paper(title=title)))[2]["title"] == safe


@pytest.mark.parametrize(
    ("authors", "field"),
    [
        (("P. Erd\\H{o}s",), "P. Erd\\H{o}s"),
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
    ("known", "cited"),
    [
        (paper("hep-th/9901001", title="On the Édge"), "lovelace2026edge-hep-th-9901001"),
        (paper(authors=(), title="The"), "2026-2611.00001"),
        (paper(authors=("Paul O'Neill-Smith",), title="日本語"), "oneillsmith2026-2611.00001"),
    ],
)
def test_key_consists_of_ascii_letters_and_the_id(known: Paper, cited: str) -> None:
    assert key(known) == cited


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
    _parse(entry)
    assert not re.search(rf"(?<!\\textbackslash\{{\}})\\{command}\b", entry)
    for text in (text for name, text in _parse(entry)[2].items() if name != "doi"):
        bare = re.sub(r"\\[^A-Za-z]", "", text)
        assert bare.count("$") % 2 == 0
        assert not re.search(r"[%#&]|[^\x20-\U0010ffff]", bare)
