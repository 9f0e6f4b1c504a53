"""Builders with defaults, and the stand-ins at our own protocols."""
