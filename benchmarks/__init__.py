"""Benchmarks, one per module: `main` prints what it measured and returns 0, or 1 when a limit was exceeded."""
