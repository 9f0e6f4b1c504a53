"""Keeps full garbage collections short: they stop every thread, and their time grows with what stays in memory."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

# A full collection that takes longer is the last one to search the objects that survive it.
COLLECTION_MAX_S: Final = 0.004
_FULL: Final = 2


class CollectionLimit:
    """Exempts what survives a long collection from later ones: caches, indexes, the state of the gateway.

    Such an object is freed as before when its last reference goes. Only a cycle that becomes garbage after it was
    exempted stays in memory.
    """

    def __init__(self, timer: Callable[[], float] = time.perf_counter) -> None:
        self._timer = timer
        self._started_at_s = 0.0

    def start(self) -> None:
        """Limits the collections of this process from now on; modules and everything else in memory are exempted."""
        gc.freeze()
        gc.callbacks.append(self.collected)

    def collected(self, phase: str, info: Mapping[str, int]) -> None:
        """Called by the garbage collector when a collection starts and when it stops."""
        if info["generation"] != _FULL:
            return
        if phase == "start":
            self._started_at_s = self._timer()
        elif self._timer() - self._started_at_s > COLLECTION_MAX_S:
            gc.freeze()


@contextmanager
def without_collections() -> Iterator[None]:
    """Runs a short computation without garbage collections: they would visit its many new objects several times.

    Several threads may do this at once: only one of them suspends the collections, until it has finished.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
