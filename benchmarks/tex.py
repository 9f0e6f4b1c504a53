r"""Counts the recorded papers in which converted TeX still shows a known fault, and measures the conversion's time.

The recordings are in `../shared`; without them nothing is counted. A kind of fault is looked for in the pair of what
the authors wrote and what is shown: a key of `\cite` is a fault only in the paper that cites it. Papers are named by
their ids, so that a fault can be looked up.
"""

import json
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from bot.domain.tex.convert import tex_to_text
from tests.support.recordings import ARXIV_ANSWERS, SHARED, recorded_files

_ANNOUNCED: Final = SHARED / "data" / "announced"
_FIELDS: Final = ("title", "abstract", "summary", "comment", "journal_ref")
_EXAMPLES: Final = 3
# Limits: the share of papers with one kind of fault, and the mean time per paper (docs/adr/0003-tex-tables.md).
_FAULTY_MAX: Final = 0.001
_PER_PAPER_MAX_S: Final = 0.0002

_Papers = Mapping[str, tuple[str, ...]]


def main() -> int:
    """Prints a line for each kind; returns 1 when a kind is more frequent, or the conversion slower, than its limit."""
    try:
        papers = recorded_papers()
    except FileNotFoundError as error:
        print(f"No recordings to count in: {error}. They are expected in {SHARED}.")
        return 0
    started_at_s = time.process_time()
    shown = {paper: tuple(map(tex_to_text, texts)) for paper, texts in papers.items()}
    per_paper_s = (time.process_time() - started_at_s) / len(papers)
    found = {kind: sorted(_faulty(check, papers, shown)) for kind, check in KINDS.items()}
    for kind, faulty in found.items():
        print(f"{kind:<42} {len(faulty):5}  {' '.join(faulty[:_EXAMPLES])}")
    print(f"{len(papers)} papers, {per_paper_s * 1000:.3f} ms each")
    within_limits = all(len(faulty) <= _FAULTY_MAX * len(papers) for faulty in found.values())
    return 0 if within_limits and per_paper_s <= _PER_PAPER_MAX_S else 1


def recorded_papers() -> _Papers:
    """Returns the texts of every recorded paper by its id; raises FileNotFoundError without recordings."""
    papers: dict[str, tuple[str, ...]] = {}
    for path in recorded_files(_ANNOUNCED, "*.json"):
        for paper in json.loads(path.read_text(encoding="utf-8"))["papers"]:
            papers[paper["arxiv_id"]] = tuple(paper[field] for field in _FIELDS if paper.get(field))
    return papers | dict(_answers())


def _answers() -> Iterator[tuple[str, tuple[str, ...]]]:
    for path in recorded_files(ARXIV_ANSWERS, "*.xml"):
        for document in re.split(r"<\?xml[^>]*>", path.read_text(encoding="utf-8")):
            if document.strip():
                for entry in ET.fromstring(document).iter("{http://www.w3.org/2005/Atom}entry"):  # noqa: S314 - trusted
                    fields = {child.tag.rpartition("}")[2]: child.text or "" for child in entry}
                    yield fields["id"].rpartition("/")[2], tuple(fields[name] for name in _FIELDS if name in fields)


def _faulty(check: Callable[[str, str], bool], papers: _Papers, shown: _Papers) -> Iterator[str]:
    for paper, texts in papers.items():
        if any(check(" ".join(text.split()), after) for text, after in zip(texts, shown[paper], strict=True)):
            yield paper


# --- kinds -------------------------------------------------------------------------------------

_CITED: Final = re.compile(r"\\[a-zA-Z]*cite[a-z]*\*?(?:\[[^\]]*\])*\{([^{}]*)\}")
_LINKED: Final = re.compile(r"\\href\s*\{([^{}\\]*)\}")
_UNIT: Final = re.compile(r"(\d)(?:\\[,;: ]|~)(?:\\rm\s+|\\(?:math|text)?rm\s*\{|\$|\{)+\s*([A-Za-z]{1,4})\b")
_CODE_POINT: Final = re.compile(r"\\unicode\{(x?[0-9A-Fa-f]+)\}")
_RANGE: Final = re.compile(r"(?<![\w.~{\\-])(\d+)~(\d{1,3}(?!000))(?=\D)")
_UNESCAPED: Final = re.compile(r"\\.")


