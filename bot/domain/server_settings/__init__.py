"""A server's settings as a file: exporting, reading, and what an import changes; no I/O."""
