"""References: RIS, CSL-JSON and CSV are read back as they were written, whatever the papers contain."""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.paper import Paper
from bot.page.bibtex import bibtex, key
from bot.page.person_names import PersonName, split_name
from bot.page.references import CITATION_FORMATS, REFERENCE_AUTHORS, ReferenceFormat, write_citation, write_reference
from tests.support.builders import paper
from tests.support.page import hostile_papers

PUBLISHED = paper(
    "2403.01234",
    title="The Reward of $\\alpha$-Models",
    authors=("Emmy Noether", "A. van den Oord", "ATLAS Collaboration", "P. Erd\\H{o}s"),
    categories=("cs.LG", "stat.ML"),
    published=datetime(2024, 3, 4, 18, tzinfo=UTC),
    comment="=1+1, 12 pages",
    journal_ref="Phys. Rev. D 62",
    doi="10.1000/a_b(1) 10.1000/c",
)


def _ris(text: str) -> list[tuple[str, str]]:
    lines = [re.fullmatch(r"([A-Z][A-Z0-9])  - (.*)", line) for line in text.removesuffix("\n").split("\n")]
    assert all(lines), text
    return [(line[1], line[2]) for line in lines if line is not None]


def _csv(papers: Sequence[Paper], keywords: Sequence[str] = ()) -> list[dict[str, str]]:
    form = ReferenceFormat.CSV
    text = form.beginning + form.separator.join(write_reference(each, form, keywords) for each in papers) + form.end
    assert text.encode().startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def _csl(papers: Sequence[Paper]) -> list[dict[str, Any]]:
    form = ReferenceFormat.CSL_JSON
    read: list[dict[str, Any]] = json.loads(
        form.beginning + form.separator.join(write_reference(each, form) for each in papers) + form.end
    )
    return read


def test_ris_has_the_fields_of_the_paper_in_their_order() -> None:
    assert _ris(write_citation(PUBLISHED, ReferenceFormat.RIS)) == [
        ("TY", "JOUR"),
        ("ID", "arxiv-2403.01234"),
        ("TI", "The Reward of α-Models"),
        *(("AU", name) for name in ("Noether, Emmy", "van den Oord, A.", "ATLAS Collaboration", "Erdős, P.")),
        ("PY", "2024"),
        ("DA", "2024/03/04"),
        ("JO", "Phys. Rev. D 62"),
        ("DO", "10.1000/a_b(1)"),
        ("AN", "arXiv:2403.01234"),
        ("PB", "arXiv"),
        ("KW", "cs.LG"),
        ("KW", "stat.ML"),
        ("UR", "https://arxiv.org/abs/2403.01234"),
        ("ER", ""),
    ]


def test_csl_json_has_the_fields_of_the_paper() -> None:
    assert json.loads(write_citation(PUBLISHED, ReferenceFormat.CSL_JSON)) == [
        {
            "id": "arxiv-2403.01234",
            "citation-key": "arxiv-2403.01234",
            "type": "article-journal",
            "title": "The Reward of α-Models",
            "author": [
                {"family": "Noether", "given": "Emmy"},
                {"family": "van den Oord", "given": "A."},
                {"literal": "ATLAS Collaboration"},
                {"family": "Erdős", "given": "P."},
            ],
            "issued": {"date-parts": [[2024, 3, 4]]},
            "container-title": "Phys. Rev. D 62",
            "DOI": "10.1000/a_b(1)",
            "number": "arXiv:2403.01234",
            "archive": "arXiv",
            "archive_location": "2403.01234",
            "publisher": "arXiv",
            "keyword": "cs.LG, stat.ML",
            "URL": "https://arxiv.org/abs/2403.01234",
        }
    ]


def test_paper_without_a_journal_is_a_preprint() -> None:
    preprint = paper()
    assert dict(_ris(write_reference(preprint, ReferenceFormat.RIS)))["TY"] == "UNPB"
    (item,) = _csl([preprint])
    assert item["type"] == "article"
    assert not {"DOI", "container-title"} & set(item)


