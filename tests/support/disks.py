"""A small file system that can be filled and emptied; only root can mount one."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.skips import unavailable


class SmallDisk:
    """A mounted file system."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self) -> None:
        """Fills the disk to the last byte."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (4096, 512, 1):
                try:
                    while True:
                        file.write(bytes(1) * size)
                except OSError:
                    continue

    def free(self) -> None:
        """Frees the space that `fill` used."""
        self._filler.unlink()


@contextmanager
def small_disk(path: Path, size_kb: int = 1024) -> Iterator[SmallDisk]:
    """Mounts a small disk at `path` until the block ends; skips the test if this machine forbids it."""
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        unavailable("mount", f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
