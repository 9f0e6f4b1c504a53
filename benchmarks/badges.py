"""Compares the venue badges of the recorded comments with labels that were decided by hand.

It needs the recordings in `../shared`; `tests/support/venue_labels.tsv` has the labels.
"""

import time

from tests.support.venue_labels import ANNOUNCED, recorded_comments, score

_MISSED_MAX = 0.03


def main() -> int:
    """Prints the counts and each difference; returns 1 when a badge is wrong or more than 3 % are missed."""
    if not ANNOUNCED.exists():
        print("no recordings in ../shared")
        return 0
    comments = recorded_comments()
    started = time.perf_counter()
    found = score(comments)
    took_s = time.perf_counter() - started
    print(found, *(f"missed {text}" for text in found.missed), *(f"wrong {text}" for text in found.wrong), sep="\n")
    print(f"{took_s / len(comments) * 1e6:.0f} µs per comment")
    return 1 if found.wrong or len(found.missed) > _MISSED_MAX * found.clear else 0
