"""What is measured, and for how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["simple", "fork", "raw", "ours"]

BASE = "simple"
"""The row that all others are compared with."""

AGAIN = "again"
"""The base a second time: what the comparison says of two equal workers."""

OURS = "ours"
"""The row that the gates judge."""


@dataclass(frozen=True)
class Row:
    """One line of the table: one worker, with its server and nothing else.

    Args:
        name: As `--rows` has it.
        title: For people.
        kind: Which loop it runs; see `benchmarks/loops.py`.
        variables: Settings that differ from the defaults, as environment variables.
    """

    name: str
    title: str
    kind: Kind
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def is_compared(self) -> bool:
        """Whether its settings are those of the base, so that a ratio means something."""
        return not self.variables and self.name != BASE


ROWS: Sequence[Row] = (
    Row(BASE, "stock SimpleWorker", "simple"),
    Row(AGAIN, "stock SimpleWorker, again", "simple"),
    Row("fork", "stock Worker (fork)", "fork"),
    Row("raw", "raw BLPOP loop, no safety", "raw"),
    Row(OURS, "workers.MessageWorker", "ours"),
    Row("quiet", "MessageWorker, LOG_JOBS=failures", "ours", (("LOG_JOBS", "failures"),)),
)


@dataclass(frozen=True)
class Plan:
    """How much is done.

    Args:
        rounds: In each, every row drains its queue once; odd, so that a median is one of them.
        slice_seconds: How long one drain shall take, roughly.
        counted_jobs: Jobs whose commands and round trips are counted.
        budget_seconds: No further run is begun that would end later.
    """

    rounds: int
    slice_seconds: float
    counted_jobs: int
    budget_seconds: float


QUICK = Plan(rounds=3, slice_seconds=0.5, counted_jobs=20, budget_seconds=50)
FULL = Plan(rounds=9, slice_seconds=3.0, counted_jobs=200, budget_seconds=570)

LEAST_JOBS = 10
"""Jobs of the shortest drain, and of the first, which is not measured."""

MOST_JOBS = 10_000
"""Jobs of the longest drain: the finished jobs that a queue keeps, so that they can be counted."""


def jobs_for(rate: float, seconds: float) -> int:
    """How many jobs a row gets in one drain.

    Args:
        rate: The jobs a second that it was seen to do.
        seconds: How long the drain shall take.

    Returns:
        A number from 10 to 10,000.
    """
    return max(LEAST_JOBS, min(MOST_JOBS, round(rate * seconds)))
