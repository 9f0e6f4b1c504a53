"""White space, Markdown, mentions and cutting."""

import re
import unicodedata
from typing import Final

import discord
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.text import (
    collapse,
    cut,
    defuse_mentions,
    escape_keeping_links,
    escape_label,
    escape_markdown,
    utf16_length,
)
from tests.support.markdown import read

_HOSTILE = st.lists(
    st.sampled_from(
        [*"ab1 .,\\*_~`|[]()<>#@-+:/!\n", "@everyone", "@here", "<@123>", "<@&1>", "<#5>", "<t:1:R>", "<:a:1>",
         "</a:1>", "https://evil.com/a_b", "http://x.y", "[text](http://x.y)", "https://github.com/a_b/c",
         "-# ", "1. ", "> ", "e\u0301", "😀", "👩\u200d👩\u200d👧", "👍🏽", "🇩🇪", "日本", "f(x, y)", "a = b"]
    ),
    max_size=60,
).map("".join)  # fmt: skip


def _rendered(markdown: str) -> str:
    """Returns what Discord shows for escaped text: without backslashes before punctuation and zero-width spaces."""
    return re.sub(r"\\([^0-9A-Za-z\s])", r"\1", markdown).replace("\u200b", "")


# --- collapse ----------------------------------------------------------------------------------


def test_all_white_space_becomes_single_spaces() -> None:
    assert collapse(" a\n  b\u00a0c\u2028d\te ") == "a b c d e"


def test_invisible_and_unsendable_characters_are_removed() -> None:
    assert collapse("a\x00\x1b b\u202e\u2066 \u200f c\ud800") == "a b c\ufffd"


@given(st.text())
def test_collapsing_keeps_every_letter(text: str) -> None:
    assert [s for s in collapse(text) if s.isalpha()] == [s for s in text if s.isalpha()]
    assert collapse(collapse(text)) == collapse(text)


# --- Markdown and mentions ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("*bold* _it_ ~~no~~ `code` ||hidden||", r"\*bold\* \_it\_ \~\~no\~\~ \`code\` \|\|hidden\|\|"),
        ("a\\*b", r"a\\\*b"),
        ("# Title", r"\# Title"),
        ("-# small", r"\-# small"),
        ("> quote", r"\> quote"),
        (">>> quote", r"\>>> quote"),
        ("- item\n+ item\n  - item", "\\- item\n\\+ item\n  \\- item"),
        ("1. item\n23) item", "1\\. item\n23\\) item"),
        ("-\n1.\n2)", "\\-\n1\\.\n2\\)"),
        ("-1 and 2.5 > 1 # fine - so", "-1 and 2.5 > 1 # fine - so"),
        ("[text](https://evil.com)", r"\[text]\(https:\//evil.com)"),
        ("see http://evil.com or steam://run", r"see http:\//evil.com or steam:\//run"),
        ("<https://evil.com>", r"\<https:\//evil.com>"),
        ("<t:1:R> <#1> <:a:1> </a:1> <id:guide>", r"\<t:1:R> \<#1> \<:a:1> \</a:1> \<id:guide>"),
        ("<+4930123> <a@b.de>", r"\<+4930123> \<a@b.de>"),
        ("p<0.05 and a < b", "p<0.05 and a < b"),
        ("@everyone @here @you", "@\u200beveryone @\u200bhere @you"),
        ("<@1> <@!2> <@&3>", "\\<@\u200b1> \\<@\u200b!2> \\<@\u200b&3>"),
    ],
)
def test_markdown_is_escaped(text: str, markdown: str) -> None:
    assert escape_markdown(text) == markdown
    assert _rendered(markdown) == text


_ACTIVE_IN_ANGLES: Final = (
    "<1@host>", "<a@b.c>", "<-1@h>", "<.a@b>", "<é@b.c>", '<"a"@b.c>', "<<1@host>", "<1<2@h>", "<!@b>", "<a b@c>",
    "<t:1>", "<t:1:R>", "</cmd:1>", "</cmd sub:1>", "<id:home>", "<id:customize>", "<:emoji:1>", "<a:x:1>", "<#1>",
    "<@1>", "<@!1>", "<@&1>", "<https://x.y>", "<HTTPS://x.y>", "<9:/x>", "<mailto:a@b.c>", "<tel:+49>", "<sip:1>",
    "<sms:1>", "<+49301>", "<1@<2>", "<1\u00a0@h>",
)  # fmt: skip


