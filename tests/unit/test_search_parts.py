"""The parts of a search: the newest papers first, and each part as large as the one before suggests."""

from bot.domain.search.documents import DocumentRange, first_of_block
from bot.store.search_parts import SearchPart, SearchParts

NEEDED = 100


def parts_of_ten_blocks() -> SearchParts:
    within = DocumentRange(first_of_block(0), first_of_block(10))
    return SearchParts(within, NEEDED, first_of_block(0), first_of_block(9), first_of_block(8))


def part(first_block: int, end_block: int, *, is_last: bool = False) -> SearchPart:
    blocks = None if is_last else range(first_block, end_block)
    return SearchPart(DocumentRange(first_of_block(first_block), first_of_block(end_block)), blocks)


def test_all_older_papers_are_searched_at_once_if_few_are_expected() -> None:
    parts = parts_of_ten_blocks()
    assert parts.next_part(0) == part(8, 10)
    assert parts.next_part(30) == part(0, 8, is_last=True)
    assert parts.next_part(40) is None


def test_next_part_has_about_as_many_papers_as_are_missing() -> None:
    parts = parts_of_ten_blocks()
    assert parts.next_part(0) == part(8, 10)
    assert parts.next_part(90) == part(7, 8)  # 45 per block
    assert parts.next_part(NEEDED) is None
