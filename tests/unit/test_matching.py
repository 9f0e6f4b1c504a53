"""Matching: which papers satisfy which keywords."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.domain.feed import parse_feed
from bot.domain.keyword import Keyword
from bot.domain.matching import Match, match
from bot.domain.paper import ArxivId
from bot.runtime.errors import ArxivError, InvalidKeyword
from tests.support.builders import paper
from tests.support.recordings import recorded_answers

WORDS = st.sampled_from(
    ["CLIP", "clip", "clipping", "MLLM", "MLLMs", "GPS", "gp", "C++", "C#", "c", "Newton's", "Newton", "é", "e", "the"]
)


def matches(keyword: str, text: str) -> bool:
    return bool(match([paper(title=text)], [Keyword.parse(keyword)]))


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("reward model", "Reward Models for Everybody"),
        ("reward model", "A reward-model-based method"),
        ("Reward Model", "the model's REWARD MODELLING"),
        ("hallucination", "LLMs hallucinated"),
        ("graph neural networks", "Graph\nneural\tnetwork"),
        ("MLLM", "MLLMs at work"),
        ("MLLMs", "An MLLM at work"),
        ("CLIP", "CLIPs and clips"),
        ("LLM agents", "An LLM agent"),
        ("LLM agents", "LLMs' agent, the LLM agent"),
        ("DataLess", "DataLess learning"),
        ("C++", "Modern C++: a survey"),
        ("C++", "C and C++"),
        ("C++ compilers", "C++ compiler"),
        ("c#", "Programs in C#."),
        ("S+M", "the S+M scheme"),
        ("Newton's method", "Newton methods"),
        ("Newton method", "Newton\u2019s method"),
        ("Kahler", "Kähler manifolds"),
        ("Kähler", "Kahler manifolds"),
        ("Kähler-Einstein", 'K{\\"a}hler--Einstein metrics'),
        ("SCHRÖDINGER", 'the Schr\\"odinger equation'),
        ("Straße", "STRASSE"),
        ("ﬁne-tuning", "fine tuning"),
        ("k-means", "$k$-means"),
        ("模型", "模型"),
        ("the transformer", "The Transformer"),
        ("gan gan gan", "GAN GAN GAN GAN"),
        ("GAN GAN", "GAN GAN GAN"),
    ],
)
def test_paper_with_the_words_in_sequence_matches(keyword: str, text: str) -> None:
    assert matches(keyword, text)


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("reward model", "A model of rewards"),
        ("reward model", "reward and model"),
        ("CLIP", "Clipping gradients"),
        ("ALIGN", "Alignment of models"),
        ("GPS", "GP regression"),
        ("GNSS", "GNS theory"),
        ("LLM agents", "LLMing agents"),
        ("C++", "C is a language"),
        ("C++", "C ++"),
        ("C++", "C+++"),
        ("C+", "C++"),
        ("C#", "C++"),
        ("C++ compilers", "C compilers, then C++"),
        ("GAN GANs", "GAN gane GAN"),
        ("transformer", "Informers"),
    ],
)
def test_paper_without_the_words_in_sequence_does_not_match(keyword: str, text: str) -> None:
    assert not matches(keyword, text)


def test_phrase_must_be_in_the_title_or_in_the_abstract() -> None:
    keyword = Keyword.parse("reward model")
    papers = [
        paper("2611.00001", title="Reward models"),
        paper("2611.00002", abstract="On reward models."),
        paper("2611.00003", title="Reward", abstract="Models of it."),
    ]
    assert [found.arxiv_id.value for found in match(papers, [keyword])] == ["2611.00001", "2611.00002"]


def test_exact_tokens_match_in_the_abstract_too() -> None:
    keyword = Keyword.parse("CLIP")
    papers = [
        paper("2611.00001", title="Clipping", abstract="We use CLIP."),
        paper("2611.00002", title="Clipping", abstract="We clipped."),
    ]
    assert match(papers, [keyword]) == (Match(ArxivId("2611.00001"), keyword),)


def test_keyword_with_a_category_matches_only_in_that_category() -> None:
    papers = [
        paper("2611.00001", title="Diffusion", categories=("cs.LG", "cs.CL")),
        paper("2611.00002", title="Diffusion", categories=("cs.LG",)),
        paper("2611.00003", title="Diffusion", categories=("astro-ph.CO",)),
        paper("2611.00004", title="Diffusion", categories=("astro-ph",)),
    ]
    wanted = {"cs.CL": ["2611.00001"], "cs": ["2611.00001", "2611.00002"], "astro-ph": ["2611.00003", "2611.00004"]}
    for category, ids in wanted.items():
        assert [found.arxiv_id.value for found in match(papers, [Keyword.parse("diffusion", category)])] == ids


def test_each_pair_is_returned_once_by_keyword_then_by_paper() -> None:
    first, second = Keyword.parse("diffusion"), Keyword.parse("model")
    papers = [
        paper("2611.00002", title="Diffusion model", version=2),
        paper("2611.00001", title="Diffusion model"),
        paper("2611.00002", title="Diffusion"),
    ]
    found = match(papers, [first, second, Keyword.parse("Diffusion!")])
    assert [(pair.keyword.shown, pair.arxiv_id.value) for pair in found] == [
        ("diffusion", "2611.00002"),
        ("diffusion", "2611.00001"),
        ("model", "2611.00002"),
        ("model", "2611.00001"),
    ]


def test_phrase_of_common_pairs_matches_only_where_all_its_words_are() -> None:
    texts = ["The reward model agents", "Reward model and model agents"] * 20
    papers = [paper(f"2611.{number:05}", title=text) for number, text in enumerate(texts)]
    found = match(papers, [Keyword.parse("reward model agents")])
    assert [pair.arxiv_id for pair in found] == [paper.arxiv_id for paper in papers[::2]]


def test_phrase_does_not_continue_after_the_end_of_the_text() -> None:
    keyword = Keyword.parse("RL AI RM")
    assert match([paper(title="AI RM", abstract="An RL AI")], [keyword]) == ()
    assert match([paper(title="AI RM", abstract="An RL AI RM")], [keyword]) != ()


def test_without_papers_or_keywords_nothing_matches() -> None:
    assert match([], [Keyword.parse("diffusion")]) == ()
    assert match([paper(title="Diffusion")], []) == ()


@pytest.mark.parametrize(
    "text",
    [
        '" OR "CLIP" NOT (title: NEAR) * ^ \'; DROP TABLE papers --',
        "CLIP \x00 nul \x02 \x03 marks \x02CLIP\x03",
        "CLIP \ud800 half \ufffe none \u202e turned",
        "CLIP " + "x" * 1_000_000,
        "CLIP " * 20_000,
        pytest.param("\\'" * 200_000 + " CLIP " + "\u3042\u0301" * 100_000, marks=pytest.mark.slow),
    ],
)
def test_any_paper_text_can_be_matched(text: str) -> None:
    assert matches("CLIP", text)
    assert not matches("ALIGN", text)


@pytest.mark.parametrize("typed", ['"', "NEAR(a b)", "title : x", "a* ^b", "a AND b", "-x", "{title} : x", "\u19b0"])
def test_any_keyword_can_be_matched(typed: str) -> None:
    keyword = Keyword.parse(f"{typed} diffusion")
    assert match([paper(title="Alignment")], [keyword]) == ()
    assert match([paper(title=f"{typed} diffusion")], [keyword])


@given(st.one_of(st.text(min_size=1, max_size=80), st.lists(WORDS, min_size=1, max_size=6).map(" ".join)))
@example("DataLess [cs.CL")
def test_keyword_matches_a_paper_with_that_title(typed: str) -> None:
    try:
        keyword = Keyword.parse(typed)
    except InvalidKeyword:
        assume(False)
    assume(keyword.category is None)
    assert match([paper(title=typed)], [keyword])
    assert match([paper(title="x", abstract=f"Before {keyword.shown}, after.")], [keyword])


@given(
    st.lists(st.lists(WORDS, min_size=1, max_size=3).map(" ".join), min_size=2, max_size=8),
    st.lists(st.lists(WORDS, min_size=1, max_size=8).map(" ".join), min_size=1, max_size=8),
)
def test_equal_keywords_match_the_same_papers(typed: list[str], titles: list[str]) -> None:
    papers = [paper(f"2611.{place:05}", title=title) for place, title in enumerate(titles)]
    found: dict[Keyword, set[str]] = {}
    for text in typed:
        for variant in (text, f" {text.replace(' ', '  ')}. ", text.replace("'", "\u2019")):
            try:
                keyword = Keyword.parse(variant)
            except InvalidKeyword:
                continue
            ids = {pair.arxiv_id.value for pair in match(papers, [keyword])}
            assert found.setdefault(keyword, ids) == ids


@given(
    st.lists(st.lists(WORDS, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=8),
    st.lists(st.lists(WORDS, min_size=1, max_size=8).map(" ".join), min_size=1, max_size=8),
)
def test_matches_of_a_keyword_do_not_depend_on_other_keywords(typed: list[str], titles: list[str]) -> None:
    papers = [paper(f"2611.{place:05}", title=title) for place, title in enumerate(titles)]
    keywords = []
    for text in typed:
        try:
            keywords.append(Keyword.parse(text))
        except InvalidKeyword:
            continue
    alone = {pair for keyword in keywords for one in papers for pair in match([one], [keyword])}
    assert set(match(papers, keywords)) == alone


@pytest.mark.slow
@pytest.mark.recordings
def test_matching_recorded_papers_are_found() -> None:
    papers = {}
    for body in recorded_answers().values():
        try:
            papers.update({found.arxiv_id: found for found in parse_feed(body).papers})
        except ArxivError:
            continue
    keyword, shouted = Keyword.parse("Linformer"), Keyword.parse("LLM")
    found = {pair.arxiv_id for pair in match([*papers.values()], [keyword, shouted]) if pair.keyword == keyword}
    assert found == {one.arxiv_id for one in papers.values() if "linformer" in f"{one.title} {one.abstract}".casefold()}
    assert len(found) > 5


def test_phrase_with_a_literal_token_does_not_match_where_the_text_ends() -> None:
    papers = [
        paper("2611.00001", title="A model", abstract="We study CLIP"),
        paper("2611.00002", abstract="A CLIP model"),
    ]
    assert [found.arxiv_id.value for found in match(papers, [Keyword.parse("CLIP model")])] == ["2611.00002"]
