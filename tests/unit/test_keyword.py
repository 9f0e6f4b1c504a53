"""Keywords: canonical forms, tokens, rejected ones, and the phrases that are sent to arXiv."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.keyword import KEYWORD_MAX, STOP_WORDS, Keyword, search_phrases
from bot.domain.searchable import CJK_WORD
from bot.domain.tokens import Token
from bot.runtime.errors import InvalidKeyword

# Likely and unlikely input: capitals, accents, signs, brackets, all kinds of white space, any Unicode.
TYPED = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="abAB sS'’éß+#-–[].\\{}\"“”*cCLx1 \t\u200b", max_size=40),
    st.lists(
        st.sampled_from(
            ["[cs.CL]", "[x.y]", "[CS]", "Math", '"', "“", "”", "*", "**", "\\sim", "[", "]", " ", "ab", "3", "."]
        ),
        max_size=8,
    ).map("".join),
    st.sampled_from(["C++", "MLLMs [cs.CL]", "reward model", "Newton’s Method", "BERT [MASK]"]),
)


def parsed(text: str, category: str | None = None) -> Keyword:
    """Parses the text, and discards the example if it is not a keyword."""
    try:
        return Keyword.parse(text, category)
    except InvalidKeyword:
        assume(False)
        raise


@pytest.mark.parametrize(
    ("typed", "other"),
    [
        ("Reward Model", "reward model"),
        ("  reward \t model ", "reward model"),
        ("“reward model”,", "reward model"),
        ("reward–model", "reward model"),
        ("Reward Models", "reward model"),
        ("reward model*", "reward model"),
        ("ｒｅｗａｒｄ model", "reward model"),
        ("Newton’s Method", "newton method"),
        ("MLLM", "MLLM"),
        ("MLLMs for OCR", "MLLMs for OCR"),
        ("Vision-Language", "vision-language"),
        ("(C++).", "c++"),
        ("c#!", "c#"),
        ("#hashtag", "hashtag"),
        ("GPT-4+", "GPT-4"),
        ("C++ + x", "c++ + x"),
        ("STRAßE", "STRAßE"),
        ("Straße", "strasse"),
        ("Kähler", "kähler"),
        ("BERT [MASK]", "BERT [MASK"),
    ],
)
def test_spellings_of_the_same_keyword_are_equal(typed: str, other: str) -> None:
    assert Keyword.parse(typed) == Keyword.parse(other)


def test_keywords_with_the_same_canonical_form_are_equal() -> None:
    assert Keyword.parse("Reward  model!") == Keyword.parse("reward model")
    assert len({Keyword.parse("Reward Model"), Keyword.parse("reward model")}) == 1
    assert Keyword.parse("CLIP") != Keyword.parse("clip")
    assert Keyword.parse("C++") != Keyword.parse("C")
    assert Keyword.parse("diffusion [cs.CL]") != Keyword.parse("diffusion")


def test_keyword_is_shown_as_typed() -> None:
    assert Keyword.parse(" (Reward\u200b  Model) ").shown == "(Reward Model)"
    assert Keyword.parse("Reward Model", "cs.CL").shown == "Reward Model [cs.CL]"


@pytest.mark.parametrize(
    ("typed", "tokens"),
    [
        ("Reward Model", (Token("reward"), Token("model"))),
        ("MLLM", (Token("mllm", exact=True),)),
        ("MLLMs", (Token("mllms", exact=True, plural=True),)),
        ("GPS", (Token("gps", exact=True),)),
        ("C++11", (Token("c", suffix="++"), Token("11"))),
        ("F# 4++", (Token("f", suffix="#"), Token("4"))),
        ("k-means", (Token("k"), Token("means"))),
        ("Poincaré's", (Token("poincaré"),)),
    ],
)
def test_tokens_of_a_keyword(typed: str, tokens: tuple[Token, ...]) -> None:
    assert Keyword.parse(typed).tokens == tokens


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "A keyword needs at least one letter or digit."),
        (" \u200b\n", "A keyword needs at least one letter or digit."),
        ("∇", "A keyword needs at least one letter or digit."),
        ("[cs.CL]", "A category only narrows a keyword. Add one in front of it, as in `agents [cs.CL]`."),
        ("[CS.cl]", "A category only narrows a keyword. Add one in front of it, as in `agents [cs.CL]`."),
        ("A*", 'arXiv ignores "a" and signs, so it can\'t find `A*` alone. Add a word, as in `A* search`.'),
        ("\u3164", "A keyword needs at least one letter or digit."),
        ("the", 'Use at least one word besides stop words such as "the" or "of".'),
        ("To be, or NOT to be!", 'Use at least one word besides stop words such as "the" or "of".'),
        ("a" * (KEYWORD_MAX + 1), "A keyword can be up to 200 characters long."),
        ("agents " + "[cs.CL] " * 60, "A keyword can be up to 200 characters long."),
        ("\ufdfa" * 100, "A keyword can be up to 200 characters long."),  # each expands to 18 letters
        ("diffusion [cs.CX]", "No such arXiv category. Did you mean `cs.SC`, `cs.HC` or `cs.DC`?"),
        ("diffusion [x.yzw]", "No such arXiv category. Examples of categories: `cs.CL`, `astro-ph.CO` and `quant-ph`."),
        ("diffusion [cs.CL] [cs.LG]", "Use only one category."),
    ],
)
def test_invalid_keyword_is_rejected_with_a_message(typed: str, message: str) -> None:
    with pytest.raises(InvalidKeyword) as raised:
        Keyword.parse(typed)
    assert str(raised.value) == message


def test_category_does_not_count_towards_the_maximum_length() -> None:
    longest = "a" * KEYWORD_MAX
    assert Keyword.parse(f"{longest} [cs.CL]").shown == f"{longest} [cs.CL]"


def test_category_is_an_argument_or_a_suffix_in_brackets() -> None:
    narrowed = Keyword.parse("diffusion", "cs.CL")
    assert narrowed.category == "cs.CL"
    assert narrowed.shown == "diffusion [cs.CL]"
    assert [token.text for token in narrowed.tokens] == ["diffusion"]
    assert Keyword.parse("Diffusion [cs.CL]") == narrowed
    assert Keyword.parse("diffusion [cs.CL]", " cs.CL ") == narrowed
    assert Keyword.parse("diffusion [cs.CL] [cs.CL]") == narrowed
    assert Keyword.parse("diffusion [astro-ph]").category == "astro-ph"
    assert Keyword.parse("diffusion", "").category is None


@pytest.mark.parametrize(
    ("category", "similar"), [("cs.XX", "cs."), ("machine learning", "`cs.LG` or `stat.ML`"), ("hep", "hep-ex")]
)
def test_unknown_category_is_rejected_with_similar_ones(category: str, similar: str) -> None:
    with pytest.raises(InvalidKeyword, match=re.escape(similar)):
        Keyword.parse("diffusion", category)


@pytest.mark.parametrize(
    ("typed", "category", "parsed"),
    [
        ("agents [CS.cl]", None, "cs.CL"),
        ("agents [astro-PH.co]", None, "astro-ph.CO"),
        ("agents [Quant-Ph]", None, "quant-ph"),
        ("agents", "STAT.ml", "stat.ML"),
        ("agents [cs.cl]", "cs.CL", "cs.CL"),
        ("agents [cs.cl] [CS.CL]", None, "cs.CL"),
    ],
)
def test_categories_are_case_insensitive(typed: str, category: str | None, parsed: str) -> None:
    keyword = Keyword.parse(typed, category)
    assert (keyword.category, keyword.shown) == (parsed, f"agents [{parsed}]")


@pytest.mark.parametrize(
    "typed",
    [
        *(f"{marks[0]}reward model{marks[1]}" for marks in ('""', "“”", "„“", "«»", "''", "``")),
        *('"reward model', 'reward model"', '“"reward model"”', "reward* model", "reward model**", '"reward model*"'),
        *("**reward model**", "*reward model*", "__reward model__", '**"reward model"**'),
    ],
)
def test_quotation_marks_and_ending_wildcards_are_not_part_of_a_keyword(typed: str) -> None:
    assert Keyword.parse(typed).shown == "reward model"
    assert Keyword.parse(f"{typed} [cs.CL]").shown == "reward model [cs.CL]"


@pytest.mark.parametrize("typed", ["Q*", "RRT* planning", "C*-algebra", "D* Lite", "Newton's 'x' and 'y'"])
def test_signs_of_names_stay_part_of_the_keyword(typed: str) -> None:
    assert Keyword.parse(typed).shown == typed


def test_archive_in_capitals_is_a_category_only_after_a_phrase() -> None:
    assert Keyword.parse("[Math]").category is None
    assert Keyword.parse("agents [CS]").category == "cs"


def test_two_different_categories_are_rejected() -> None:
    with pytest.raises(InvalidKeyword, match=r"^Use only one category: in `keyword` or in `category`\.$"):
        Keyword.parse("diffusion [cs.CL]", "cs.LG")


def test_brackets_without_a_category_are_part_of_the_keyword() -> None:
    keyword = Keyword.parse("BERT [MASK]")
    assert keyword.category is None
    assert [token.text for token in keyword.tokens] == ["bert", "mask"]


def test_stop_words_are_those_of_lucene() -> None:
    assert len(STOP_WORDS) == 33
    assert {"the", "such", "into", "with"} < STOP_WORDS
    assert "from" not in STOP_WORDS


@pytest.mark.parametrize(
    "spellings",
    [
        ("reward model", "Reward Models", "reward-model", "reward*  model", "\\emph{reward} \\textbf{model}"),
        ("LLM", "LLMs", "llm"),
        ("CO2", "CO₂", "CO$_2$", "CO_2", "co2"),
        ("σ8", "sigma8", "sigma_8", "$\\sigma_8$", "$\\sigma_{8}$"),
        ("ΛCDM", "$\\Lambda$CDM", "Lambda CDM", "LambdaCDM"),
        ("Hα", "H-alpha", "Halpha", "H$\\alpha$", "H alpha"),
        ("π0", "pi0", "$\\pi_0$"),
        ("γ-ray", "gamma-ray", "Gamma rays", "$\\gamma$-ray"),
        ("Kähler", "Kahler", 'K\\"ahler'),
    ],
)
def test_spellings_with_the_same_matches_have_one_canonical_form(spellings: tuple[str, ...]) -> None:
    assert len({Keyword.parse(spelling).canonical for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("CLIP", "clip"), ("Q*", "Q"), ("C++", "C"), ("C++", "C#"), (".NET", "net"), ("R²", "R"), ("news", "new"),
        ("universe", "university"), ("general", "generate"), ("σ8", "σ"), ("reward model", "reward model [cs.CL]"),
        ("PI", "π"), ("RRT*", "RRT"), ("a → b", "a b"), ("GPT-4o", "GPT-4"),
    ],
)  # fmt: skip
def test_keywords_with_different_matches_have_different_canonical_forms(first: str, second: str) -> None:
    assert Keyword.parse(first).canonical != Keyword.parse(second).canonical


@pytest.mark.parametrize(
    ("typed", "phrases"),
    [
        ("reward-model", ("reward model",)),
        ('ti:"x" OR (all:y)', ("ti x or all y",)),
        ("Schrödinger equation", ("schrödinger equation", "schrodinger equation")),
        ("C++ [cs.PL]", ("c",)),
        ("Llama 3.1", ("llama 3.1",)),
        ("O’Neill", ("o'neill",)),
        ("naïve v1.2.", ("naïve v1.2", "naive v1.2")),
    ],
)
def test_phrases_for_arxiv(typed: str, phrases: tuple[str, ...]) -> None:
    assert search_phrases(Keyword.parse(typed)) == phrases


@given(TYPED)
def test_only_words_joints_and_single_spaces_are_sent_to_arxiv(text: str) -> None:
    for phrase in search_phrases(parsed(text)):
        assert phrase
        words = [word for part in phrase.split(" ") for word in re.split("[.,_']", part)]
        # Some CJK characters are newer than this Python's Unicode, so that they are no letters yet.
        assert all(word.isalnum() or CJK_WORD.fullmatch(word) for word in words)


@given(TYPED, st.sampled_from([None, "cs.CL", "astro-ph"]))
def test_keyword_parsed_again_from_its_shown_form_is_equal(text: str, category: str | None) -> None:
    keyword = parsed(text, category)
    again = Keyword.parse(keyword.shown)
    assert again == keyword
    assert (again.shown, again.tokens, again.category) == (keyword.shown, keyword.tokens, keyword.category)


@given(TYPED)
def test_every_keyword_has_tokens_and_a_canonical_form(text: str) -> None:
    keyword = parsed(text)
    assert keyword.tokens
    assert keyword.canonical
    assert keyword.category or not keyword.canonical.endswith("]")


def test_name_is_shown_instead_of_the_phrase() -> None:
    keyword = Keyword.parse("graph networks [cs.LG]")
    named = keyword.named("GNN")
    assert (named, named.label, named.text) == (keyword, "GNN", 'name:"GNN" graph networks [cs.LG]')
    assert (keyword.label, keyword.text) == ("graph networks [cs.LG]", "graph networks [cs.LG]")
