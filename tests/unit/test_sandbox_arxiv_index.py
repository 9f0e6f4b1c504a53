"""The local arXiv's search, compared with arXiv's."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.arxiv import Corpus, SandboxPaper
from sandbox.arxiv.index import TermIndex
from sandbox.arxiv.query import Term, parse

pytestmark = pytest.mark.slow

NOVEMBER = datetime(2026, 11, 10, 12, 0, 30, tzinfo=UTC)

PAPERS = (
    SandboxPaper(
        arxiv_id="2611.00001",
        title="Reward Models Hallucinated: A Naïve Study",
        abstract=(
            "The state of the art in self-supervised learning with Llama 3.1 and cs.CL data. Model's uncertainty."
        ),
        authors=("Kurt Gödel", "Søren Dąbrowski"),
        categories=("cs.CL", "cs.LG"),
        comment="Models, accepted at NeurIPS",
        journal_ref="Phys. Rev. D 113, 1234 (2026)",
        report_number="CERN-TH-2026-001",
        published=NOVEMBER,
        doi="10.1/abc",
    ),
    SandboxPaper(
        arxiv_id="hep-th/9901001",
        version=3,
        title="Strings",
        abstract="A model of a reward.",
        authors=("Ada Lovelace", "Kurt Weil"),
        categories=("hep-th",),
        published=datetime(1999, 1, 1, tzinfo=UTC),
    ),
    SandboxPaper(
        arxiv_id="2611.00003",
        title="Galaxies",
        abstract="Dust.",
        categories=("astro-ph.GA",),
        published=datetime(2026, 11, 11, tzinfo=UTC),
    ),
)
FIRST, STRINGS, GALAXIES = (paper.arxiv_id for paper in PAPERS)


@pytest.fixture(scope="module")
def index() -> Iterator[TermIndex]:
    with closing(TermIndex()) as index:
        index.add(PAPERS)
        yield index


@pytest.mark.parametrize(
    ("query", "found"),
    [
        # Titles and abstracts are stemmed and case-insensitive, also within phrases.
        ('ti:"REWARD model"', {FIRST}),
        ("ti:hallucination", {FIRST}),
        ("ti:hallucinating AND ti:studies", {FIRST}),
        ('abs:"reward model"', set()),
        ("abs:reward", {STRINGS}),
        ("ti:rew", set()),
        # Hyphens split words; unquoted, the parts are combined with AND.
        ('abs:"self supervised"', {FIRST}),
        ("abs:learning-supervised", {FIRST}),
        ('abs:"learning-supervised"', set()),
        # Stop words are dropped but keep their position.
        ("all:the", set()),
        ('abs:"state of the art"', {FIRST}),
        ('abs:"state in a art"', {FIRST}),
        ('abs:"state art"', set()),
        ('abs:"the state"', {FIRST}),
        ("abs:the-state", {FIRST}),
        ('abs:"model of a reward"', {STRINGS}),
        # Accents are folded in authors and in all fields, but not in titles and abstracts.
        ("ti:naive", set()),
        ("ti:naïve", {FIRST}),
        ("all:naive", {FIRST}),
        ("au:godel", {FIRST}),
        ("au:Gödel", {FIRST}),
        ('au:"soren dabrowski"', {FIRST}),
        ('au:"godel soren"', set()),
        ("au:kurt", {FIRST, STRINGS}),
        # Words follow Unicode's word boundaries.
        ('abs:"llama 3.1"', {FIRST}),
        ('abs:"llama 3 1"', set()),
        ("abs:cs.CL", {FIRST}),
        ("abs:models", {FIRST, STRINGS}),
        # Comments are case-insensitive but not stemmed.
        ("co:NEURIPS", {FIRST}),
        ("co:model", set()),
        ("co:models", {FIRST}),
        ('jr:"phys rev d"', {FIRST}),
        ("rn:CERN-TH-2026-001", {FIRST}),
        # Categories match exactly and case-sensitively, or with a wildcard.
        ("cat:cs.CL", {FIRST}),
        ("cat:cs.LG", {FIRST}),
        ("cat:cs.cl", set()),
        ("cat:cs", set()),
        ("cat:astro-ph*", {GALAXIES}),
        ("cat:*", {FIRST, STRINGS, GALAXIES}),
        # Ids.
        ("id:2611.00001", {FIRST}),
        ("id:hep-th/9901001v3", {STRINGS}),
        ("id:hep-th/9901001v2", set()),
        ("id:nonsense", set()),
        ("doi:10.1/abc", {FIRST}),
        # Dates.
        ("submittedDate:[202611101200 TO 202611101200]", {FIRST}),
        ("submittedDate:[202611101201 TO 202611120000]", {GALAXIES}),
        ("lastUpdatedDate:[19990101 TO 19990101]", {STRINGS}),
        # Operators.
        ("cat:hep-th OR cat:cs.CL ANDNOT ti:reward", {STRINGS}),
        ("(cat:hep-th OR cat:cs.CL) ANDNOT ti:reward", {STRINGS}),
        ("ANDNOT cat:hep-th", {FIRST, GALAXIES}),
        ("ti:galaxy AND ti:strings OR ti:galaxies", {GALAXIES}),
        ("ti:galaxy strings", {GALAXIES, STRINGS}),
        ("ti:∇", set()),
    ],
)
def test_search_matches_arxivs_results(index: TermIndex, query: str, found: set[str]) -> None:
    assert set(index.search(parse(query))) == found


def test_paper_with_more_matching_terms_scores_higher(index: TermIndex) -> None:
    scores = index.search(parse("ti:reward OR abs:model OR ti:strings"))

    assert scores[FIRST] == 2
    assert scores[STRINGS] == 2
    assert set(scores) == {FIRST, STRINGS}


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    field=st.sampled_from(["ti", "abs", "all", "au", "co", "cat", "id"]),
    quoted=st.booleans(),
)
def test_search_accepts_any_text(index: TermIndex, text: str, field: str, quoted: bool) -> None:
    assert set(index.search(Term(field, text, quoted=quoted))) <= {FIRST, STRINGS, GALAXIES}


def test_new_version_replaces_the_old_one() -> None:
    with closing(TermIndex()) as index:
        index.add([SandboxPaper(arxiv_id="2611.00001", title="Before", categories=("cs.CL",))])
        assert set(index.search(parse("ti:before AND cat:cs.CL"))) == {"2611.00001"}

        index.add([SandboxPaper(arxiv_id="2611.00001", version=2, title="After", categories=("cs.AI",))])

        assert not index.search(parse("ti:before OR cat:cs.CL"))
        assert set(index.search(parse("ti:after AND cat:cs.AI"))) == {"2611.00001"}


def test_forty_keywords_among_fifteen_hundred_papers_take_less_than_150_ms() -> None:
    papers = Corpus.generated(now=NOVEMBER, days=42).initial
    keywords = [f"reward model {n}" if n % 2 else f"{word} network" for n, word in enumerate(["graph"] * 40)]
    query = parse(" OR ".join(f'(ti:"{keyword}" OR abs:"{keyword}")' for keyword in keywords))
    with closing(TermIndex()) as index:
        index.add(papers)
        index.search(query)

        started_at_s = time.process_time()
        index.search(query)
        took_s = time.process_time() - started_at_s

    assert len(papers) > 1_300
    assert took_s < 0.150
