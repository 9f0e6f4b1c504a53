"""Matching: which words are the same word, which signs matter, and where a phrase ends."""

import time

import pytest

from bot.domain.keyword import Keyword
from bot.domain.matching import match
from bot.domain.searchable import searchable
from tests.support.builders import paper


def matches(keyword: str, text: str) -> bool:
    return bool(match([paper(title="Title", abstract=text)], [Keyword.parse(keyword)]))


# --- stems -------------------------------------------------------------------------------------

UNLIKE_WORDS = [
    ("news", "new"),
    ("universe", "university"),
    ("universal", "university"),
    ("general", "generate"),
    ("general", "generator"),
    ("generative", "general"),
    ("organ", "organization"),
    ("operate", "operator"),
    ("relative", "relation"),
    ("relativity", "relation"),
    ("international", "internal"),
    ("probe", "probability"),
    ("community", "communication"),
    ("author", "authority"),
    ("mars", "mar"),
    ("does", "doe"),
    ("policy", "police"),
    ("experiment", "experience"),
    ("nature", "natural"),
    ("execute", "executive"),
    ("animation", "animal"),
    ("united", "unit"),
    ("evening", "even"),
    ("morning", "morn"),
    ("object", "objective"),
    ("physics", "physical"),
    ("critic", "critical"),
    ("agent", "agency"),
    ("sense", "sensor"),
    ("transform", "transformer"),
    ("late", "latent"),
    ("inform", "informer"),
    ("adapt", "adapter"),
    ("import", "importance"),
    ("differ", "differential"),
    ("moment", "momentum"),
]


@pytest.mark.parametrize(("keyword", "word"), UNLIKE_WORDS)
def test_unlike_words_do_not_match_each_other(keyword: str, word: str) -> None:
    assert not matches(keyword, f"A {word} method")
    assert not matches(word, f"A {keyword} method")


@pytest.mark.parametrize(
    ("keyword", "word"),
    [
        ("model", "models"),
        ("model", "modelling"),
        ("model", "modeled"),
        ("policy", "policies"),
        ("class", "classes"),
        ("galaxy", "galaxies"),
        ("box", "boxes"),
        ("learn", "learning"),
        ("tune", "tuning"),
        ("plan", "planned"),
        ("agree", "agreed"),
        ("generate", "generation"),
        ("generate", "generated"),
        ("diffuse", "diffusion"),
        ("optimize", "optimization"),
        ("hallucination", "hallucinate"),
        ("detector", "detectors"),
        ("mesh", "meshes"),
        ("university", "universities"),
        ("star", "stars"),
        ("matching", "matches"),
        ("segment", "segmented"),
        ("embedding", "embeddings"),
        ("ray", "rays"),
        ("H100", "H100s"),
        ("translation", "translating"),
    ],
)
def test_forms_of_one_word_match_each_other(keyword: str, word: str) -> None:
    assert matches(keyword, f"These {word} here")
    assert matches(word, f"These {keyword} here")


# --- signs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("Q*", "the Q* algorithm"),
        ("Q*", "$Q^*$ values"),
        ("Q*", r"$Q^{\star}$ values"),
        ("RRT*", "RRT* planners"),
        ("C++", "C++ code"),
        ("Z' boson", "a Z' boson"),
        ("Z’ boson", "a $Z'$ boson"),
        ("Z′", r"$Z^{\prime}_{B-L}$ models"),
        ("Z boson", "a Z' boson"),
        ("η'", r"$\eta'$ mesons"),
        ("C#", "in C#"),
        (".NET", "the .NET runtime"),
        ("R²", "$R^2=0.9$"),
        ("R2", "an R² of 0.9"),
        ("k-means", "$k$-means"),
        ("k means", "k-means"),
        ("3D", "3D scenes"),
        ("3D", "a $3$D grid"),
        ("GPT-4o", "GPT-4o mini"),
        ("GPT-4", "GPT-4 and GPT-4o"),
        ("Llama 3.1", "Llama 3.1 8B"),
        ("v2.0", "version v2.0"),
        ("t-SNE", "$t$-SNE plots"),
        ("H+", "the H$^+$ ion"),
        ("K+", "K⁺ channels"),
        ("C*-algebra", "C$^*$-algebras"),
        ("Node.js", "a Node.js server"),
        ("N=4", r"$\mathcal{N}=4$ theories"),
        ("U-Net", "U-Nets"),
        ("D*", "D* decays"),
        ("reward*", "rewards"),
        ("RMs", "an RM"),
        ("RM", "two RMs"),
        ("X-ray", "X-rays"),
        ("F#", "F# code"),
    ],
)
def test_word_with_its_signs_is_matched(keyword: str, text: str) -> None:
    assert matches(keyword, text)


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("Q*", "Deep Q networks"),
        ("Q*", "a Q-function*"),
        ("RRT*", "RRT planners"),
        ("C++", "C code"),
        ("Z' boson", "the Z boson"),
        ("η'", r"$\eta$ mesons"),
        ("C#", "C code"),
        (".NET", "the net effect"),
        ("R²", "the R package"),
        ("R²", "R$_3$"),
        ("k-means", "top-k, means of"),
        ("k-means", "of rank k. Means are"),
        ("3D", "3 D"),
        ("3D", "2D scenes"),
        ("GPT-4o", "GPT-4"),
        ("GPT-4", "GPT-4o"),
        ("Llama 3", "Llama 3.1"),
        ("v2", "v2.0"),
        ("D*", "D decays"),
        ("H+", "H atoms"),
        ("N=4", "N, 4"),
        ("N=4", r"$N>4$"),
        ("RM", "RMS noise"),
        ("RM", "rms noise"),
        ("C++", "C+ grades"),
        ("SIM", r"$\sim$"),
        ("CDM", r"$\Lambda$CDM"),
        ("PI", r"$\pi$ bonds"),
        ("F#", "F major"),
        ("eff", r"$N_\mathrm{eff}$"),
        ("K+", "K channels"),
    ],
)
def test_word_without_the_signs_is_not_matched(keyword: str, text: str) -> None:
    assert not matches(keyword, text)