def _shows(pattern: str, written: str = "") -> Callable[[str, str], bool]:
    """Returns a check for a pattern in the shown text, of texts in which the authors wrote another pattern."""
    after, before = re.compile(pattern), re.compile(written)
    return lambda text, shown: bool(after.search(shown) and before.search(text))


def _command(*names: str) -> Callable[[str, str], bool]:
    """Returns a check for the names of commands in the shown text."""
    pattern = "|".join(names)
    written = re.compile(rf"\\({pattern})(?![A-Za-z])")
    return lambda text, shown: any(
        re.search(rf"(?<![A-Za-z]){found[1]}(?![A-Za-z])", shown) for found in written.finditer(text)
    )


def _cites(text: str, shown: str) -> bool:
    return any(key.strip() and key.strip() in shown for found in _CITED.finditer(text) for key in found[1].split(","))


def _braces(text: str, shown: str) -> bool:
    return bool(re.search(r"\{[^{},;:|=]*\}", shown)) and "{" in _UNESCAPED.sub("", text) and r"\{" not in text


KINDS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "space after an operator only": _shows(
        r"(?<=[\w)\]])[×±∓·∘∗⋆∩∪∧∨⊗⊕⊖⊙∖⊔⊓] (?=[\w(])",
        r"[^\s$]\\(?:times|pm|mp|cdot|circ|ast|star|cap|cup|wedge|vee|otimes|oplus|ominus|odot|setminus) \w",
    ),
    "space before a function's script": _shows(
        r"\b(?:log|ln|exp|sin|cos|tan|max|min|sup|inf|lim|arg|argmax|argmin|det|dim|Pr|Tr) [_^₀-₉ₐ-ₜᵢ-ᵪ⁰-⁹²³]", r"\\"
    ),
    "space inside ⟨ ⟩, ⌊ ⌋, ⌈ ⌉": _shows(r"[⟨⌊⌈] | [⟩⌋⌉]"),
    "space after [ of \\rm": _shows(r"\[ [A-Z]", r"\[\\rm"),
    "TeX quotes": _shows(r"``(?=\S)|(?<![\w`])`[^`'\s][^`']{0,60}'(?!\w)|(?<!\w)''\w[^']{0,60}''"),
    "keys of citations": _cites,
    "unit glued to its number": lambda text, shown: any(
        re.search(rf"\d{found[2]}\b", shown) and f"{found[1]}{found[2]}" in shown for found in _UNIT.finditer(text)
    ),
    "names of journals' macros": _command(
        "degr", "micron", "farcs", "farcm", "fdg", "arcsec", "arcmin", "arcdeg", "ion", "sun", "earth", "kms", "Msun",
        "msun", "Lsun", "lsun", "Rsun", "rsun", "apj", "mnras", "aap"
    ),
    "names of operators and relations": _command("land", "lor", "lt", "gt", "bmod", "pmod"),
    "braces in prose": _braces,
    "code points of \\unicode": lambda text, shown: any(found[1] in shown for found in _CODE_POINT.finditer(text)),
    "thousands as 12{,}500": _shows(r"\d\{[,.]\}\d"),
    "address of a link lost": lambda text, shown: any(
        found[1].strip().removeprefix("https://").rstrip("/") not in shown for found in _LINKED.finditer(text)
    ),
    "range without its ~": lambda text, shown: any(
        f"{found[1]} {found[2]}" in shown for found in _RANGE.finditer(text)
    ),
    "dollars around words": _shows(r"(?<![\w\\])\$[A-Za-z][^$]*[A-Za-z]\$(?!\w)"),
    "^* in prose": _shows(r"\w\^\*"),
    "underlined letters in a word": _shows("\\w\u0332\\w"),
    "backslash of a command": _shows(r"(?<!\w:)\\[A-Za-z]+(?![\w.]*\\)"),
}  # fmt: skip
