"""The replies to commands that exceed a quota."""

import pytest

from bot.domain.keyword import Keyword
from bot.domain.subscription import Added, AddResult, QuotaExceeded, QuotaScope
from cogs.quota_texts import command_quota_line, exceeded_lines


def exceeded(text: str, scope: QuotaScope = QuotaScope.CHANNEL) -> QuotaExceeded:
    return QuotaExceeded(Keyword.parse(text), scope, 1200, 1000)


def test_nothing_is_said_when_every_keyword_fits() -> None:
    assert exceeded_lines([Added(Keyword.parse("graph")), "an error"], "<#1>") == []
    assert command_quota_line("subscribe", 3, []) == ""


def test_each_exceeded_quota_has_its_own_line() -> None:
    results: list[str | AddResult] = [exceeded("a*b c"), exceeded("b2", QuotaScope.SERVER)]
    assert exceeded_lines(results, "<#1>") == [
        (
            "Not added: **a\\*b c**. <#1> has 1,200 keywords of at most 1,000. Remove some with `/unsubscribe`, or "
            "choose another channel in the `channel` option."
        ),
        (
            "Not added: **b2**. This server has 1,200 keywords of at most 1,000. Remove some with `/unsubscribe`; "
            "`/keywords` lists them."
        ),
    ]


@pytest.mark.parametrize(
    ("names", "invalid_ones", "listed"),
    [(["a1"], 0, "**a1**"), (["a1"], 1, "**a1** and 1 invalid one"), ([], 2, "2 invalid ones")],
)
def test_command_with_too_many_keywords_names_those_left_out(names: list[str], invalid_ones: int, listed: str) -> None:
    typed = 25 + len(names) + invalid_ones
    assert command_quota_line("subscribe", typed, names, invalid_ones) == (
        f"Left out: {listed}. One command takes up to 25 keywords, and you gave {typed}. "
        "Run `/subscribe` again for the others."
    )
