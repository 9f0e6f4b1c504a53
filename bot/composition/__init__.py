"""Builds the object graph, runs it and closes it: the only code that knows all parts and how they connect."""
