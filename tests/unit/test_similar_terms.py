"""Which keywords and terms are suggested for a keyword that is unknown or matches no paper."""

import pytest

from bot.domain.common_terms import COMMON_TERMS
from bot.domain.keyword import Keyword
from bot.domain.similar_terms import TERMS_MAX, nearest_terms, similar_keywords
from bot.domain.unsupported import unsupported_syntax

KEYWORDS = """reward model, RLHF, graph neural network, diffusion model, world model, language agents, CLIP, MLLM,
speculative decoding, protein folding, quantum error correction, dark matter, retrieval augmented generation,
mixture of experts, in-context learning, reinforcement learning, LLM, machine learning, state space model""".replace(
    "\n", " "
).split(", ")

UNRELATED = """transformer, tensor networks, neural rendering, video generation, fusion plasma, cosmic rays, attention,
robotics, speech, federated learning, gravitational waves, quokka, VLM, RAG, GAN, word embeddings, road detection,
quantum computing, expert systems, language models, image""".replace("\n", " ").split(", ")

TITLES = [
    "Reinforcement Learning from Human Feedback",
    "Deep Reinforcement Learning for Robots",
    "Fine-Tuning of Large Language Models",
    "RLHF without Reward Models",
    "A Survey of Graph Neural Networks",
    "The Kähler Geometry of a Torus",
    "Retrieval-Augmented Generation",
    "Vision Transformers",
    "$\\alpha$-\\emph{Divergences}",
]


@pytest.mark.parametrize(
    ("typed", "keyword"),
    [
        ("reward modl", "reward model"),
        ("rewrd model", "reward model"),
        ("reward modeling", "reward model"),
        ("RLFH", "RLHF"),
        ("rlhf", "RLHF"),
        ("graph network", "graph neural network"),
        ("difusion", "diffusion model"),
        ("diffusion", "diffusion model"),
        ("world modle", "world model"),
        ("agents", "language agents"),
        ("clip art", "CLIP"),
        ("MLLMs", "MLLM"),
        ("speculative", "speculative decoding"),
        ("folding protein", "protein folding"),
        ("error correction", "quantum error correction"),
        ("darkmatter", "dark matter"),
        ("retrieval-augmented", "retrieval augmented generation"),
        ("mixture of expert", "mixture of experts"),
        ("incontext learning", "in-context learning"),
        ("reinforcment", "reinforcement learning"),
        ("states pace model", "state space model"),
        ("LLMs", "LLM"),
    ],
)
def test_misspelled_or_partial_keyword_is_suggested_first(typed: str, keyword: str) -> None:
    assert similar_keywords(typed, KEYWORDS)[0] == keyword


@pytest.mark.parametrize("typed", ["∇", "", *UNRELATED])
def test_unrelated_keywords_are_not_suggested(typed: str) -> None:
    assert similar_keywords(typed, KEYWORDS) == ()


def test_long_keywords_are_not_compared() -> None:
    long = "graph neural networks " * 4
    assert similar_keywords(f"{long} x", [long]) == ()
    assert similar_keywords("graph neural network", [long, "graph neural networks"]) == ("graph neural networks",)


def test_at_most_three_keywords_are_suggested() -> None:
    assert len(similar_keywords("model", KEYWORDS)) == TERMS_MAX


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("rienforcement learning", ("reinforcement learning",)),
        ("reinforcment lerning", ("reinforcement learning",)),
        ("RLFH", ("RLHF",)),
        ("finetuning", ("fine-tuning",)),
        ("retrieval augmentedgeneration", ("retrieval-augmented generation",)),
        ("kahler geometrie", ("kähler geometry",)),
        ("geometri of a transfomer", ("geometry of a transformers",)),
        ("vision transfomers for ants", ()),
        ("quokka", ()),
        ("large models", ()),
        ("graph", ("graph",)),
        ("VLM", ()),
        ("one two three four five six seven", ()),
        ("∇", ()),
    ],
)
def test_terms_of_known_titles_are_suggested_for_a_misspelling(typed: str, terms: tuple[str, ...]) -> None:
    assert nearest_terms(typed, TITLES) == terms


def test_more_frequent_of_equally_similar_terms_is_first() -> None:
    assert nearest_terms("gradent", ["Gradients", "Gradient", "A Gradient"]) == ("gradient", "gradients")


@pytest.mark.parametrize("term", ["reinforcement learning", "large language model", "gravitational waves"])
def test_misspelled_common_terms_are_corrected(term: str) -> None:
    for position in range(1, len(term) - 1):
        if " " not in term[position : position + 2]:
            misspelled = term[:position] + term[position + 1] + term[position] + term[position + 2 :]
            assert nearest_terms(misspelled, COMMON_TERMS)[0] == term


def test_common_terms_are_possible_keywords() -> None:
    assert len(set(COMMON_TERMS)) == len(COMMON_TERMS)
    assert [term for term in COMMON_TERMS if unsupported_syntax(term) is not None] == []
    assert {Keyword.parse(term).shown for term in COMMON_TERMS} == set(COMMON_TERMS)


def test_terms_with_tex_are_not_suggested() -> None:
    assert nearest_terms("divergenc", TITLES) == ()
