"""The detectors of `python -m benchmarks tex`: each finds its fault, and nothing in the text as it should be."""

import pytest

from benchmarks.tex import KINDS
from bot.domain.tex.convert import tex_to_text

# What the authors write, and the faulty text that was shown for it.
_FAULTS = {
    "space after an operator only": (r"$m\times m$", "m× m"),
    "space before a function's script": (r"$\log_2 n$", "log ₂ n"),
    "space inside ⟨ ⟩, ⌊ ⌋, ⌈ ⌉": (r"$\langle f, g\rangle$", "⟨ f, g⟩"),
    "space after [ of \\rm": (r"$[\rm Fe/H]$", "[ Fe/H]"),
    "TeX quotes": ("so called `cold' starts", "so called `cold' starts"),
    "keys of citations": (r"on SetA\cite{key1}", "on SetAkey1"),
    "unit glued to its number": (r"at $40\,$K", "at 40K"),
    "names of journals' macros": (r"40\degr\ wide", "40degr wide"),
    "names of operators and relations": (r"$x\land y$", "x land y"),
    "braces in prose": ("{Deep Learning} for X", "{Deep Learning} for X"),
    "code points of \\unicode": (r"a$\unicode{x2014}$b", "ax2014b"),
    "thousands as 12{,}500": ("12{,}500", "12{,}500"),
    "address of a link lost": (r"\href{https://a.b/c}{here}", "here"),
    "range without its ~": ("2~3 times", "2 3 times"),
    "dollars around words": ("$in situ$", "$in situ$"),
    "^* in prose": ("C^*-algebras", "C^*-algebras"),
    "underlined letters in a word": (r"\underline{Li}ght", "L\u0332i\u0332ght"),
    "backslash of a command": (r"\foo x", r"\foo x"),
}


def test_every_kind_has_an_example() -> None:
    assert _FAULTS.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_detector_finds_its_fault_only_where_it_is_shown(kind: str) -> None:
    written, faulty = _FAULTS[kind]
    assert KINDS[kind](written, faulty)
    assert not KINDS[kind](written, tex_to_text(written))
