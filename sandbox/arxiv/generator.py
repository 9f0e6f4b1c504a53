"""Generates papers that look like arXiv's: titles, abstracts with TeX and literal `<`, names with accents.

The same seed and number always give the same paper. Research fields rotate, so that any 24 consecutive papers include
one on reward models, one on diffusion models, one on graph neural networks, and so on. It never assigns ids or dates.
"""

import random
from functools import lru_cache
from typing import Final

from sandbox.arxiv import vocabulary
from sandbox.arxiv.papers import SandboxPaper

# As many as the largest corpus of the tests has; the sandbox generates each paper once.
_CACHED_PAPERS: Final = 4096


@lru_cache(_CACHED_PAPERS)
def generate_paper(seed: int, number: int) -> SandboxPaper:
    """Returns a paper; the same seed and number always give the same paper."""
    rng = random.Random(f"{seed}/{number}")
    field = vocabulary.FIELDS[_field_order(seed, number)]
    words = _PaperText(rng, field)
    published_elsewhere = rng.random() < 0.16
    return SandboxPaper(
        title=words.title(),
        abstract=words.abstract(),
        authors=_authors(rng),
        categories=rng.choice(field.categories),
        comment=words.comment() if rng.random() < 0.78 else None,
        journal_ref=rng.choice(vocabulary.JOURNALS).format(page=rng.randint(1000, 9999))
        if published_elsewhere
        else None,
        doi=f"10.1103/sandbox.{seed}.{number}" if published_elsewhere else None,
        report_number=f"SBX-TH-{number:05d}" if rng.random() < 0.05 else None,
        affiliation="University of Sandbox" if rng.random() < 0.03 else None,
        version=rng.choices((1, 2, 3), weights=(84, 12, 4))[0],
    )


def _field_order(seed: int, number: int) -> int:
    """Returns the index of a paper's field: each round contains every field once, in its own random order."""
    count = len(vocabulary.FIELDS)
    order = random.Random(f"{seed}/round/{number // count}").sample(range(count), count)
    return order[number % count]


class _PaperText:
    """The topic, method and testbed of one paper, and the text generated from them."""

    def __init__(self, rng: random.Random, field: vocabulary.ResearchField) -> None:
        self._rng = rng
        self._field = field
        self._topic = rng.choice(field.topics)
        self._method = rng.choice(field.methods)
        self._testbed = rng.choice(field.testbeds)
        self._name = rng.choice(vocabulary.METHOD_NAMES)

    def title(self) -> str:
        return self._rng.choice(vocabulary.TITLES).format(
            T=_title_case(self._topic), M=_title_case(self._method), D=self._testbed, N=self._name
        )

    def abstract(self) -> str:
        rng = self._rng
        sentences = (
            rng.choice(vocabulary.OPENINGS),
            *rng.sample(self._field.sentences, 2),
            *rng.sample(vocabulary.MIDDLES, rng.randint(2, 3)),
            rng.choice(vocabulary.ENDINGS),
        )
        text = " ".join(sentences)
        for mark, words in (("{t}", self._topic), ("{m}", self._method), ("{d}", self._testbed)):
            text = text.replace(mark, words)  # not format(): TeX contains braces
        return text

    def comment(self) -> str:
        rng = self._rng
        return rng.choice(vocabulary.COMMENTS).format(
            pages=rng.randint(5, 60),
            figures=rng.randint(1, 19),
            tables=rng.randint(1, 9),
            name=self._name.lower(),
        )


def _title_case(words: str) -> str:
    small = {"a", "an", "and", "in", "of", "on", "the", "with"}
    first, *rest = words.removeprefix("a ").removeprefix("an ").removeprefix("the ").split(" ")
    return " ".join([_capital(first), *(word if word in small else _capital(word) for word in rest)])


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def _authors(rng: random.Random) -> tuple[str, ...]:
    count = rng.choices((1, 2, 3, 4, 5, 7, 12, 25), weights=(6, 16, 22, 20, 16, 12, 6, 2))[0]
    return tuple(f"{rng.choice(vocabulary.GIVEN_NAMES)} {rng.choice(vocabulary.FAMILY_NAMES)}" for _ in range(count))
