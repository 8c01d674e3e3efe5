"""What a measurement tells while it runs, on standard error; its figures go to standard output."""

import sys


def say(what: str) -> None:
    """Tell what is measured now.

    Args:
        what: A line.
    """
    sys.stderr.write(f"bench: {what}\n")
    sys.stderr.flush()
