"""The reply to `/subscribe`: what became of each keyword, what it matches, and what its exclusions remove."""

import pytest

from bot.domain.expressions.keywords import AmbiguousKeyword, narrowed, parse_keyword, read_keyword
from bot.domain.subscription import Added, AlreadyWatched, QuotaExceeded, QuotaScope, Renamed
from bot.services.subscriptions import KeywordPreview, NarrowerKeyword
from bot.store.excluded_papers import ExcludedSummary
from cogs.input import TypedKeyword
from cogs.subscribe_texts import KeywordResult, SubscribeReply, paper_lines
from tests.support.builders import paper

PHRASE, EXPRESSION = parse_keyword("agents"), parse_keyword("agents -survey")
MATCHES = "-# It matches: title or abstract contains *agents*; not *survey*."
LOT = "450 papers in the last 30 days, about 105 per week."


def lines(part: TypedKeyword, result: KeywordResult, preview: KeywordPreview | None = None) -> list[str]:
    """The lines about one keyword."""
    reply = SubscribeReply("<#1>", [part], [result])
    previews = {} if preview is None else {preview.keyword: preview}
    return "\n".join(reply.lines(previews)).splitlines()


@pytest.mark.parametrize(
    ("part", "result", "line"),
    [
        (PHRASE, Added(PHRASE), "**agents**: added to <#1>."),
        (parse_keyword("Agent"), AlreadyWatched(PHRASE), "**Agent**: Already watched as **agents** in <#1>."),
        (parse_keyword("Agents"), AlreadyWatched(PHRASE), "**agents**: already in <#1>."),
        (PHRASE, Renamed(PHRASE.named("A*"), "agents"), r"**agents**: already in <#1>. It is now named **A\***."),
        ("a mistake", "a mistake", "a mistake"),
    ],
)
def test_each_result_has_its_line(part: TypedKeyword, result: KeywordResult, line: str) -> None:
    assert lines(part, result) == [line]


def test_role_is_named_if_the_channel_has_any_of_the_keywords() -> None:
    exceeded = QuotaExceeded(PHRASE, QuotaScope.CHANNEL, 5, 5)
    for result, expected in ((Added(PHRASE), 1), (AlreadyWatched(PHRASE), 1), ("a mistake", 0), (exceeded, 0)):
        named = SubscribeReply("<#1>", [PHRASE], [result], role_id=7).lines()
        assert named.count("-# Its papers ping <@&7>.") == expected
        assert not [line for line in SubscribeReply("<#1>", [PHRASE], [result]).lines() if "ping" in line]


def test_keyword_beyond_a_quota_has_no_line_and_a_question_has_one() -> None:
    assert lines(PHRASE, QuotaExceeded(PHRASE, QuotaScope.CHANNEL, 5, 5)) == []
    ambiguous = read_keyword("a1 and b1")
    assert isinstance(ambiguous, AmbiguousKeyword)
    assert lines(ambiguous, ambiguous) == [
        "**a1 and b1**: not added yet. Which of its meanings do you mean? See below."
    ]


def test_expression_is_explained_before_and_after_its_papers_are_known() -> None:
    assert lines(EXPRESSION, Added(EXPRESSION)) == ["**agents ANDNOT survey**: added to <#1>.", MATCHES]
    first, meaning = lines(EXPRESSION, Added(EXPRESSION), KeywordPreview(EXPRESSION, 4, ()))
    assert first.endswith("added to <#1>. 4 papers in the last 30 days, about 1 per week.")
    assert meaning == MATCHES


@pytest.mark.parametrize(
    ("excluded", "text"),
    [
        ({"-survey": 12}, "; 12 more excluded by `-survey`."),
        ({"-survey": 1200, "-a`b": 1}, "; 1,201 more excluded: 1,200 by `-survey`, 1 by `-a\u2035b`."),
        (
            {"-a": 5, "-b": 4, "-c": 3, "-d": 2, "-e": 1},
            "; 15 more excluded: 5 by `-a`, 4 by `-b`, 3 by `-c`, 3 by others.",
        ),
    ],
)
def test_exclusions_are_counted_and_named(excluded: dict[str, int], text: str) -> None:
    surveys = (paper("2611.00001", title="A [Survey](x)"), paper("2611.00002", title="Another Survey"))
    summary = ExcludedSummary(excluded, surveys)
    preview = KeywordPreview(EXPRESSION, 41, (), excluded=summary)
    first, _, example = lines(EXPRESSION, Added(EXPRESSION), preview)
    assert first.endswith(f"41 papers in the last 30 days, about 10 per week{text}")
    assert example == (
        "-# Excluded, for example: [A \uff3bSurvey\uff3d(x)](<https://arxiv.org/abs/2611.00001>), "
        "[Another Survey](<https://arxiv.org/abs/2611.00002>)"
    )
    nothing = KeywordPreview(EXPRESSION, 0, (), excluded=summary)
    assert lines(EXPRESSION, Added(EXPRESSION), nothing)[0].endswith(f"No papers in the last 30 days{text}")


def test_broad_keywords_are_narrowed_as_they_can_be_typed() -> None:
    for keyword, ending in {
        PHRASE: "That is a lot; narrower keywords: **agents \\[cs.CL]** (about 40 per week).",
        EXPRESSION: "That is a lot; limit it to a category at its end: `[cs.CL]` (about 40 per week).",
    }.items():
        narrower = (NarrowerKeyword(narrowed(keyword, "cs.CL"), "cs.CL", 40),)
        preview = KeywordPreview(keyword, 450, (), narrower)
        assert lines(keyword, Added(keyword), preview)[0] == f"**{keyword.label}**: added to <#1>. {LOT} {ending}"


def test_keyword_without_papers_has_a_hint() -> None:
    similar = KeywordPreview(PHRASE, 0, (), similar_terms=("agency", "agenda"))
    assert lines(PHRASE, Added(PHRASE), similar)[0].endswith(
        "No papers in the last 30 days. Check the spelling. Did you mean **agency** or **agenda**?"
    )
    assert lines(PHRASE, Added(PHRASE), KeywordPreview(PHRASE, 0, ()))[0].endswith("days. Check the spelling.")


def test_papers_of_all_keywords_are_listed_once_newest_first() -> None:
    papers = [paper(f"2611.{number:05}", title=f"Paper {number}") for number in range(1, 5)]
    previews = [KeywordPreview(PHRASE, 4, tuple(papers[:3])), KeywordPreview(EXPRESSION, 4, tuple(papers[1:]))]
    assert [line[:11] for line in paper_lines(previews)] == ["- [Paper 4]", "- [Paper 3]", "- [Paper 2]"]
