"""arXiv's recorded answers, where they lie beside the project; tests that need them skip where they do not."""

from pathlib import Path
from typing import Final

import pytest

ANSWERS: Final = Path(__file__).resolve().parents[3] / "shared" / "data" / "arxiv_api"
needs_recorded_answers = pytest.mark.skipif(not ANSWERS.is_dir(), reason="arXiv's recorded answers are not here")


def recorded_answers() -> dict[str, bytes]:
    """Every recorded body by the name of its file."""
    return {path.name: path.read_bytes() for path in sorted(ANSWERS.glob("*.xml"))}
