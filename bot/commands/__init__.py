"""The commands of the program besides `run`: each prints its result for a person and returns an exit code."""
