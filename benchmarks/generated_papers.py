"""Generates keywords and papers in large numbers: the same seed and size always give the same ones.

A paper's text contains exactly the keywords that were drawn for it, so its matches are known without matching. Lengths
follow recorded papers: an abstract of about 1,300 characters, a title of 72, five authors, a comment of 64. It never
touches a database.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from itertools import accumulate
from typing import Final

from bot.domain.paper import ArxivId, Paper


def _listed(words: str) -> list[str]:
    return words.split()


# No word occurs in two keywords, except in pairs with other words; none is a filler word.
_SINGLE: Final = _listed(
    "model diffusion graph agent reward robot galaxy plasma protein topology lattice neutrino tensor manifold "
    "turbulence superconductor graphene quasar polymer enzyme epidemic portfolio auction cryptography"
)
_FIRST: Final = _listed(
    "sparse causal spectral federated quantum neural symbolic optimal stochastic convex bayesian hybrid robust "
    "adaptive nonlinear discrete magnetic thermal elastic cosmic stellar molecular genetic clinical financial "
    "social visual acoustic linguistic semantic temporal spatial dynamic recurrent contrastive generative "
    "hierarchical multimodal distributed incremental private secure verified ergodic algebraic arithmetic "
    "harmonic parabolic tropical complex"
)
_SECOND: Final = _listed(
    "attention routing transport inference sampling planning retrieval segmentation detection compression "
    "translation alignment pruning clustering forecasting rendering scheduling parsing tracking ranking "
    "embedding tokenization regression perception manipulation navigation localization annealing scattering "
    "accretion nucleosynthesis entanglement decoherence percolation homology cohomology bifurcation oscillation "
    "diffraction spectroscopy tomography imaging folding docking sequencing vaccination hedging taxation"
)
_FUNCTION_WORDS: Final = _listed("the of and we with for on that this which from under our is are by as to an its")
_SYLLABLES: Final = _listed(
    "ta lo rin ve mo ska dul pen cor bri fal gun hes jol kip lam nor pra quo sel tov ur vin wex yal zo"
)
_CATEGORIES: Final = _listed(
    "cs.LG cs.CV cs.CL cs.AI cs.RO stat.ML math.OC quant-ph astro-ph.GA cond-mat.mtrl-sci eess.IV hep-ph "
    "math.PR cs.SE cs.CR physics.comp-ph q-bio.QM math.AG gr-qc cs.DS econ.EM math.NT nucl-th nlin.CD"
)
_SURNAMES: Final = _listed(
    "Okafor Lindqvist Xiaoming Marković Yıldız El-Amin Novák Tanaka García Schröder Ivanova Singh"
)
_GIVEN: Final = _listed("Ada Björn Chen Daniela Emre Farah Grete Hiro Inés Jürgen Katya Lakshmi")
# How many different people per paper the authors are drawn from, and how unevenly: of a million papers, most people
# have one and 60,000 have ten or more, in part under the same names.
_PEOPLE: Final = 1.2
_UNEVEN: Final = 3

# The share of papers that the broadest keyword matches, and the exponent with which the others decrease.
_BROADEST: Final = 2 / 3
_EXPONENT: Final = 0.97
_DRAWS_MAX: Final = 24
_ABSTRACT_LENGTH: Final = 1300
_MONTHS: Final = 60


def phrases(count: int) -> tuple[str, ...]:
    """Returns different keywords, the broadest first; numbers tell them apart when the pairs of words are used up."""
    pairs = [f"{first} {second}" for second in _SECOND for first in _FIRST]
    found = [*_SINGLE, *pairs][:count]
    numbered = (f"{first} {number} {second}" for number in range(2, 10) for second in _SECOND for first in _FIRST)
    return (*found, *(next(numbered) for _ in range(count - len(found))))


@dataclass(frozen=True, slots=True)
class GeneratedPaper:
    """A paper, and the places of the keywords that it contains."""

    paper: Paper
    keywords: tuple[int, ...]


@dataclass(frozen=True)
class PaperGenerator:
    """Generates `count` papers of the five years before `end`, by arXiv id, which contain some of the keywords."""

    count: int
    keywords: Sequence[str]
    end: datetime
    seed: int = 12

    def papers(self) -> Iterator[GeneratedPaper]:
        """Yields the papers in the order of their ids; a few are submitted earlier than those before them."""
        rng = random.Random(self.seed)
        text = _prepared_text(self.seed)
        for number in range(self.count):
            drawn = self._drawn(rng)
            published = self._published(number, rng)
            categories = _categories(rng)
            version = 1 if rng.random() < 0.84 else 2
            paper = Paper(
                arxiv_id=self.arxiv_id(number),
                version=version,
                title=text.title(rng),
                abstract=text.abstract(rng, [self.keywords[place] for place in drawn]),
                authors=text.authors(rng, self.count),
                primary_category=categories[0],
                categories=categories,
                published=published,
                updated=min(self.end, published + timedelta(days=rng.uniform(1, 90))) if version > 1 else published,
                comment=text.comment(rng) if rng.random() < 0.78 else None,
                journal_ref=f"J. Gen. Res. {number % 97} {number % 9973}" if rng.random() < 0.16 else None,
                doi=f"10.5555/{number}" if rng.random() < 0.16 else None,
            )
            yield GeneratedPaper(paper, drawn)

    def arxiv_id(self, number: int) -> ArxivId:
        """Returns the id of the paper at this place."""
        month, place = self._place(number)
        return ArxivId(f"{self._id_months[month]}.{place + 1:05}")

    @cached_property
    def months(self) -> tuple[datetime, ...]:
        """The first day of each month with papers, oldest first."""
        index = self.end.year * 12 + self.end.month - 1
        return tuple(datetime(n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(index - _MONTHS + 1, index + 1))

    @cached_property
    def _id_months(self) -> tuple[str, ...]:
        return tuple(f"{month:%y%m}" for month in self.months)

    @cached_property
    def _first_ids(self) -> tuple[int, ...]:
        """The number of the first paper of each month, and the count of all: as many per day in every month."""
        starts_s = [start.timestamp() for start in (*self.months, self.end)]
        span_s = starts_s[-1] - starts_s[0]
        return tuple(round(self.count * (start_s - starts_s[0]) / span_s) for start_s in starts_s)

    def _place(self, number: int) -> tuple[int, int]:
        month = self._month_of[number]
        return month, number - self._first_ids[month]

    @cached_property
    def _month_of(self) -> bytes:
        lengths = (after - first for first, after in zip(self._first_ids, self._first_ids[1:], strict=False))
        return b"".join(bytes((month,)) * length for month, length in enumerate(lengths))

    def _published(self, number: int, rng: random.Random) -> datetime:
        """The id is given when the submission is announced: usually within a day, sometimes after a week on hold."""
        month, place = self._place(number)
        start, end = self.months[month], (*self.months, self.end)[month + 1]
        length = self._first_ids[month + 1] - self._first_ids[month]
        hold = timedelta(days=rng.uniform(0, 7) if rng.random() < 0.03 else rng.uniform(0, 1))
        return start + (end - start) * ((place + rng.random()) / length) - hold

    @cached_property
    def _shares(self) -> tuple[float, ...]:
        return tuple(_BROADEST / (place + 1) ** _EXPONENT for place in range(len(self.keywords)))

    @cached_property
    def _draws(self) -> tuple[list[float], list[float]]:
        """The cumulated weights of the keywords, and of drawing none, one, two … of them (a Poisson distribution)."""
        mean = sum(self._shares[1:])
        counts = (mean**draws * math.exp(-mean) / math.factorial(draws) for draws in range(_DRAWS_MAX))
        return list(accumulate(self._shares[1:])), list(accumulate(counts))

    def _drawn(self, rng: random.Random) -> tuple[int, ...]:
        by_keyword, by_count = self._draws
        drawn = {0} if rng.random() < _BROADEST else set()
        if by_keyword:
            (count,) = rng.choices(range(_DRAWS_MAX), cum_weights=by_count)
            drawn.update(rng.choices(range(1, len(self.keywords)), cum_weights=by_keyword, k=count))
        return tuple(sorted(drawn))


class _GeneratedText:
    """Prepared sentences: composing each from words would take ten times as long."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._words = ["".join(rng.choices(_SYLLABLES, k=rng.choice((2, 3, 3, 4)))) for _ in range(4000)]
        self._sentences = [self._phrase(14).capitalize() + "." for _ in range(4000)]
        self._before = [self._phrase(5).capitalize() for _ in range(500)]
        self._after = [self._phrase(5) + "." for _ in range(500)]
        self._titles = [self._phrase(9).capitalize()[:72].strip() for _ in range(4000)]
        self._comments = [
            f"{rng.randint(5, 40)} pages, {rng.randint(1, 9)} figures; {self._phrase(6)}"[:64] for _ in range(500)
        ]
        self._surnames = [*_SURNAMES, *(self._name((2, 2, 3)) for _ in range(3000))]
        self._given = [*_GIVEN, *(self._name((1, 2, 2, 3)) for _ in range(1000))]

    def title(self, rng: random.Random) -> str:
        return rng.choice(self._titles)

    def authors(self, rng: random.Random, papers: int) -> tuple[str, ...]:
        people = (int(_PEOPLE * papers * rng.random() ** _UNEVEN) for _ in range(rng.randint(1, 9)))
        return tuple(dict.fromkeys(map(self._person, people)))

    def _person(self, number: int) -> str:
        surname = self._surnames[number * 7919 % len(self._surnames)]
        given = self._given[number * 31 % len(self._given)]
        return f"{given} {chr(65 + number % 26)}. {surname}" if number % 4 == 0 else f"{given} {surname}"

    def _name(self, lengths: Sequence[int]) -> str:
        return "".join(self._rng.choices(_SYLLABLES, k=self._rng.choice(lengths))).capitalize()

    def comment(self, rng: random.Random) -> str:
        return rng.choice(self._comments)

    def abstract(self, rng: random.Random, contained: Sequence[str]) -> str:
        """Returns sentences that contain these phrases, among others."""
        sentences = [f"{rng.choice(self._before)} {phrase} {rng.choice(self._after)}" for phrase in contained]
        length = sum(map(len, sentences))
        while length < _ABSTRACT_LENGTH:
            sentences.append(rng.choice(self._sentences))
            length += len(sentences[-1]) + 1
        return " ".join(sentences)

    def _phrase(self, count: int) -> str:
        """Two words of three are rare ones, and the last one always: a keyword beside it stays separate."""
        words = [
            self._rng.choice(self._words if self._rng.random() < 0.6 else _FUNCTION_WORDS) for _ in range(count - 1)
        ]
        return " ".join([*words, self._rng.choice(self._words)])


@cache
def _prepared_text(seed: int) -> _GeneratedText:
    return _GeneratedText(random.Random(seed + 1))


def _categories(rng: random.Random) -> tuple[str, ...]:
    primary = _CATEGORIES[min(int(rng.expovariate(0.25)), len(_CATEGORIES) - 1)]
    others = rng.sample(_CATEGORIES, rng.choice((0, 0, 1, 1, 2, 3)))
    return (primary, *(other for other in others if other != primary))
