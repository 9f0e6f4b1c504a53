"""The local arXiv: arXiv's query API on loopback, with generated or recorded papers; it never imports the bot."""

from sandbox.arxiv.corpus import Corpus
from sandbox.arxiv.faults import ArxivFault, ArxivFaultKind, ArxivFaults
from sandbox.arxiv.papers import SandboxPaper
from sandbox.arxiv.server import ArxivRequest, LocalArxiv, RateLimitViolation

__all__ = [
    "ArxivFault",
    "ArxivFaultKind",
    "ArxivFaults",
    "ArxivRequest",
    "Corpus",
    "LocalArxiv",
    "RateLimitViolation",
    "SandboxPaper",
]
