"""Searching the stored papers: the terms of the full-text index, and queries for them."""