def test_csv_has_a_row_per_paper_without_formulas() -> None:
    first, second = _csv([PUBLISHED, paper(title="－2 < z", authors=())], ["reward model", "+RLHF"])
    assert (first["title"], first["authors"]) == (
        "The Reward of α-Models",
        "Emmy Noether; A. van den Oord; ATLAS Collaboration; P. Erdős",
    )
    assert first["comment"] == "'=1+1, 12 pages"
    assert first["published"] == "2024-03-04T18:00:00+00:00"
    assert first["keywords"] == "reward model;' +RLHF"
    assert (second["title"], second["authors"], second["abstract"]) == ("'－2 < z", "", "An abstract.")


@given(st.lists(hostile_papers(), min_size=1, max_size=3))
def test_hostile_papers_are_one_entry_each_in_every_format(papers: list[Paper]) -> None:
    rows = _csv(papers, [paper.title for paper in papers])
    assert [row["arxiv_id"] for row in rows] == [str(each.arxiv_id) for each in papers]
    assert not any(re.search(r"(?:\A|;)\s*[=+\-@＝＋－＠\t]", cell) for row in rows for cell in row.values())
    items = _csl(papers)
    assert [item["id"] for item in items] == [key(each) for each in papers]
    for each in papers:
        fields = _ris(write_reference(each, ReferenceFormat.RIS))
        assert [tag for tag, _ in fields if tag in ("TY", "ER", "ID")] == ["TY", "ID", "ER"]
        assert "\x00" not in write_citation(each, ReferenceFormat.BIBTEX)


def test_key_stays_when_title_authors_or_version_change_and_differs_between_papers() -> None:
    known = paper("2403.01234", title="A reward", authors=("Emmy Noether",))
    later = replace(known, version=3, title="Another title", authors=("Ada Lovelace", "Emmy Noether"), journal_ref="J")
    twin = paper("2403.01235", title="A reward", authors=("Emmy Noether",))
    assert key(known) == key(later) == "arxiv-2403.01234"
    assert key(twin) != key(known)
    for form in CITATION_FORMATS:
        assert key(known) in write_citation(later, form)


def test_only_the_first_hundred_authors_are_listed() -> None:
    crowd = paper(authors=tuple(f"Ada {chr(97 + number % 26)}lovelace" for number in range(REFERENCE_AUTHORS + 5)))
    assert len(_csl([crowd])[0]["author"]) == REFERENCE_AUTHORS


def test_bibtex_of_a_citation_is_that_of_the_page() -> None:
    assert write_citation(PUBLISHED, ReferenceFormat.BIBTEX) == bibtex(PUBLISHED)
    assert [form.label for form in ReferenceFormat] == ["BibTeX", "RIS", "CSL-JSON", "CSV"]
    assert [form.extension for form in ReferenceFormat] == ["bib", "ris", "json", "csv"]


@pytest.mark.parametrize(
    ("listed", "name"),
    [
        ("Emmy Noether", PersonName("Noether", "Emmy")),
        ("Aaron van den Oord", PersonName("van den Oord", "Aaron")),
        ("van der Waals", PersonName("van der Waals")),
        ("Oord, A. van den", PersonName("Oord", "A. van den")),
        ("Martin Luther King Jr.", PersonName("King", "Martin Luther", "Jr.")),
        ("Martin King, III", PersonName("King", "Martin", "III")),
        ("Ivan II", PersonName("II", "Ivan")),
        ("P. Erd\\H{o}s", PersonName("Erdős", "P.")),
        ("王小明", PersonName("王小明")),
        ("ATLAS Collaboration", PersonName("ATLAS Collaboration", is_group=True)),
        ("Barnes and Noble", PersonName("Barnes and Noble", is_group=True)),
        ("Smith, John, Berlin", PersonName("Smith, John, Berlin", is_group=True)),
        ("", PersonName("")),
    ],
)
def test_name_is_split_into_family_and_given_names(listed: str, name: PersonName) -> None:
    assert split_name(listed) == name


def test_inverted_name_begins_with_the_family_name() -> None:
    assert split_name("Martin King, Jr.").inverted == "King, Martin, Jr."
