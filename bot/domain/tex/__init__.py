"""TeX, as arXiv's authors write it, to text: `convert` is the way in, the others are its tables and steps."""
