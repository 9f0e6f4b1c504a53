"""Renders charts as PNG images in a separate process."""
