"""Code links: where the address ends, and whose code it is."""

import pytest

from bot.domain.layout.code_link import code_link
from tests.support.builders import paper

_LIB = "https://github.com/ada/fastlib"

_IN_ABSTRACT = {
    # The first word of the next sentence.
    "The code is available at https://github.com/ada/Safe-Bench.Warning: this paper has examples.": (
        "https://github.com/ada/Safe-Bench"
    ),
    "The code is available at https://github.com/ada/fastlib.We thank the reviewers.": _LIB,
    "The code is available at https://github.com/ada/fastlib.Experiments show gains.": _LIB,
    "The code is available at https://github.com/ada/fastlib.https://ada.github.io": _LIB,
    "The code is at https://github.com/ada/fastlib.Project": _LIB,
    "The code is available at https://github.com/ada/fastlib.js": "https://github.com/ada/fastlib.js",
    "The code is available at https://github.com/ada/LLaDA2.0-Uni.": "https://github.com/ada/LLaDA2.0-Uni",
    "The code is available at https://github.com/ada/Fast.Net": "https://github.com/ada/Fast.Net",
    "The code is available at https://github.com/ada/fast2.0": "https://github.com/ada/fast2.0",
    "The code is available at https://github.com/ada/fastlib/.": _LIB,
    # Links alone, and links without a space.
    "It runs twice as fast. https://github.com/ada/fastlib": _LIB,
    "It runs twice as fast! https://github.com/ada/fastlib.": _LIB,
    "It runs twice as fast (https://github.com/ada/fastlib).": "",
    "Our code is available athttps://github.com/ada/fastlib": _LIB,
    "Code:https://github.com/ada/fastlib": _LIB,
    "Code is available at https: //github.com/ada/fastlib": _LIB,
    "Code is available at 'https://github.com/ada/fastlib'.": _LIB,
    "We introduce FastLib (https://github.com/ada/fastlib), which is fast.": _LIB,
    "It is fast.https://github.com/ada/fastlib": _LIB,
    "See https://github.com/ada/fastlib for details.": _LIB,
    "The toolbox can be downloaded from https://github.com/ada/fastlib.": _LIB,
    "The code of FastLib is available at https://github.com/ada/fastlib": _LIB,
    "The homepage is https://github.com/ada/fastlib": _LIB,
    "Results can be reproduced with https://github.com/ada/fastlib": _LIB,
    # TeX.
    r"Code is available at \url{https://github.com/ada/fastlib}.": _LIB,
    r"Code is available \href{https://github.com/ada/fastlib}{here}.": _LIB,
    r"Code is at \textcolor{violet}{https://github.com/ada/fastlib}.": _LIB,
    r"Code is at https://github.com/ada/fast{\_}lib": "https://github.com/ada/fast_lib",
    # Hosts.
    "Code: https://bitbucket.org/ada/fastlib": "https://bitbucket.org/ada/fastlib",
    "Code: https://gitlab.inria.fr/ada/fastlib": "https://gitlab.inria.fr/ada/fastlib",
    "Code: https://gitlab.cs.example.edu/ada/fastlib": "https://gitlab.cs.example.edu/ada/fastlib",
    "Code: https://codeberg.org/ada/fastlib": "https://codeberg.org/ada/fastlib",
    "Code: https://gitlab.evil.com/ada/fastlib": "",
    "Code: https://evil.com/?to=https://github.com/ada/fastlib": "",
    "Code: https://zenodo.org/records/1234567": "",
    # Whose code it is.
    "Our code, based on PyTorch, is available at https://github.com/ada/fastlib": _LIB,
    "Using our method is easy, and we release code at https://github.com/ada/fastlib": _LIB,
    "We build on https://github.com/pytorch/pytorch": "",
    "Our implementation is based on https://github.com/pytorch/pytorch": "",
    "The code is adapted from https://github.com/pytorch/pytorch": "",
    "We compare it with the code of https://github.com/pytorch/pytorch": "",
    "We use models such as https://huggingface.co/google/bert": "",
    "The code of PyTorch (https://github.com/pytorch/pytorch) is analysed.": "",
    "We study bugs in https://github.com/pytorch/pytorch": "",
    "We use the original code (https://github.com/pytorch/pytorch).": "",
}


@pytest.mark.parametrize(("abstract", "link"), _IN_ABSTRACT.items())
def test_code_link_of_an_abstract(abstract: str, link: str) -> None:
    assert code_link(paper(abstract=f"We prove it. {abstract}")) == link


@pytest.mark.parametrize(
    ("comment", "link"),
    [
        ("12 pages.https://github.com/ada/fastlib", _LIB),
        ("https://github.com/ada/fastlib.10 pages, 5 figures", _LIB),
        ("https://github.com/ada/fastlib.Accepted at ICML 2026", _LIB),
        ("https://github.com/ada/fastlib.CVPR 2026", _LIB),
        ("[code](https://github.com/ada/fastlib)", _LIB),
        ("<https://github.com/ada/fastlib>", _LIB),
        ("fork of https://github.com/pytorch/pytorch", ""),
    ],
)
def test_code_link_of_a_comment(comment: str, link: str) -> None:
    assert code_link(paper(comment=comment)) == link
