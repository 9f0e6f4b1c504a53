"""Reads recorded Atom responses of arXiv's API as papers, with their text unchanged.

Returns each paper once, in its latest version. It skips documents that are not well-formed and entries that are not
papers (arXiv's "Error"), and never changes a file.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from sandbox.arxiv.papers import SandboxPaper, split_id

_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"
_DECLARATION = re.compile(rb"(?=<\?xml )")
_ABS = re.compile(r"https?://arxiv\.org/abs/(.+)")


def read_directory(directory: Path) -> tuple[SandboxPaper, ...]:
    """Returns every paper of the directory's Atom files, oldest first; raises ValueError if there are none."""
    papers: dict[str, SandboxPaper] = {}
    for path in sorted(directory.glob("*.xml")):
        for paper in read_feed(path.read_bytes()):
            known = papers.get(paper.arxiv_id)
            if known is None or known.version < paper.version:
                papers[paper.arxiv_id] = paper
    if not papers:
        raise ValueError(f"no recorded papers in {directory}")
    return tuple(sorted(papers.values(), key=lambda paper: (paper.published, paper.arxiv_id)))


def read_feed(body: bytes) -> Iterator[SandboxPaper]:
    """Yields the papers of one recorded response in order, including those of a second document in its body."""
    for document in _DECLARATION.split(body):
        try:
            # The files are named on the command line by the operator: no untrusted XML is parsed here.
            root = ET.fromstring(document)  # noqa: S314
        except ET.ParseError:
            continue
        for element in root.iter(f"{_ATOM}entry"):
            address = _ABS.fullmatch(_text(element, f"{_ATOM}id"))
            if address is not None:
                yield _paper(element, *split_id(address[1]))


def _paper(element: ET.Element, arxiv_id: str, version: int | None) -> SandboxPaper:
    terms = [category.get("term", "") for category in element.iter(f"{_ATOM}category")]
    primary = element.find(f"{_ARXIV}primary_category")
    first = primary.get("term", "") if primary is not None else terms[0]
    return SandboxPaper(
        arxiv_id=arxiv_id,
        version=version or 1,
        title=_text(element, f"{_ATOM}title"),
        abstract=_text(element, f"{_ATOM}summary"),
        authors=tuple(_text(author, f"{_ATOM}name") for author in element.iter(f"{_ATOM}author")),
        categories=tuple(dict.fromkeys((first, *terms))),
        published=_time(_text(element, f"{_ATOM}published")),
        updated=_time(_text(element, f"{_ATOM}updated")),
        comment=_optional(element, f"{_ARXIV}comment"),
        journal_ref=_optional(element, f"{_ARXIV}journal_ref"),
        doi=_optional(element, f"{_ARXIV}doi"),
        affiliation=_optional(element, f"{_ATOM}author/{_ARXIV}affiliation"),
    )


def _text(element: ET.Element, name: str) -> str:
    return element.findtext(name, default="")


def _optional(element: ET.Element, name: str) -> str | None:
    return element.findtext(name)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
