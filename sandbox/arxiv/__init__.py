"""The local arXiv: the query API of arXiv on loopback, with papers of its own making or recorded ones.

    corpus.py      which papers there are, and which wait      generator.py, wording.py, recorded.py make them
    query.py       the query language                          index.py finds, catalogue.py orders
    answers.py     a request's parameters → an answer          atom.py writes it
    faults.py      what shall go wrong                         misbehaviour.py makes it look so
    server.py      HTTP, and the record of every request

It imports nothing of the bot.
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
