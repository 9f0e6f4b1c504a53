"""Hugging Face's trending lists: parsing them, their entries, and when a channel gets which list."""
