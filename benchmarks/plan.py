"""What is measured, and for how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

WorkerKind = Literal["simple", "fork", "raw", "ours"]
ProducerKind = Literal[
    "rq_enqueue", "enqueue", "rq_enqueue_many", "enqueue_many", "indexed", "tenants"
]
StreamKind = Literal["stream_raw", "stream_read", "stream", "stream_unfenced", "stream_claim"]
Kind = WorkerKind | ProducerKind | StreamKind

BASE = "simple"
"""The row that all workers are compared with."""

STREAM_BASE = "stream-raw"
"""The row that all consumers of streams are compared with."""

WAIT_SECONDS = 0.01
"""How long a job of the rows that wait takes."""

PLACES = 50
"""Jobs that these rows run at once, where a worker can."""

_WAITS_DEF = ("HANDLER_PACKAGES", "benchmarks.waiting_def")
_WAITS_ASYNC = ("HANDLER_PACKAGES", "benchmarks.waiting_async")
_AT_ONCE = ("CONCURRENCY", str(PLACES))

TRACED = ("TRACING", "1")
"""The setting of rows whose spans go to a collector that keeps nothing."""

OURS = "ours"
"""Our worker as it is without settings."""

IDLE = "idle"
"""What `--rows` calls the idle workers, which are measured in another way than by drains."""


@dataclass(frozen=True)
class Row:
    """One line of the table: one worker or producer, with its server and nothing else.

    Args:
        name: As `--rows` has it.
        title: For people.
        kind: Which loop it runs; see `benchmarks/loops.py` and `benchmarks/producers.py`.
        variables: Settings that differ from the defaults, as environment variables.
        base: The row it is compared with; empty if with none.
        is_base_again: Whether it is the base a second time: what the comparison says of two equal
            workers.
        ideal: Jobs a second if a job took nothing but its handler's time; None: not to be told.
        only_if_named: Whether it is left out unless `--rows` names it.
    """

    name: str
    title: str
    kind: Kind
    variables: tuple[tuple[str, str], ...] = ()
    base: str = BASE
    is_base_again: bool = False
    ideal: float | None = None
    only_if_named: bool = False

    @property
    def is_compared(self) -> bool:
        """Whether there is another row to compare it with."""
        return self.base not in {"", self.name}

    @property
    def way(self) -> tuple[Kind, tuple[tuple[str, str], ...]]:
        """What it does: rows of the same way get the same number of jobs."""
        return self.kind, self.variables


ROWS: Sequence[Row] = (
    Row(BASE, "stock SimpleWorker", "simple"),
    Row("again", "stock SimpleWorker, again", "simple", is_base_again=True),
    Row("fork", "stock Worker (fork)", "fork"),
    Row("raw", "raw BLPOP loop, no safety", "raw"),
    Row(OURS, "workers.MessageWorker", "ours"),
    Row("quiet", "MessageWorker, LOG_JOBS=failures", "ours", (("LOG_JOBS", "failures"),), base=""),
    Row(
        "traced",
        "MessageWorker, TRACING=1",
        "ours",
        (TRACED,),
        base=OURS,
        only_if_named=True,
    ),
    Row("one", "MessageWorker, BATCH_JOBS=1", "ours", (("BATCH_JOBS", "1"),)),
    Row("waiting", "SimpleWorker, 10 ms a job", "simple", (_WAITS_DEF,), base="waiting"),
    Row(
        "async",
        "MessageWorker, 50 x 10 ms, async",
        "ours",
        (_WAITS_ASYNC, _AT_ONCE),
        base="waiting",
        ideal=PLACES / WAIT_SECONDS,
    ),
    Row(
        "threads",
        "MessageWorker, 50 x 10 ms, def",
        "ours",
        (_WAITS_DEF, _AT_ONCE),
        base="waiting",
        ideal=PLACES / WAIT_SECONDS,
    ),
    Row("rq_enqueue", "rq Queue.enqueue", "rq_enqueue", base="rq_enqueue"),
    Row("enqueue", "enqueue", "enqueue", base="rq_enqueue"),
    Row("rq_enqueue_many", "rq Queue.enqueue_many", "rq_enqueue_many", base="rq_enqueue_many"),
    Row("enqueue_many", "enqueue_many", "enqueue_many", base="rq_enqueue_many"),
    Row("indexed", "enqueue_many, two indexed fields", "indexed", base="enqueue_many"),
    Row("tenants", "enqueue_many, of ten tenants", "tenants", base="enqueue_many"),
)

STREAM_ROWS: Sequence[Row] = (
    Row(STREAM_BASE, "raw XREADGROUP and XACK", "stream_raw", base=STREAM_BASE),
    Row(
        "stream-again",
        "raw XREADGROUP and XACK, again",
        "stream_raw",
        base=STREAM_BASE,
        is_base_again=True,
    ),
    Row("stream-read", "the same, messages parsed", "stream_read", base=STREAM_BASE),
    Row("stream", "postroom streams worker", "stream", base=STREAM_BASE),
    Row("stream-unfenced", "streams worker, no fencing", "stream_unfenced", base=STREAM_BASE),
    Row(
        "stream-quiet",
        "streams worker, LOG_JOBS=failures",
        "stream",
        (("LOG_JOBS", "failures"),),
        base=STREAM_BASE,
    ),
    Row("stream-claim", "claiming after a crash", "stream_claim", base=STREAM_BASE),
    Row("lists", "workers.MessageWorker", "ours", base=STREAM_BASE),
)
"""What `--streams` measures."""


@dataclass(frozen=True)
class Plan:
    """How much is done.

    Args:
        rounds: In each, every row drains its queue once; odd, so that a median is one of them.
        slice_seconds: How long one drain shall take, roughly.
        counted_jobs: Jobs whose commands and round trips are counted.
        budget_seconds: No further run is begun that would end later.
        idle_jobs: Jobs of an idle worker in each round.
        idle_rest: Seconds after which an idle worker does only what it always does.
        idle_seconds: For how long its commands are counted: full rounds of its clocks, of 4 s.
    """

    rounds: int
    slice_seconds: float
    counted_jobs: int
    budget_seconds: float
    idle_jobs: int
    idle_rest: float
    idle_seconds: float


QUICK = Plan(
    rounds=3,
    slice_seconds=0.4,
    counted_jobs=20,
    budget_seconds=50,
    idle_jobs=7,
    idle_rest=4.0,
    idle_seconds=4.0,
)
FULL = Plan(
    rounds=9,
    slice_seconds=2.0,
    counted_jobs=1_000,
    budget_seconds=570,
    idle_jobs=21,
    idle_rest=4.0,
    idle_seconds=12.0,
)

LEAST_JOBS = 10
"""Jobs of the shortest drain, and of the first, which is not measured."""

MOST_JOBS = 10_000
"""Jobs of the longest drain: the finished jobs that a queue keeps, so that they can be counted."""

MOST_ENTRIES = 50_000
"""Entries of the longest drain of a stream, which takes two seconds to fill."""


def jobs_for(rate: float, seconds: float, row: Row) -> int:
    """How many jobs a row gets in one drain.

    Args:
        rate: The jobs a second that it was seen to do.
        seconds: How long the drain shall take.
        row: The row.

    Returns:
        A number from 10 to 10,000, or to 50,000 for a stream.
    """
    most = MOST_ENTRIES if row.kind in get_args(StreamKind) else MOST_JOBS
    return max(LEAST_JOBS, min(most, round(rate * seconds)))
