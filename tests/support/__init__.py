"""Builders with defaults, harnesses, and fakes of the project's protocols."""
