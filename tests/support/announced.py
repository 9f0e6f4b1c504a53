"""The papers of the recorded announcement days."""

import json

from bot.domain.paper import Paper
from tests.support.builders import paper
from tests.support.recordings import ANNOUNCED_DAYS, recorded_files


def announced_papers() -> list[Paper]:
    """Returns the papers of the recorded announcement days, each once."""
    entries = {
        entry["arxiv_id"]: entry
        for path in recorded_files(ANNOUNCED_DAYS, "*.json")
        for entry in json.loads(path.read_text(encoding="utf-8"))["papers"]
    }
    return [
        paper(arxiv_id, title=entry["title"], abstract=entry["abstract"], categories=tuple(entry["categories"]))
        for arxiv_id, entry in entries.items()
    ]
