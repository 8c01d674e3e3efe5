"""Runs that succeeded, put together for the step's script: what several share is said once."""

from collections.abc import Sequence

SEPARATOR = b"\t"
"""Between what a run may have in common with others, and what is its own: two parts of JSON."""


def in_groups(runs: Sequence[bytes]) -> bytes:
    """Put runs together.

    Args:
        runs: As `ends.success` makes them, in the order in which they ended.

    Returns:
        JSON, as `step.lua` takes it; the runs keep their order.
    """
    groups: list[list[bytes]] = []
    before = None
    for run in runs:
        common, _, own = run.partition(SEPARATOR)
        if common != before:
            before = common
            groups.append([common])
        groups[-1].append(own)
    return b"[%b]" % b",".join(b"[%b]" % b",".join(group) for group in groups)
