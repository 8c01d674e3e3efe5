"""What our worker and our producers have promised, and whether a result keeps it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.arithmetic import Measure, Measures, compared
from benchmarks.errors import InvalidRequest
from benchmarks.plan import BASE, IDLE, OURS, ROWS, STREAM_BASE, Row
from benchmarks.rounds import Result

Verdict = Literal["passed", "failed", "unknown"]

ALL = "all"
"""What `--gate` takes for every gate, with the limit that it has by itself."""


@dataclass(frozen=True)
class Aim:
    """What a gate looks at.

    Args:
        limit: What was promised.
        rows: The rows that it needs.
        found: The figure.
        needs: In what the machine must be quiet; None for what is counted.
        at_least: Whether the limit is the least, and not the most.
        words: The figure, for people.
    """

    limit: float
    rows: Collection[str]
    found: Callable[[Result], float]
    needs: Measure | None
    at_least: bool
    words: str


@dataclass(frozen=True)
class Gate:
    """An aim with the limit that somebody asked for."""

    name: str
    limit: float

    @property
    def aim(self) -> Aim:
        """What it looks at."""
        return AIMS[self.name]


@dataclass(frozen=True)
class Judgement:
    """A gate and what became of it.

    Args:
        gate: The gate.
        found: The figure.
        verdict: `unknown` if the run was too noisy to say.
    """

    gate: Gate
    found: float
    verdict: Verdict


def gates_from(texts: Sequence[str], table: Sequence[Row] = ROWS) -> Sequence[Gate]:
    """Read all `--gate`.

    Args:
        texts: Such as `cpu=60`, `cpu`, or `all`.
        table: The rows that there are: `all` means the gates that need no others.

    Raises:
        InvalidRequest: If there is no such gate, or its limit is not a positive number.
    """
    there = {*(row.name for row in table), *([IDLE] if table is ROWS else ())}
    every = [name for name, aim in AIMS.items() if there.issuperset(aim.rows)]
    names = [name for text in texts for name in (every if text == ALL else [text])]
    return [_gate_from(name) for name in names]


def judged(gates: Sequence[Gate], result: Result) -> Sequence[Judgement]:
    """Judge what was found.

    Args:
        gates: What it must reach.
        result: With the rows that they need.
    """
    # Without the second base nobody knows how noisy it was, so ratios prove nothing either.
    return [_judged(gate, gate.aim.found(result), result.quiet or ()) for gate in gates]


def measures_of(gates: Sequence[Gate]) -> Measures:
    """What a run must be quiet enough for: CPU always, speed if it is judged.

    Args:
        gates: What will be judged.
    """
    asked = {gate.aim.needs for gate in gates} - {None}
    return ["cpu", "speed"] if "speed" in asked else ["cpu"]


def _gate_from(text: str) -> Gate:
    name, _, limit = text.partition("=")
    try:
        if name in AIMS and (limit or text == name):
            number = float(limit or AIMS[name].limit)
            if 0 < number < float("inf"):
                return Gate(name, number)
    except ValueError:
        pass
    raise InvalidRequest(
        f"{text!r} is not a gate.",
        field="--gate",
        remedy=f"Write {ALL}, or one of {', '.join(AIMS)}, with = and a number for another limit "
        "than its own, such as cpu=50.",
    )


def _judged(gate: Gate, found: float, quiet: Measures) -> Judgement:
    if gate.aim.needs is not None and gate.aim.needs not in quiet:
        return Judgement(gate, found, "unknown")
    passed = found >= gate.limit if gate.aim.at_least else found <= gate.limit
    return Judgement(gate, found, "passed" if passed else "failed")


def _ratio(row: str, base: str, measure: Measure) -> Callable[[Result], float]:
    def found(result: Result) -> float:
        comparison = compared(result.of(row).rounds, result.of(base).rounds)
        return (comparison.cpu if measure == "cpu" else comparison.speed).median

    return found


def _times(limit: float, row: str, base: str, measure: Measure, words: str) -> Aim:
    return Aim(limit, (row, base), _ratio(row, base, measure), measure, at_least=True, words=words)


def _share_of_ideal(limit: float, row: str) -> Aim:
    return Aim(
        limit,
        (row,),
        lambda result: result.of(row).share_of_ideal,
        None,
        at_least=True,
        words="share of the ideal of 5,000 jobs/s",
    )


def _slower(result: Result) -> float:
    return result.idle_workers.p50(OURS) / result.idle_workers.p50(BASE)


AIMS: Mapping[str, Aim] = {
    "cpu": _times(60, OURS, BASE, "cpu", "times less CPU a job than SimpleWorker"),
    "speed": _times(60, OURS, BASE, "speed", "times the jobs/s of SimpleWorker"),
    "fork-speed": _times(250, OURS, "fork", "speed", "times the jobs/s of the fork Worker"),
    "raw": Aim(
        0.5,
        (OURS, "raw"),
        lambda result: 1 / _ratio(OURS, "raw", "cpu")(result),
        "cpu",
        at_least=False,
        words="of the raw loop's CPU a job",
    ),
    "round-trips": Aim(
        0.05,
        (OURS,),
        lambda result: result.of(OURS).counts.round_trips,
        None,
        at_least=False,
        words="round trips a job",
    ),
    "one": _times(8, "one", BASE, "speed", "times the jobs/s of SimpleWorker, one by one"),
    "async": _share_of_ideal(0.85, "async"),
    "threads": _share_of_ideal(0.70, "threads"),
    "latency": Aim(
        1 / 3,
        (IDLE,),
        _slower,
        "speed",
        at_least=False,
        words="of SimpleWorker's p50 from push to start",
    ),
    "wake-trips": Aim(
        1,
        (IDLE,),
        lambda result: result.idle_workers.trips[OURS],
        None,
        at_least=False,
        words="round trips from push to start",
    ),
    "idle": Aim(
        5,
        (IDLE,),
        lambda result: max(result.idle_workers.commands.values()),
        None,
        at_least=False,
        words="commands a second of an idle worker, at most",
    ),
    "enqueue": _times(4, "enqueue", "rq_enqueue", "cpu", "times less CPU than rq's enqueue"),
    "enqueue-many": _times(
        10, "enqueue_many", "rq_enqueue_many", "cpu", "times less CPU than rq's enqueue_many"
    ),
    "stream": Aim(
        0.4,
        ("stream", STREAM_BASE),
        _ratio("stream", STREAM_BASE, "speed"),
        "speed",
        at_least=True,
        words="of the messages/s of the raw loop",
    ),
    "stream-cpu": Aim(
        0.4,
        ("stream", STREAM_BASE),
        _ratio("stream", STREAM_BASE, "cpu"),
        "cpu",
        at_least=True,
        words="of the raw loop's messages for the same CPU",
    ),
    "stream-lists": _times(4, "stream", "lists", "speed", "times the messages/s of MessageWorker"),
    "stream-claim": Aim(
        20_000,
        ("stream-claim",),
        lambda result: result.of("stream-claim").typical.jobs_per_second,
        "speed",
        at_least=True,
        words="entries claimed a second",
    ),
}
"""The gates by their names."""
