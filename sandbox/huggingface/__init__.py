"""The local Hugging Face: its daily papers on loopback, made of the local arXiv's papers or recorded ones.

    days.py      which papers stand on a day's list      entries.py writes an entry as it was recorded
    faults.py    what shall go wrong, and how it looks
    server.py    HTTP, the quota, and the record of every request

It imports nothing of the bot.
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
