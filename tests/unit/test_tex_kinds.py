"""What authors write on arXiv that is not plain TeX: by kind, with the texts that look alike but stay as they are."""

import unicodedata

import pytest

from bot.domain.tex.convert import tex_to_text

QUOTES = {
    'the ``lazy" mode': "the “lazy” mode",
    "so called `cold' starts": "so called ‘cold’ starts",
    "the ''burn-in'' phase": "the “burn-in” phase",
    "\"quoted'' x, ``x'' y, `x'' y, ``x`` y": "“quoted” x, “x” y, “x” y, “x” y",
    "``a `b' c'', ``a `b'''": "“a ‘b’ c”, “a ‘b’”",
    "```a' b''": "“‘a’ b”",
    "``a `b c'' and `d\" e": "“a `b c” and “d” e",
    "“x\" y, “x'' y, ,,x'' y, ,,x`` y": "“x” y, “x” y, “x” y, “x” y",
    "``lazy' mode": "“lazy” mode",
    "`don't look', (`x'), `x'-like, `f(x)'": "‘don't look’, (‘x’), ‘x’-like, ‘f(x)’",
    "the ``best \"inner\" result'' is": 'the “best "inner" result” is',
    "`` spaced ''": "“ spaced ”",
    "`x´ and ``x´´ and ``x”": "‘x’ and “x” and “x”",
}
NOT_QUOTES = [
    "rock 'n' roll, '90s, 5'10\", f'(x) and g''(x)",
    "don't, the dogs' owners, 3'' wide, 'b' and \"b\"",
    'the "straight" one',
    "`code` and `more`, and O`Neil's",
    "`code` is the students' own",
    "a lone ` here and there's",
    "`" + "a" * 130 + "' x",
    "``" + "a" * 500 + "' x",
]
RANGES = {
    "between 2~3 times faster, 90~95% fewer": "between 2~3 times faster, 90~95% fewer",
    r"90\%~95\%, 10K~20K, $2~3$, 1.5~1.8x": "90%~95%, 10K~20K, 2~3, 1.5~1.8x",
    "Table~1, LLaMA-2~7B, 10~000, (4,~4), 3~months": "Table 1, LLaMA-2 7B, 10 000, (4, 4), 3 months",
}

_CHANGED = {**QUOTES, **RANGES}


@pytest.mark.parametrize(("tex", "text"), _CHANGED.items())
def test_kind_of_notation_is_converted(tex: str, text: str) -> None:
    assert tex_to_text(tex) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("text", NOT_QUOTES)
def test_text_that_resembles_notation_is_unchanged(text: str) -> None:
    assert tex_to_text(text) == text
