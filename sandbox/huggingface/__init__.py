"""The local Hugging Face: its daily papers on loopback, from the local arXiv's papers or from recorded lists.

    server.py         HTTP, the quota, and the record of requests
    daily_lists.py    which papers are on a day's list       entries.py writes an entry in the recorded format
    faults.py         faults, and how they change a response

It never imports the bot.
"""

from sandbox.huggingface.daily_lists import DailyLists, read_directory
from sandbox.huggingface.entries import Entry, make_entry
from sandbox.huggingface.faults import HuggingFaceFault, HuggingFaceFaultKind
from sandbox.huggingface.server import HuggingFaceRequest, LocalHuggingFace

__all__ = [
    "DailyLists",
    "Entry",
    "HuggingFaceFault",
    "HuggingFaceFaultKind",
    "HuggingFaceRequest",
    "LocalHuggingFace",
    "make_entry",
    "read_directory",
]
