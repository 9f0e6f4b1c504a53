"""Texts of the replies about exclusions and limits."""

from datetime import UTC, datetime
from typing import Final

import discord
import pytest

from bot.discord_api.messages import render
from bot.domain.channel_schedule import Immediate
from bot.domain.channel_settings import ChannelSettings
from bot.domain.exclusions import ChannelExclusion, QuotaReached
from bot.domain.expressions.keywords import parse_keyword
from bot.domain.post import MessageHeader, OutboxEntry, Post
from bot.services.exclusions import ExclusionAdded, ExclusionEffect, HeldBack
from cogs.channel_texts import backlog_text
from cogs.exclusion_input import read_exclusion
from cogs.exclusion_texts import added_lines, list_lines, quota_text, rule_lines
from cogs.permissions import CommandRejected
from tests.support.builders import paper

SURVEY: Final = ChannelExclusion(7, 11, parse_keyword("*survey* @everyone"), 71, datetime(2026, 11, 18, tzinfo=UTC))
EXAMPLE: Final = paper(title="A [survey](https://evil.example) of @everyone")


def lines(effect: ExclusionEffect, withheld: int = 0) -> list[str]:
    return added_lines(ExclusionAdded(SURVEY, withheld), effect, "<#11>")


def test_reply_counts_papers_before_and_after_with_escaped_examples() -> None:
    assert lines(ExclusionEffect(118, 31, (EXAMPLE,), is_complete=True), withheld=2) == [
        "Papers that match **\\*survey\\* @\u200beveryone** are no longer posted in <#11>.",
        "118 papers in 30 days; 31 fewer with this exclusion, such as:",
        f"- [A ［survey］(https:\u200b//evil.example) of @\u200beveryone](<{EXAMPLE.arxiv_id.abs_url}>)",
        "2 papers that waited to be posted left the queue.",
    ]


@pytest.mark.parametrize(
    ("effect", "text"),
    [
        (
            ExclusionEffect(0, 0, (), is_complete=True),
            "No other papers of the last 30 days are known for this channel.",
        ),
        (ExclusionEffect(9, 0, (), is_complete=True), "9 papers in 30 days; none of them matches this exclusion."),
        (ExclusionEffect(9, 9, (), is_complete=True), "⚠️ 9 papers in 30 days; this exclusion matches all of them."),
        (
            ExclusionEffect(5000, 1, (), is_complete=False),
            "5,000 papers (the newest of the last 30 days); 1 fewer with this exclusion, such as:",
        ),
    ],
)
def test_reply_says_what_an_exclusion_changes(effect: ExclusionEffect, text: str) -> None:
    assert lines(effect)[1:] == [text]


def test_quota_names_its_scope_and_what_to_do() -> None:
    assert quota_text(QuotaReached(25, is_of_server=False), "<#11>").startswith("<#11> has 25 exclusions, which is")
    assert quota_text(QuotaReached(500, is_of_server=True), "<#11>").startswith("This server has 500 exclusions, which")


def test_list_counts_what_each_exclusion_held_back() -> None:
    assert list_lines([SURVEY], {7: 3}, "<#11>")[1].endswith("** · held back 3 papers in 30 days · added by <@71>")


@pytest.mark.parametrize(
    ("settings", "exclusions", "held_back", "shown"),
    [
        (ChannelSettings(), 0, HeldBack(), []),
        (
            ChannelSettings(papers_per_posting=20),
            2,
            HeldBack(by_limit=37, by_exclusions=1),
            [
                "- Limit: 20 papers per posting; 37 more in 30 days were not posted",
                "- Exclusions: 2; 1 paper in 30 days excluded",
            ],
        ),
        (
            ChannelSettings(),
            0,
            HeldBack(by_limit=37, by_exclusions=2),
            [
                "- Limit: none; 37 more in 30 days were not posted",
                "- Exclusions: 0; 2 papers in 30 days excluded",
            ],
        ),
    ],
)
def test_settings_show_limit_and_exclusions_only_where_they_matter(
    settings: ChannelSettings, exclusions: int, held_back: HeldBack, shown: list[str]
) -> None:
    assert rule_lines(settings, exclusions, held_back) == shown


@pytest.mark.parametrize(
    ("limit", "text"), [(None, "Posting 300 held papers."), (20, "Posting 20 of 300 held papers;")]
)
def test_end_of_a_pause_counts_what_the_limit_lets_through(limit: int | None, text: str) -> None:
    assert backlog_text(300, Immediate(), None, limit).startswith(text)


@pytest.mark.parametrize("headline", ["**2 new papers**", ""])
def test_last_message_of_a_limited_batch_counts_the_rest_below_its_headline(headline: str) -> None:
    entry = OutboxEntry(1, paper(), ("graph",), alone=False)
    now = SURVEY.added_at
    post = Post("key", 11, "nonce", now, now, (entry,), MessageHeader(headline=headline), rest=1234)
    rendered = render(post)
    assert rendered.content == f"{headline}\n+1,234 more: **Show the rest** below".strip()
    button = rendered.components[-1]
    assert isinstance(button, discord.ui.Button)
    assert (button.label, button.custom_id) == ("Show the rest (+1,234)", "rest:key:0")


@pytest.mark.parametrize(
    ("typed", "reply"),
    [
        ("-survey", "An exclusion says what is not posted: leave out `-` in front of it."),
        ("ANDNOT survey", "An exclusion says what is not posted: leave out `ANDNOT` in front of it."),
        ("survey, benchmark", "Those are 2 exclusions. Add one at a time, or join them with `OR`."),
        ("cat:cs.XX", "There is no arXiv category `cs.XX`."),
        ("(survey OR", "\n```\n"),
        ("survey AND -survey", "No paper can match this: it requires and excludes the same."),
        ("llm and agents", "This can be read in several ways. Type `"),
        ("", "."),
    ],
)
def test_mistake_is_answered_with_what_to_type(typed: str, reply: str) -> None:
    with pytest.raises(CommandRejected) as rejected:
        read_exclusion(typed)
    assert reply in str(rejected.value)
