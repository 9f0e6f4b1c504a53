"""What Hugging Face lists."""

from datetime import date

from bot.domain.paper import ArxivId
from bot.domain.trending import Listing


def test_listing_knows_its_page() -> None:
    listing = Listing(ArxivId("2608.19880"), date(2026, 8, 21), "Title", "Summary", ("Emmy Noether",), 163, 4)
    assert listing.url == "https://huggingface.co/papers/2608.19880"
