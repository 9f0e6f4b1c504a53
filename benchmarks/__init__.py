"""Benchmarks, one per module.

A benchmark has `measure(run: Run) -> Sequence[Figure]` (`benchmarks/results.py`) and belongs to `make bench`; or it has
`main() -> int`, prints what it checked, returns 1 when a limit was exceeded, and runs only by name.
"""
