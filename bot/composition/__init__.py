"""Builds the object graph, runs it and closes it. The only place that knows which parts exist and how they connect."""
