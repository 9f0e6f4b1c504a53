"""Made-up papers that look like arXiv's: titles, abstracts with TeX and literal `<`, names with accents.

In: a seed and a number. Out: the paper of that number, the same every time, without an id and without a date.
The fields of study take turns, so that any two dozen papers in a row hold one on reward models, one on diffusion
models, one on graph neural networks, and so on.
"""

import random

from sandbox.arxiv import wording
from sandbox.arxiv.papers import SandboxPaper


def made_up(seed: int, number: int) -> SandboxPaper:
    """The paper of that number; the same seed and number always give the same paper."""
    draw = random.Random(f"{seed}/{number}")
    field = wording.FIELDS[_field_order(seed, number)]
    words = _Words(draw, field)
    published_elsewhere = draw.random() < 0.16
    return SandboxPaper(
        title=words.title(),
        abstract=words.abstract(),
        authors=_authors(draw),
        categories=draw.choice(field.categories),
        comment=words.comment() if draw.random() < 0.78 else None,
        journal_ref=draw.choice(wording.JOURNALS).format(page=draw.randint(1000, 9999))
        if published_elsewhere
        else None,
        doi=f"10.1103/sandbox.{seed}.{number}" if published_elsewhere else None,
        report_number=f"SBX-TH-{number:05d}" if draw.random() < 0.05 else None,
        affiliation="University of Sandbox" if draw.random() < 0.03 else None,
        version=draw.choices((1, 2, 3), weights=(84, 12, 4))[0],
    )


def _field_order(seed: int, number: int) -> int:
    """Which field a paper is of: every round goes through all fields once, each round in an order of its own."""
    count = len(wording.FIELDS)
    order = random.Random(f"{seed}/round/{number // count}").sample(range(count), count)
    return order[number % count]


class _Words:
    """One paper's topic, method and test bed, and the sentences made of them."""

    def __init__(self, draw: random.Random, field: wording.Field) -> None:
        self._draw = draw
        self._field = field
        self._topic = draw.choice(field.topics)
        self._method = draw.choice(field.methods)
        self._bed = draw.choice(field.beds)
        self._name = draw.choice(wording.NAMES)

    def title(self) -> str:
        return self._draw.choice(wording.TITLES).format(
            T=_title_case(self._topic), M=_title_case(self._method), D=self._bed, N=self._name
        )

    def abstract(self) -> str:
        draw = self._draw
        sentences = (
            draw.choice(wording.OPENINGS),
            *draw.sample(self._field.sentences, 2),
            *draw.sample(wording.MIDDLES, draw.randint(2, 3)),
            draw.choice(wording.ENDINGS),
        )
        text = " ".join(sentences)
        for mark, words in (("{t}", self._topic), ("{m}", self._method), ("{d}", self._bed)):
            text = text.replace(mark, words)  # not format(): TeX is full of braces
        return text

    def comment(self) -> str:
        draw = self._draw
        return draw.choice(wording.COMMENTS).format(
            pages=draw.randint(5, 60),
            figures=draw.randint(1, 19),
            tables=draw.randint(1, 9),
            name=self._name.lower(),
        )


def _title_case(words: str) -> str:
    small = {"a", "an", "and", "in", "of", "on", "the", "with"}
    first, *rest = words.removeprefix("a ").removeprefix("an ").removeprefix("the ").split(" ")
    return " ".join([_capital(first), *(word if word in small else _capital(word) for word in rest)])


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def _authors(draw: random.Random) -> tuple[str, ...]:
    count = draw.choices((1, 2, 3, 4, 5, 7, 12, 25), weights=(6, 16, 22, 20, 16, 12, 6, 2))[0]
    return tuple(f"{draw.choice(wording.GIVEN)} {draw.choice(wording.FAMILY)}" for _ in range(count))
