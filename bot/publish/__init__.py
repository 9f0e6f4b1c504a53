"""Posts outbox rows to Discord. It never talks to arXiv: only rows cross from `ingest`."""
