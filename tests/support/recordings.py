"""The outside recordings in `../shared`, next to the repository; tests that need them are marked `recordings`.

`tests.support.skips` leaves these tests out where the folder does not exist. Where it exists, they run or fail.
"""

from pathlib import Path
from typing import Final

SHARED: Final = Path(__file__).resolve().parents[2].parent / "shared"
ARXIV_ANSWERS: Final = SHARED / "data" / "arxiv_api"
ANNOUNCED_DAYS: Final = SHARED / "data" / "announced"
HUGGING_FACE_DAYS: Final = SHARED / "data" / "hf_daily_papers"
DISCORD_DOCUMENT: Final = SHARED / "discord" / "openapi.json"


def recorded_files(folder: Path, pattern: str) -> list[Path]:
    """Returns the files that match the pattern, sorted by name.

    Raises FileNotFoundError if there are none: a test that loops over them would otherwise pass without a check.
    """
    files = sorted(folder.glob(pattern))
    if not files:
        raise FileNotFoundError(f"{folder} has no {pattern}")
    return files


def recorded_answers() -> dict[str, bytes]:
    """Returns each of arXiv's recorded answers by its file name."""
    return {path.name: path.read_bytes() for path in recorded_files(ARXIV_ANSWERS, "*.xml")}
