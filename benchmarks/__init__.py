"""What we measure, each in a module of its own with a `main` that prints what it found and returns an exit code."""
