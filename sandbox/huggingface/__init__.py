"""The local Hugging Face: daily papers on loopback, generated or recorded; it never imports the bot."""

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
