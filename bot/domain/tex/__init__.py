"""Converts TeX, as authors write it on arXiv, to text. Use `convert.tex_to_text`; the other modules are its parts."""
