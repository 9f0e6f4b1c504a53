"""The local arXiv: arXiv's query API on loopback, with generated or recorded papers.

    server.py         HTTP, the record of requests, rate limit violations
    responses.py      a request's parameters → a response            atom.py writes the feed
    query.py          the query language                             index.py searches, catalogue.py sorts
    corpus.py         the initial papers and the announcement queue  generator.py, vocabulary.py, recorded.py
    faults.py         which fault affects a request                  fault_effects.py changes the response

It never imports the bot.
"""

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