# --- sentences ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "We give a reward. Model training is fast.",
        "Is it a reward? Model it.",
        "What a reward! Models follow.",
        "We get a reward.) Model it.",
        'They say "reward." Models differ.',
        "We use reward [1]. Model it.",
        r"We use a \emph{reward}. \textbf{Model} it.",
        "A reward. model it",
        "a reward → model",
        r"reward $\to$ model",
        r"reward $\times$ model",
        r"reward $\approx$ model",
        "the reward… Model? Reward! Model",
        "reward.\nModel",
        "reward。model",
        r"a reward $=$ 3. Model",
        "reward ± model",
        "the reward.” Model",
        "Reward?! Model it.",
        "reward.Model",
    ],
)
def test_phrase_does_not_cross_the_end_of_a_sentence(text: str) -> None:
    assert not matches("reward model", text)


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("Smith et al results", "Smith et al. results"),
        ("reward vs model", "reward vs. model"),
        ("Fig 3 shows", "Fig. 3 shows"),
        ("J Smith", "after J. Smith"),
        ("J R Smith", "by J. R. Smith"),
        ("e.g. models", "e.g. models"),
        ("v2.0 models", "v2.0 models"),
        ("St Petersburg", "in St. Petersburg"),
        ("reward model", "reward: model"),
        ("reward model", "reward, model"),
        ("reward model", "(reward) model"),
        ("reward model", "reward/model"),
        ("reward model", "“reward” model"),
        ("reward model", "reward; model"),
        ("approx 3 models", "approx. 3 models"),
        ("Eq 5", "Eq. 5"),
        ("Sec 2", "(Sec. 2)"),
        ("cf models", "cf. models"),
        ("i.e. models", "i.e. models"),
        ("Dr Who", "Dr. Who"),
        ("U.S. models", "U.S. models"),
        ("Ph.D. student", "a Ph.D. student"),
    ],
)
def test_abbreviation_does_not_end_a_sentence(keyword: str, text: str) -> None:
    assert matches(keyword, text)


def test_phrase_may_contain_a_mathematical_sign() -> None:
    assert matches("text → image", r"from text $\to$ image")
    assert not matches("text → image", "text image")
    assert matches("a → b", r"$a \to b$")
    assert matches("→ text → ", "a text")


# --- scripts without spaces ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("模型", "大模型训练"),
        ("模型", "模型"),
        ("モデル", "言語モデルの評価"),
        ("モデル", "ﾓﾃﾞﾙ"),
        ("모델", "언어모델"),
        ("GPT模型", "基于GPT模型的"),
        ("大语言模型", "大语言模型"),
        ("の評価", "言語モデルの評価"),
        ("強化学習", "深層強化学習"),
    ],
)
def test_cjk_keyword_matches_as_a_part_of_the_text(keyword: str, text: str) -> None:
    assert matches(keyword, text)


@pytest.mark.parametrize(("keyword", "text"), [("模型", "模 拟。型"), ("模型", "型模"), ("模型", "模、型")])
def test_cjk_keyword_needs_its_characters_in_sequence(keyword: str, text: str) -> None:
    assert not matches(keyword, text)


def test_signs_that_become_spaces_are_read_in_linear_time() -> None:
    """100,000 characters take some milliseconds; a search from each space for a break took four seconds."""
    started_at_s = time.process_time()
    assert not searchable("| " * 50_000).strip()
    assert time.process_time() - started_at_s < 1
