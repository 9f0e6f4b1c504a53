"""What Hugging Face's daily papers say of papers: votes, comments, code; never of one version."""

from dataclasses import dataclass
from datetime import date

from bot.domain.paper import ArxivId


@dataclass(frozen=True, slots=True)
class Listing:
    """One paper on the list of a day, its texts as Hugging Face gave them, white space collapsed.

    `code_url` is the paper's code repository and `stars` what it has on GitHub; both are often absent.
    """

    arxiv_id: ArxivId
    day: date
    title: str
    summary: str
    authors: tuple[str, ...]
    votes: int
    comments: int
    organization: str | None = None
    code_url: str | None = None
    stars: int | None = None

    @property
    def url(self) -> str:
        """Its page on Hugging Face, where people vote and discuss."""
        return f"https://huggingface.co/papers/{self.arxiv_id}"