@pytest.mark.parametrize("around", ["{}", "a{}b", "({})", "p<0.05, {}", "{0}{0}", "<{}", "{}>"])
@pytest.mark.parametrize("text", _ACTIVE_IN_ANGLES)
def test_no_text_in_angle_brackets_becomes_a_link_or_mention(text: str, around: str) -> None:
    hostile = around.format(text)
    shown = read(escape_markdown(hostile))
    assert (shown.links, shown.special) == ([], [])
    assert shown.text.replace("\u200b", "") == hostile
    label = read(f"[{escape_label(hostile)}](https://arxiv.org/abs/1)")
    assert (len(label.links), label.special) == (1, [])
    assert read(escape_label(hostile)).special == []
    assert not [link for link, _ in read(escape_label(hostile)).links if "@" in link]
    assert [link for link, _ in read(escape_keeping_links(f"{hostile}https://github.com/a/b")).links] in (
        [],
        ["https://github.com/a/b"],
    )


@given(st.text("<>@:/#&!+ 1a.\\t", max_size=30))
def test_no_combination_of_angle_brackets_becomes_a_link_or_mention(text: str) -> None:
    shown = read(escape_markdown(text))
    assert (shown.links, shown.special) == ([], [])


@given(_HOSTILE)
@example("\\")
def test_escaped_text_shows_the_same_characters(text: str) -> None:
    assert _rendered(escape_markdown(text)) == text


@given(_HOSTILE)
def test_escaped_text_has_no_links_formatting_or_mentions(text: str) -> None:
    bare = re.sub(r"\\[^0-9A-Za-z\s]", "?", escape_markdown(text))
    assert not re.search(r"[*_~`|\[]|://|<[@#:/a-zA-Z]|@everyone|@here|@[!&]?\d", bare)
    assert not re.search(r"^\s*(#|>|-#|[-+]\s|\d+[.)]\s)", bare, re.MULTILINE)


@given(_HOSTILE)
def test_everything_that_discord_py_escapes_is_escaped(text: str) -> None:
    inline = re.sub(r"[<>#-]", "", text)  # discord.py does not escape these, or only at the start of a line
    ours, theirs = escape_markdown(inline), discord.utils.escape_markdown(inline, ignore_links=False)
    assert sum(map(ours.count, "*_~`|\\")) >= sum(map(theirs.count, "*_~`|\\"))


@pytest.mark.parametrize(
    ("comment", "markdown"),
    [
        ("Code: https://github.com/a_b/c*d", r"Code: https:\//github.com/a\_b/c\*d"),
        ("Code: https://github.com/a_b/c_d.", "Code: <https://github.com/a_b/c_d>."),
        ("(see https://lab.github.io/x/, *new*)", r"(see <https://lab.github.io/x/>, \*new\*)"),
        (
            "https://huggingface.co/m and http://doi.org/10.1/2",
            "<https://huggingface.co/m> and <http://doi.org/10.1/2>",
        ),
        ("https://github.com.evil.com/x", r"https:\//github.com.evil.com/x"),
        ("https://github.com@evil.com/x", r"https:\//github.com@evil.com/x"),
        ("https://notgithub.com/x", r"https:\//notgithub.com/x"),
        ("<https://github.com/a/b>", r"\<<https://github.com/a/b>\>"),
        ("a\\<é<https://github.com/a/b>", r"a\\\<é\<<https://github.com/a/b>\>"),
        ("1 < 2: https://github.com/a/b", "1 < 2: <https://github.com/a/b>"),
        ("no link, [x](y)", r"no link, \[x]\(y)"),
    ],
)
def test_only_links_to_trusted_hosts_stay_links(comment: str, markdown: str) -> None:
    assert escape_keeping_links(comment) == markdown


def test_text_for_plain_places_is_one_line_without_mentions() -> None:
    assert defuse_mentions(" *RLHF*\n @everyone <@12>") == "*RLHF* @\u200beveryone <@\u200b12>"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("K-theory of C*-algebras", "K-theory of C∗-algebras"),
        ("*a* and `b`", "∗a∗ and ‵b‵"),
        ("snake_case, _em_ and a__b__c", "snake_case, ˍemˍ and aˍˍbˍˍc"),
        ("é_x_é", "éˍxˍé"),
        ("~5 and ~~6~~", "~5 and ∼∼6∼∼"),
        ("p(x|y) and ||hidden||", "p(x|y) and ∣∣hidden∣∣"),
        (r"a \foo \* b", "a ∖foo ∖∗ b"),
        ("[MASK] a](b)", "［MASK］ a］(b)"),
        ("1 < 2 <@1> <t:1> <:a:1> <a@b.c>", "1 < 2 ‹@\u200b1> ‹t:1> ‹:a:1> ‹a@b.c>"),
        ("<i>p</i>-adic for x<y: <b", "<i>p</i>-adic for x<y: <b"),
        ("[Re] Q*: |x| of A_∞ (a_b)", "［Re］ Q∗: |x| of Aˍ∞ (a_b)"),
        ("see https://x.y", "see https:\u200b//x.y"),
        ("@everyone", "@\u200beveryone"),
        ("# 1. plain (text)", "# 1. plain (text)"),
    ],
)
def test_label_has_similar_characters_instead_of_formatting(text: str, label: str) -> None:
    assert escape_label(text) == label


