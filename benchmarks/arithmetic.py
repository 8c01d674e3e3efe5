"""From what was measured to what is said: numbers in, numbers out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

AA_LOW, AA_HIGH = 0.9, 1.1
"""Where the median of the base against itself must lie, or the ratios show nothing."""


@dataclass(frozen=True)
class Usage:
    """What one drain took.

    Args:
        seconds: From the worker's start to the end of its loop.
        worker_cpu: Seconds, user and system, of the worker's process and the children it has
            waited for.
        server_cpu: Seconds, user and system, of the server's main process.
        memory_bytes: Resident memory of the worker at the end and of its largest child; pages
            that they share count twice.
    """

    seconds: float
    worker_cpu: float
    server_cpu: float = 0.0
    memory_bytes: int = 0


@dataclass(frozen=True)
class Cost:
    """One drain's figures, with those of an empty one taken off.

    Args:
        jobs_per_second: Of one worker.
        worker_us: CPU microseconds a job in the worker's processes.
        server_us: CPU microseconds a job in the server.
        memory_bytes: As in `Usage`.
    """

    jobs_per_second: float
    worker_us: float
    server_us: float
    memory_bytes: int

    @property
    def cpu_us(self) -> float:
        """CPU microseconds a job in all."""
        return self.worker_us + self.server_us


@dataclass(frozen=True)
class Counts:
    """What was asked of the server.

    Args:
        commands: Commands that came from a client: lines of MONITOR that are not a script's.
        calls: Calls in INFO commandstats: those, and the ones that scripts make.
        round_trips: Socket writes of the worker, as they arrived at a proxy.
    """

    commands: float
    calls: float
    round_trips: float


@dataclass(frozen=True)
class Ratio:
    """A comparison over all rounds: each drain against the base's of the same round."""

    median: float
    least: float
    most: float


@dataclass(frozen=True)
class Comparison:
    """A row against the base.

    Args:
        speed: How many times its jobs a second.
        cpu: How many times less CPU a job, workers and server together.
    """

    speed: Ratio
    cpu: Ratio


Measure = Literal["cpu", "speed"]
Measures = Collection[Measure]


def cost(full: Usage, empty: Usage, jobs: int) -> Cost:
    """The figures of one drain.

    Args:
        full: What the drain took.
        empty: What a drain without a job took.
        jobs: How many jobs were done, at least 1.

    Returns:
        Figures a job; never below 0, which noise could make of very few jobs.
    """
    seconds = max(full.seconds - empty.seconds, 1e-6)
    return Cost(
        jobs_per_second=jobs / seconds,
        worker_us=max(full.worker_cpu - empty.worker_cpu, 0) / jobs * 1e6,
        server_us=max(full.server_cpu - empty.server_cpu, 0) / jobs * 1e6,
        memory_bytes=full.memory_bytes,
    )


def typical(costs: Sequence[Cost]) -> Cost:
    """The median of each figure.

    Args:
        costs: Those of all rounds.
    """
    return Cost(
        jobs_per_second=median(c.jobs_per_second for c in costs),
        worker_us=median(c.worker_us for c in costs),
        server_us=median(c.server_us for c in costs),
        memory_bytes=int(median(c.memory_bytes for c in costs)),
    )


def counts_per_job(full: Counts, empty: Counts, jobs: int) -> Counts:
    """What one job asked of the server.

    Args:
        full: What a drain asked.
        empty: What a drain without a job asked.
        jobs: How many jobs were done, at least 1.
    """
    return Counts(
        commands=(full.commands - empty.commands) / jobs,
        calls=(full.calls - empty.calls) / jobs,
        round_trips=(full.round_trips - empty.round_trips) / jobs,
    )


def compared(row: Sequence[Cost], base: Sequence[Cost]) -> Comparison:
    """A row against the base, round by round.

    Args:
        row: One figure a round.
        base: As many.
    """
    pairs = list(zip(row, base, strict=True))
    return Comparison(
        speed=_ratio([mine.jobs_per_second / other.jobs_per_second for mine, other in pairs]),
        cpu=_ratio([other.cpu_us / max(mine.cpu_us, 1e-3) for mine, other in pairs]),
    )


def quiet_measures(again: Comparison) -> Measures:
    """What the machine was quiet enough for.

    Args:
        again: The base against itself.

    Returns:
        The measures in which the base is equal to itself: its median is from 0.9 to 1.1.
    """
    ratios: dict[Measure, Ratio] = {"cpu": again.cpu, "speed": again.speed}
    return [name for name, ratio in ratios.items() if AA_LOW <= ratio.median <= AA_HIGH]


def differing(sides: Mapping[str, Mapping[str, object]]) -> Sequence[str]:
    """The names of the settings that are not the same everywhere.

    Args:
        sides: The settings of each row, all with the same names.
    """
    values = list(sides.values())
    return [name for name in values[0] if any(side[name] != values[0][name] for side in values)]


def _ratio(values: Sequence[float]) -> Ratio:
    return Ratio(median=median(values), least=min(values), most=max(values))
