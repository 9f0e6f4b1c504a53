"""The matcher of the previous release, for papers that it has judged."""

import pytest

from bot.domain.keyword import Keyword
from bot.domain.matching import Match
from bot.domain.paper import ArxivId
from bot.domain.previous_matching import previous_matches
from tests.support.builders import paper


@pytest.mark.parametrize(
    ("keyword", "text", "found"),
    [
        ("reward model", "Reward Models", True),
        ("reward model", r"\emph{reward} \textbf{model}", False),
        ("CO2", "CO$_2$", False),
        ("SIM", r"$\sim 3$", True),
        ("universe", "university", True),
        ("CLIP", "CLIPs", True),
        ("MLLMs", "MLLM", True),
        ("CLIP", "clipping", False),
        ("C++", "C++", True),
        ("C++", "C and D", False),
        ("CLIP [cs.CL]", "CLIP", True),
        ("Kähler", 'K{\\"a}hler', True),
    ],
)
def test_match_is_kept_if_the_previous_release_found_it(keyword: str, text: str, found: bool) -> None:
    match = Match(ArxivId("2611.00001"), Keyword.parse(keyword))
    assert (match in previous_matches([paper("2611.00001", title=text)], [match])) is found


def test_only_given_matches_are_returned() -> None:
    papers = [paper("2611.00001", title="Reward model"), paper("2611.00002", title="Reward model")]
    match = Match(ArxivId("2611.00002"), Keyword.parse("reward model"))
    other = Match(ArxivId("2611.00001"), Keyword.parse("CLIP"))
    assert previous_matches(papers, [match, other]) == {match}