@given(st.text(r"\*_~`|[]()<>@#:/!&ab1é ", max_size=30).filter(str.strip))
def test_label_is_shown_literally_without_backslashes(text: str) -> None:
    shown = read(f"[{escape_label(text)}](https://arxiv.org/abs/1)")
    assert shown.links == [(escape_label(text), "https://arxiv.org/abs/1")]
    assert (shown.formatted, shown.special) == ([], [])
    assert "\\" not in shown.text


# --- length and cutting ------------------------------------------------------------------------


def test_astral_characters_count_twice() -> None:
    assert (utf16_length("abc"), utf16_length("é日"), utf16_length("a😀"), utf16_length("\ud800")) == (3, 2, 3, 1)


def test_text_within_the_limit_is_unchanged() -> None:
    assert cut("A sentence. And", 15) == "A sentence. And"


def test_cut_is_after_a_sentence_that_ends_late_enough() -> None:
    assert (
        cut("We measure it. We show that it works. And then much more.", 45)
        == "We measure it. We show that it works. …"
    )


def test_sentence_that_ends_too_early_is_ignored() -> None:
    assert cut("Yes. We measure it over a long time and show that", 40) == "Yes. We measure it over a long time and…"


def test_abbreviation_does_not_end_a_sentence() -> None:
    assert cut("We use large networks, e.g. transformers of today", 38) == "We use large networks, e.g.…"


def test_cut_between_words_drops_the_comma() -> None:
    assert cut("one two three, four five", 16) == "one two three…"


def test_text_without_spaces_is_cut_between_characters() -> None:
    assert cut("日本語の論文はここで切れる", 8) == "日本語の論文は…"
    assert cut("a " + "x" * 50, 20) == "a " + "x" * 17 + "…"


@pytest.mark.parametrize(("limit", "text"), [(0, ""), (-3, ""), (1, "…"), (2, "a…")])
def test_tiny_limits_hold(limit: int, text: str) -> None:
    assert cut("abcdef", limit) == text


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("aaaa\\*bbbb", 6, "aaaa…"),
        ("ab😀cd", 4, "ab…"),
        ("abe\u0301cd", 4, "ab…"),
        ("ab👩\u200d👧cd", 6, "ab…"),
        ("ab👍🏽cd", 6, "ab…"),
        ("ab🇩🇪🇫🇷cd", 8, "ab🇩🇪…"),
        ("ab🇩🇪🇫🇷cd", 10, "ab🇩🇪…"),
        ("ab🏴\U000e0067\U000e007fcd", 6, "ab…"),
        ("go <https://github.com/long/name> now", 20, "go…"),
        ("a word or two $x + y$ end", 20, "a word or two…"),
        ("a word or two f(x, y) end", 19, "a word or two…"),
        ("a word or two B⁰ₛ → μ⁺μ⁻ end", 21, "a word or two…"),
        ("a word or two n^(1/2+o(1)) end", 22, "a word or two…"),
        ("costs $10 or more and $20 or", 25, "costs $10 or more and…"),
    ],
)
def test_links_formulas_and_characters_are_not_split(text: str, limit: int, shown: str) -> None:
    assert cut(text, limit) == shown


def test_formula_longer_than_the_limit_is_cut() -> None:
    assert cut("aaaa = bbbb = cccc", 12) == "aaaa = bbbb…"


def test_endless_combining_characters_leave_only_the_ellipsis() -> None:
    assert cut("a" + "\u0301" * 100, 10) == "…"


@given(_HOSTILE.map(escape_markdown) | st.text(), st.integers(0, 80))
def test_cut_never_exceeds_the_limit_and_is_idempotent(text: str, limit: int) -> None:
    shown = cut(text, limit)
    assert utf16_length(shown) <= limit
    assert len(shown) <= limit
    assert cut(shown, limit) == shown


@given(_HOSTILE, st.integers(1, 80))
def test_cut_keeps_escapes_links_and_characters_whole(text: str, limit: int) -> None:
    markdown = escape_keeping_links(text)
    shown = cut(markdown, limit)
    if shown == markdown:
        return
    kept = shown.removesuffix("…").rstrip()
    assert markdown.startswith(kept)
    assert (len(kept) - len(kept.rstrip("\\"))) % 2 == 0
    assert kept.count("<https://github") == len(re.findall(r"<https://github[^\s>]*>", kept))
    after = markdown[len(kept)]
    assert not unicodedata.category(after).startswith("M")
    assert "\u200d" not in (after, kept[-1:])
