"""Generates papers that look like arXiv's: titles, abstracts with TeX and literal `<`, names with accents.

The same seed and number always give the same paper. Groups of research fields rotate, so that any 24 consecutive papers
include one on reward models, one on diffusion models, one on graph neural networks, one on astronomy, and so on; and
the fields of a group, their topics and their sentences take turns. It never assigns ids or dates.
"""

import random
from functools import lru_cache
from typing import Final

from sandbox.arxiv import vocabulary
from sandbox.arxiv.fields import FIELD_GROUPS, ResearchField
from sandbox.arxiv.papers import SandboxPaper

# As many as the largest corpus of the tests has; the sandbox generates each paper once.
_CACHED_PAPERS: Final = 4096


@lru_cache(_CACHED_PAPERS)
def generate_paper(seed: int, number: int) -> SandboxPaper:
    """Returns a paper; the same seed and number always give the same paper."""
    rng = random.Random(f"{seed}/{number}")
    round_, group = _turn(seed, number)
    turn, place = divmod(round_, len(group))
    field = group[place]
    words = _PaperText(rng, field, turn)
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


def _turn(seed: int, number: int) -> tuple[int, tuple[ResearchField, ...]]:
    """Returns a paper's round and its group: each round contains every group once, in its own random order."""
    count = len(FIELD_GROUPS)
    round_, place = divmod(number, count)
    order = random.Random(f"{seed}/round/{round_}").sample(range(count), count)
    return round_, FIELD_GROUPS[order[place]]


class _PaperText:
    """The topic, method and testbed of a field's paper number `turn`, and the text generated from them."""

    def __init__(self, rng: random.Random, field: ResearchField, turn: int) -> None:
        self._rng = rng
        self._field = field
        self._turn = turn
        self._topic = field.topics[turn % len(field.topics)]
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
            *self._sentences(),
            *rng.sample(vocabulary.MIDDLES, rng.randint(2, 3)),
            rng.choice(vocabulary.ENDINGS),
        )
        text = " ".join(sentences)
        for mark, words in (("{t}", self._topic), ("{m}", self._method), ("{d}", self._testbed)):
            text = text.replace(mark, words)  # not format(): TeX contains braces
        return text

    def _sentences(self) -> tuple[str, str]:
        """Returns two different sentences of the field; each is used equally often."""
        sentences = self._field.sentences
        cycle, first = divmod(self._turn, len(sentences))
        second = first + 1 + cycle % (len(sentences) - 1)
        return sentences[first], sentences[second % len(sentences)]

    def comment(self) -> str:
        rng = self._rng
        return rng.choice(vocabulary.COMMENTS).format(
            pages=rng.randint(5, 60),
            figures=max(2, rng.randint(1, 19)),  # the comments have only plurals
            tables=max(2, rng.randint(1, 9)),
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
