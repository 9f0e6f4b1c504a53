"""Typesets BibTeX entries with pdfLaTeX, through BibTeX with plain.bst or through biber with biblatex."""

import re
import shutil
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.skips import unavailable

_PROGRAMS: Final = ("pdflatex", "bibtex", "biber", "pdftotext")
_FILES: Final = ("amssymb.sty", "biblatex.sty", "plain.bst")
_TIMEOUT_S: Final = 300
_PREAMBLE: Final = r"""\documentclass{article}
%s
\usepackage{amsmath,amssymb}
\hyphenpenalty=10000
\exhyphenpenalty=10000
\pagestyle{empty}
"""
# Each entry is printed on pages of its own, so that its text can be found.
_PLAIN: Final = r"""\let\onebibitem\bibitem
\def\bibitem{\newpage\onebibitem}
\begin{document}
\nocite{*}
\bibliographystyle{plain}
\raggedright
\bibliography{papers}
\end{document}
"""
_BIBLATEX: Final = r"""\usepackage[backend=biber,sorting=none,maxnames=99]{biblatex}
\addbibresource{papers.bib}
\begin{document}
\nocite{*}
\raggedright
\printbibliography
\end{document}
"""


@dataclass(frozen=True, slots=True)
class Bibliography:
    """The errors of the programs, and what they make of each entry, by key: its text in the PDF, or biber's title."""

    errors: tuple[str, ...]
    entries: Mapping[str, str]


def require_latex() -> None:
    """Skips the test if TeX Live or poppler is incomplete."""
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    if not missing:
        missing = [name for name in _FILES if not _run_text(Path(), "kpsewhich", name)]
    if missing:
        unavailable("latex", f"no {', '.join(missing)}")


def typeset_with_bibtex(entries: Collection[str], folder: Path, packages: str) -> Bibliography:
    """Returns the bibliography of the entries in plain.bst."""
    _write(entries, folder, _PREAMBLE % packages + _PLAIN)
    errors = [*_pdflatex(folder), *_run(folder, "bibtex", "main"), *_pdflatex(folder)]
    bbl = (folder / "main.bbl").read_text("ascii")
    keys = re.findall(r"\\bibitem\{([^}]+)\}", bbl)
    text = _run_text(folder, "pdftotext", "-raw", "main.pdf", "-")
    return Bibliography(tuple(errors), dict(zip(keys, _entries(text), strict=True)))


def _entries(text: str) -> list[str]:
    """Returns the text of each entry, which is one page or several."""
    entries: list[str] = []
    for page in text.split("\f"):
        if page.startswith(f"[{len(entries) + 1}]"):
            entries.append(page)
        elif entries:
            entries[-1] += page
    return entries


def typeset_with_biber(entries: Collection[str], folder: Path, packages: str) -> Bibliography:
    """Returns the bibliography of the entries in biblatex's style."""
    _write(entries, folder, _PREAMBLE % packages + _BIBLATEX)
    errors = [*_pdflatex(folder), *_run(folder, "biber", "--quiet", "main"), *_pdflatex(folder)]
    bbl = (folder / "main.bbl").read_text("utf-8")
    return Bibliography(tuple(errors), dict(map(_key_and_title, bbl.split("\\entry{")[1:])))


def _key_and_title(entry: str) -> tuple[str, str]:
    title = re.search(r"\\field\{title\}\{(.*)\}\n", entry)
    return entry.partition("}")[0], title[1] if title else ""


def _write(entries: Collection[str], folder: Path, document: str) -> None:
    (folder / "papers.bib").write_text("\n".join(entries), "ascii")
    (folder / "main.tex").write_text(document, "ascii")


def _pdflatex(folder: Path) -> list[str]:
    """Runs pdfLaTeX to the end of the document, and returns each error with the line that it is about."""
    _run_text(folder, "pdflatex", "-interaction=nonstopmode", "-no-shell-escape", "-file-line-error", "main.tex")
    log = (folder / "main.log").read_text("latin-1").splitlines()
    return [
        "\n".join(log[at : at + 4])
        for at, line in enumerate(log)
        if line.startswith("!") or re.match(r"\S+\.(?:tex|bbl):\d+: ", line)
    ]


def _run(folder: Path, *command: str) -> list[str]:
    """Runs the command and returns its errors and warnings."""
    return [
        line
        for line in _run_text(folder, *command).splitlines()
        if re.search(r"\b(?:error|warn|warning)\b", line, re.IGNORECASE)
    ]


def _run_text(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=_TIMEOUT_S, check=False).stdout.decode(
        "utf-8", "replace"
    )
