"""The command line: `python -m benchmarks [--full] [NAME …]`; a worker process could not import this module."""

import sys

from benchmarks.runner import main

if __name__ == "__main__":
    sys.exit(main())
