"""Hugging Face's daily papers."""
