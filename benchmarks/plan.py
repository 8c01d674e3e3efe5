"""What is measured, and for how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

WorkerKind = Literal["simple", "fork", "raw", "ours"]
ProducerKind = Literal["rq_enqueue", "enqueue", "rq_enqueue_many", "enqueue_many", "indexed"]
Kind = WorkerKind | ProducerKind

BASE = "simple"
"""The row that all workers are compared with."""

AGAIN = "again"
"""The base a second time: what the comparison says of two equal workers."""

OURS = "ours"
"""The row that the gates judge."""


@dataclass(frozen=True)
class Row:
    """One line of the table: one worker or producer, with its server and nothing else.

    Args:
        name: As `--rows` has it.
        title: For people.
        kind: Which loop it runs; see `benchmarks/loops.py` and `benchmarks/producers.py`.
        variables: Settings that differ from the defaults, as environment variables.
        base: The row it is compared with.
    """

    name: str
    title: str
    kind: Kind
    variables: tuple[tuple[str, str], ...] = ()
    base: str = BASE

    @property
    def is_compared(self) -> bool:
        """Whether its settings are those of the base, so that a ratio means something."""
        return not self.variables and self.name != self.base


ROWS: Sequence[Row] = (
    Row(BASE, "stock SimpleWorker", "simple"),
    Row(AGAIN, "stock SimpleWorker, again", "simple"),
    Row("fork", "stock Worker (fork)", "fork"),
    Row("raw", "raw BLPOP loop, no safety", "raw"),
    Row(OURS, "workers.MessageWorker", "ours"),
    Row("quiet", "MessageWorker, LOG_JOBS=failures", "ours", (("LOG_JOBS", "failures"),)),
    Row("rq_enqueue", "rq Queue.enqueue", "rq_enqueue", base="rq_enqueue"),
    Row("enqueue", "enqueue", "enqueue", base="rq_enqueue"),
    Row("rq_enqueue_many", "rq Queue.enqueue_many", "rq_enqueue_many", base="rq_enqueue_many"),
    Row("enqueue_many", "enqueue_many", "enqueue_many", base="rq_enqueue_many"),
    Row("indexed", "enqueue_many, two indexed fields", "indexed", base="enqueue_many"),
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
FULL = Plan(rounds=9, slice_seconds=3.0, counted_jobs=1_000, budget_seconds=570)

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
