"""Compares the venue badges of the recorded comments with labels that were decided by hand.

`venue_labels.tsv` has the labels by arXiv id; the comments are in the recordings only. A recorded paper without a label
has a comment that mentions no venue: any badge from it is wrong.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.domain.feed import parse_feed
from bot.domain.layout.venue import venue
from bot.runtime.errors import ArxivError
from tests.support.recordings import SHARED, recorded_answers, recorded_files

ANNOUNCED: Final = SHARED / "data" / "announced"
_LABELS: Final = Path(__file__).with_name("venue_labels.tsv")


@dataclass(frozen=True, slots=True)
class VenueScore:
    """How the badges compare with the labels; each text names the paper, the label and the badge."""

    papers: int
    clear: int
    missed: tuple[str, ...]
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.papers} papers with a comment, {self.clear} clear venues: {self.clear - len(self.missed)} shown,"
            f" {len(self.missed)} missed ({len(self.missed) / self.clear:.1%}), {len(self.wrong)} wrong"
        )


def read_labels() -> dict[str, str]:
    """Returns the labels by arXiv id."""
    lines = _LABELS.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines if not line.startswith("#"))


def recorded_comments() -> dict[str, str]:
    """Returns the comments of the recorded papers by arXiv id, without versions."""
    comments: dict[str, str] = {}
    for path in recorded_files(ANNOUNCED, "*.json"):
        for entry in json.loads(path.read_text(encoding="utf-8"))["papers"]:
            comments.setdefault(entry["arxiv_id"], " ".join((entry["comment"] or "").split()))
    for body in recorded_answers().values():
        try:
            papers = parse_feed(body).papers
        except ArxivError:
            continue
        for paper in papers:
            comments.setdefault(paper.arxiv_id.value, paper.comment or "")
    return {arxiv_id: comment for arxiv_id, comment in comments.items() if comment}


def score(comments: Mapping[str, str]) -> VenueScore:
    """Returns the comparison; papers with an unclear label may have any badge or none."""
    labels = read_labels()
    missed: list[str] = []
    wrong: list[str] = []
    for arxiv_id, comment in comments.items():
        label = labels.get(arxiv_id, "none")
        shown = venue(comment, None)
        text = f"{arxiv_id}: expected {label}, shown {shown or 'none'}"
        if label not in ("none", "unclear") and not shown:
            missed.append(text)
        elif label != "unclear" and shown and shown != label:
            wrong.append(text)
    clear = sum(labels.get(arxiv_id, "none") not in ("none", "unclear") for arxiv_id in comments)
    return VenueScore(len(comments), clear, tuple(missed), tuple(wrong))
