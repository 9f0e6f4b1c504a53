"""What a keyword is: when two are the same, what is refused, and what is sent to arXiv."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.keyword import KEYWORD_MAX, STOP_WORDS, Keyword, Token, search_phrases, split_keywords
from bot.runtime.errors import InvalidKeyword

# What people type, and what they do not: capitals, accents, signs, brackets, white space of all kinds, any Unicode.
TYPED = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="abAB sS'’éß+#-–[].\\{}\"cCLx1 \t\u200b", max_size=40),
    st.sampled_from(["C++", "MLLMs [cs.CL]", "reward model", "Newton’s Method", "BERT [MASK]"]),
)


def parsed(text: str, category: str | None = None) -> Keyword:
    """The keyword of a text that happens to be one."""
    try:
        return Keyword.parse(text, category)
    except InvalidKeyword:
        assume(False)
        raise


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("Reward Model", "reward model"),
        ("  reward \t model ", "reward model"),
        ("“reward model”,", "reward model"),
        ("reward–model", "reward-model"),
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
def test_the_canonical_form(typed: str, canonical: str) -> None:
    assert Keyword.parse(typed).canonical == canonical


def test_only_the_canonical_form_makes_two_keywords_the_same() -> None:
    assert Keyword.parse("Reward  model!") == Keyword.parse("reward model")
    assert len({Keyword.parse("Reward Model"), Keyword.parse("reward model")}) == 1
    assert Keyword.parse("CLIP") != Keyword.parse("clip")
    assert Keyword.parse("C++") != Keyword.parse("C")
    assert Keyword.parse("diffusion [cs.CL]") != Keyword.parse("diffusion")


def test_a_keyword_is_shown_as_first_typed() -> None:
    assert Keyword.parse(' "Reward\u200b  Model" ').shown == '"Reward Model"'
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
def test_the_words_of_a_keyword(typed: str, tokens: tuple[Token, ...]) -> None:
    assert Keyword.parse(typed).tokens == tokens


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "A keyword needs at least one letter or digit."),
        (" \u200b\n", "A keyword needs at least one letter or digit."),
        ("∇", "A keyword needs at least one letter or digit."),
        ("[cs.CL]", "A keyword needs at least one letter or digit."),
        ("\u3164", "A keyword needs at least one letter or digit."),
        ("the", "A keyword needs a word that says more than the, of or with."),
        ("To be, or NOT to be!", "A keyword needs a word that says more than the, of or with."),
        ("a" * (KEYWORD_MAX + 1), "A keyword can be up to 200 characters long."),
        ("\ufdfa" * 100, "A keyword can be up to 200 characters long."),  # each stands for 18 letters
        ("diffusion [cs.cl]", "arXiv has no such category; the nearest are cs.CL, cs.SC, cs.PL."),
        ("diffusion [x.yzw]", "arXiv has no such category; they look like cs.CL, astro-ph.CO or quant-ph."),
        ("diffusion [cs.CL] [cs.LG]", "A keyword can be narrowed to one category, not to several."),
    ],
)
def test_what_cannot_be_watched_is_refused_with_one_sentence(typed: str, sentence: str) -> None:
    with pytest.raises(InvalidKeyword) as refused:
        Keyword.parse(typed)
    assert str(refused.value) == sentence


def test_a_keyword_may_be_as_long_as_the_limit_and_its_category_does_not_count() -> None:
    longest = "a" * KEYWORD_MAX
    assert Keyword.parse(f"{longest} [cs.CL]").shown == f"{longest} [cs.CL]"


def test_a_category_narrows_however_it_is_given() -> None:
    narrowed = Keyword.parse("diffusion", "cs.CL")
    assert narrowed.category == "cs.CL"
    assert narrowed.canonical == "diffusion [cs.CL]"
    assert [token.text for token in narrowed.tokens] == ["diffusion"]
    assert Keyword.parse("Diffusion [cs.CL]") == narrowed
    assert Keyword.parse("diffusion [cs.CL]", " cs.CL ") == narrowed
    assert Keyword.parse("diffusion [cs.CL] [cs.CL]") == narrowed
    assert Keyword.parse("diffusion [astro-ph]").category == "astro-ph"
    assert Keyword.parse("diffusion", "").category is None


@pytest.mark.parametrize(
    ("category", "near"), [("cs.XX", "cs."), ("machine learning", "cs.LG, stat.ML"), ("hep", "hep-ex")]
)
def test_an_unknown_category_is_refused_with_the_nearest_ones(category: str, near: str) -> None:
    with pytest.raises(InvalidKeyword, match=re.escape(near)):
        Keyword.parse("diffusion", category)


def test_a_category_that_contradicts_the_text_is_refused() -> None:
    with pytest.raises(InvalidKeyword, match="one category"):
        Keyword.parse("diffusion [cs.CL]", "cs.LG")


def test_brackets_that_name_no_category_belong_to_the_keyword() -> None:
    keyword = Keyword.parse("BERT [MASK]")
    assert keyword.category is None
    assert [token.text for token in keyword.tokens] == ["bert", "mask"]


def test_the_stop_words_are_those_of_lucene() -> None:
    assert len(STOP_WORDS) == 33
    assert {"the", "such", "into", "with"} < STOP_WORDS
    assert "from" not in STOP_WORDS


@pytest.mark.parametrize(
    ("typed", "keywords"),
    [
        ("reward model, MLLM", ("reward model", "MLLM")),
        (" , reward  model,,\n", ("reward model",)),
        ("b, Clip, B!, clip", ("b", "Clip")),
        ("MLLM, mllm", ("MLLM", "mllm")),
        ("the, ∇, the", ("the", "∇")),
        ("模型，扩散", ("模型", "扩散")),
        ("", ()),
    ],
)
def test_several_keywords_are_separated_by_commas(typed: str, keywords: tuple[str, ...]) -> None:
    assert split_keywords(typed) == keywords


@pytest.mark.parametrize(
    ("typed", "phrases"),
    [
        ("reward-model", ("reward model",)),
        ('ti:"x" OR (all:y)', ("ti x or all y",)),
        ("Schrödinger equation", ("schrödinger equation", "schrodinger equation")),
        ("C++ [cs.PL]", ("c",)),
        ("Llama 3.1", ("llama 3 1", "llama 3.1")),
        ("O’Neill", ("o neill", "o'neill")),
        ("naïve v1.2.", ("naïve v1 2", "naive v1 2", "naïve v1.2", "naive v1.2")),
    ],
)
def test_what_is_asked_of_arxiv(typed: str, phrases: tuple[str, ...]) -> None:
    assert search_phrases(Keyword.parse(typed)) == phrases


@given(TYPED)
def test_only_words_with_their_joints_and_single_spaces_are_sent_to_arxiv(text: str) -> None:
    for phrase in search_phrases(parsed(text)):
        assert phrase
        words = [word for part in phrase.split(" ") for word in re.split("[._']", part)]
        assert all(word.isalnum() for word in words)


@given(TYPED, st.sampled_from([None, "cs.CL", "astro-ph"]))
def test_a_keyword_typed_again_as_it_is_shown_is_the_same(text: str, category: str | None) -> None:
    keyword = parsed(text, category)
    again = Keyword.parse(keyword.shown)
    assert again == keyword
    assert (again.shown, again.tokens, again.category) == (keyword.shown, keyword.tokens, keyword.category)


@given(TYPED)
def test_anything_typed_is_a_keyword_with_words_and_a_form_of_its_own(text: str) -> None:
    keyword = parsed(text)
    assert keyword.tokens
    assert keyword.canonical
    assert keyword.category or not keyword.canonical.endswith("]")


@given(TYPED)
def test_splitting_gives_each_keyword_once(text: str) -> None:
    pieces = split_keywords(text)
    assert len(set(pieces)) == len(pieces)
    assert split_keywords(",".join(pieces)) == pieces
