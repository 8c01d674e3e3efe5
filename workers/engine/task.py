"""What a child is told when it starts, and what its exit code says."""

from dataclasses import dataclass

LEAVE, RECYCLE = 0, 77
"""Exit codes: nothing left to do; another child is to take over."""


@dataclass(frozen=True)
class Task:
    """What a child is to do.

    Args:
        burst: Leave when the queues are empty.
        max_jobs: Leave after so many jobs.
        max_idle: Leave after so many seconds without a job.
        recycle_after: Let another child take over after so many jobs.
    """

    burst: bool = False
    max_jobs: int | None = None
    max_idle: float | None = None
    recycle_after: int = 100_000
