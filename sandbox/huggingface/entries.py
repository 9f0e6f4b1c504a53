"""Builds an entry of a daily list in the recorded format, with optional fields missing as often as in recorded lists.

It never decides which papers are listed.
"""

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final

from sandbox.arxiv import SandboxPaper

# A path on this server, which adds its own address to it.
THUMBNAIL_PATH: Final = "/huggingface/thumbnails"
# A JSON object.
Entry = dict[str, Any]

# How often optional fields are present on recorded lists.
_ORGANIZATION, _REPOSITORY, _STARS, _SUMMARY, _PROJECT = 0.7, 0.55, 0.98, 0.51, 0.46
_ORGANIZATIONS: Final = (
    ("sandbox-lab", "Sandbox Lab"),
    ("loopback", "University of Loopback"),
    ("localhost", "Localhost Research"),
    ("example", "Example Institute of Technology"),
    ("null-island", "Null Island Observatory"),
)


def make_entry(paper: SandboxPaper, day: date, rng: random.Random, **overrides: object) -> Entry:
    """Returns a paper's entry for a day; `overrides` replace fields of its inner `paper`, and None removes one."""
    inner: Entry = {
        "id": paper.arxiv_id,
        "authors": [{"name": name, "hidden": False} for name in paper.authors],
        "publishedAt": _moment(paper.published.date()),
        "submittedOnDailyAt": _moment(day),
        "title": paper.title,
        "summary": paper.abstract,
        "upvotes": min(400, int(rng.paretovariate(0.6)) - 1),
        "discussionId": f"{rng.getrandbits(96):024x}",
    }
    inner |= _optional(paper, rng)
    inner |= overrides
    inner = {name: value for name, value in inner.items() if value is not None}
    outer: Entry = {
        "paper": inner,
        "publishedAt": _moment(paper.published.date()),
        "title": inner["title"],
        "summary": inner["summary"],
        "thumbnail": f"{THUMBNAIL_PATH}/{paper.arxiv_id}.svg",
        "numComments": rng.choices((0, 1, 2, 3, 14), weights=(12, 70, 12, 5, 1))[0],
        "isAuthorParticipating": rng.random() < 0.2,
    }
    return outer | {name: inner[name] for name in ("organization",) if name in inner}


def _optional(paper: SandboxPaper, rng: random.Random) -> Entry:
    name = "".join(letter for letter in paper.title.split(":")[0].lower() if letter.isascii() and letter.isalnum())[:20]
    found: Entry = {}
    if rng.random() < _PROJECT:
        found["projectPage"] = f"https://{name or 'paper'}.example.org/"
    if rng.random() < _REPOSITORY:
        found["githubRepo"] = f"https://github.com/sandbox-lab/{name or 'paper'}"
        found["githubRepoAddedBy"] = "user"
        if rng.random() < _STARS:
            found["githubStars"] = int(rng.paretovariate(0.4)) % 100_000
    if rng.random() < _SUMMARY:
        # The finding, not the first sentence: on a card, the beginning of the abstract follows the summary.
        sentences = paper.abstract.rstrip(".").split(". ")
        found["ai_summary"] = f"{sentences[min(1, len(sentences) - 1)]}."
        found["ai_keywords"] = paper.title.split()[:5]
    if rng.random() < _ORGANIZATION:
        short, full = rng.choice(_ORGANIZATIONS)
        found["organization"] = {"name": short, "fullname": full}
    return found


def votes(entry: Mapping[str, Any]) -> int:
    """Returns an entry's votes; a value that is not a number counts as 0, so that lists can still be sorted."""
    inner = entry.get("paper")
    found = inner.get("upvotes") if isinstance(inner, dict) else None
    return found if isinstance(found, int) else 0


def _moment(day: date) -> str:
    return f"{datetime.combine(day, time(), UTC):%Y-%m-%dT%H:%M:%S}.000Z"
