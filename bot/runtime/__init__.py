"""The layer that every other one imports: clock, errors, retry rules, external limits, metrics, supervisor."""
