"""Floors of the measured coverage: which folders are below theirs."""

import pytest

from tests.support.coverage_floors import FolderCoverage, folders_of


def summary(lines: int, covered: int, branches: int = 0, covered_branches: int = 0) -> dict[str, dict[str, int]]:
    names = ("num_statements", "covered_lines", "num_branches", "covered_branches")
    return {"summary": dict(zip(names, (lines, covered, branches, covered_branches), strict=True))}


def test_folders_add_up_lines_and_branches_of_their_modules() -> None:
    files = {
        "bot/domain/feed.py": summary(10, 10, 4, 3),
        "bot/domain/tex/walk.py": summary(5, 5),
        "bot/log.py": summary(8, 8),
        "cogs/page.py": summary(2, 1),
    }
    assert folders_of({"files": files}) == (
        FolderCoverage("bot", 8, 8),
        FolderCoverage("bot/domain", 19, 18),
        FolderCoverage("cogs", 2, 1),
    )


@pytest.mark.parametrize(
    ("folder", "covered", "below"),
    [("bot/domain", 100, False), ("bot/domain", 99, True), ("bot/web", 95, False), ("bot/web", 94, True)],
)
def test_folder_below_its_floor_is_reported(folder: str, covered: int, below: bool) -> None:
    assert FolderCoverage(folder, 100, covered).is_below_floor is below
