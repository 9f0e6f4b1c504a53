"""Charts as PNG files, drawn in a process of their own."""
