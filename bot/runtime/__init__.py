"""The lowest layer: clock, errors, retry rules, HTTP client, limits of other systems, metrics, supervisor."""
