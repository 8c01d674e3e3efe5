"""What `run bench --watching` found, whether it is within its limits, and how it is shown. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks.web_process import CLIENTS, CORE

ADDED = 0.02
"""The share of the time that the server needs for jobs which may come on top for looking."""
LEFT = 0.95
"""The share of the jobs a second that is left at least."""
QUIET = (0.95, 1.05)
"""Where the median of unwatched drains among each other must lie, or the ratios show nothing."""


@dataclass(frozen=True)
class Plan:
    """How much is done.

    Args:
        rounds: In each, one drain is watched, and one before it and one after it are not.
        slice_seconds: How long one drain shall take, roughly.
        most_jobs: Jobs of the longest drain.
        look_seconds: For how long somebody watches while nobody works.
    """

    rounds: int
    slice_seconds: float
    most_jobs: int
    look_seconds: float


@dataclass(frozen=True)
class Drain:
    """What one drain of the queue took.

    Args:
        jobs_per_second: Of one worker.
        command_us: Microseconds a job of all commands; what scripts call counts twice.
        script_us: Those of the scripts, which are nearly all that a worker calls.
    """

    jobs_per_second: float
    command_us: float
    script_us: float

    @property
    def busy(self) -> float:
        """The share of its time that the server works for jobs."""
        return self.script_us * self.jobs_per_second / 1e6


@dataclass(frozen=True)
class Round:
    """Three drains.

    Args:
        before: Unwatched.
        watched: While fifty clients watch.
        after: Unwatched again.
        core: The share of a core that the web process used in the second one.
    """

    before: Drain
    watched: Drain
    after: Drain
    core: float

    @property
    def left(self) -> float:
        """The jobs a second that are left while somebody watches, as a share."""
        between = (self.before.jobs_per_second + self.after.jobs_per_second) / 2
        return self.watched.jobs_per_second / between

    @property
    def as_seen(self) -> float:
        """How much longer the server's commands took a job, as a share; mostly noise."""
        between = (self.before.command_us + self.after.command_us) / 2
        return self.watched.command_us / between - 1


@dataclass(frozen=True)
class Looks:
    """What looking takes while nobody works.

    Args:
        command_us: Microseconds a second of the server's commands.
        core: The share of a core that the web process uses.
    """

    command_us: float
    core: float


@dataclass(frozen=True)
class Cost:
    """What was found.

    Args:
        jobs: Of each drain.
        rounds: One after the other.
        looks: Of the web process alone.
    """

    jobs: int
    rounds: Sequence[Round]
    looks: Looks

    @property
    def added(self) -> float:
        """What looking adds to the time of the server's commands for a job, as a share.

        Against the round in which the server needed least for its jobs.
        """
        busy = min(min(each.before.busy, each.after.busy) for each in self.rounds)
        return self.looks.command_us / 1e6 / busy

    @property
    def left(self) -> float:
        """The share of the jobs a second that is left, the median of all rounds."""
        return median(each.left for each in self.rounds)

    @property
    def core(self) -> float:
        """The share of a core that the web process used, the median of all rounds."""
        return median(each.core for each in self.rounds)

    @property
    def noise(self) -> float:
        """The jobs a second of the unwatched drains after and before, the median of the ratios."""
        ratios = (each.after.jobs_per_second / each.before.jobs_per_second for each in self.rounds)
        return median(ratios)

    @property
    def is_quiet(self) -> bool:
        """Whether unwatched drains were as fast as each other."""
        return QUIET[0] <= self.noise <= QUIET[1]

    @property
    def faults(self) -> Sequence[str]:
        """What is over a limit, in words."""
        told = {
            f"looking adds {self.added:.2%} to the server's time for a job": self.added > ADDED,
            f"{self.left:.1%} of the jobs a second are left": self.is_quiet and self.left < LEFT,
            f"the web process used {self.core:.1%} of a core": self.core > CORE,
        }
        return [words for words, is_wrong in told.items() if is_wrong]


def as_text(found: Cost) -> str:
    """Lines for people.

    Args:
        found: What was found.
    """
    seen = median(each.as_seen for each in found.rounds)
    least, most = (pick(each.left for each in found.rounds) for pick in (min, max))
    lines = [
        f"{found.jobs:,} jobs a drain, {len(found.rounds)} rounds, {CLIENTS} clients",
        f"looking takes {found.looks.command_us:,.0f} us a second of the server's commands",
        f"that adds {found.added:.2%} to what the jobs need; as seen, {seen:+.1%} in the median",
        f"jobs/s, watched by unwatched: {found.left:.3f} ({least:.3f}-{most:.3f})",
        f"jobs/s, unwatched by unwatched: {found.noise:.3f}",
        f"the web process: {found.core:.1%} of a core, {found.looks.core:.1%} while nobody works",
        *(f"OVER ITS LIMIT  {fault}" for fault in found.faults),
        *([] if found.is_quiet else ["TOO NOISY to say how many jobs a second are left"]),
    ]
    return "\n".join(lines) + "\n"


def figures(found: Cost) -> Mapping[str, Any]:
    """One object for programs.

    Args:
        found: What was found.
    """
    judged = {
        "added": found.added,
        "left": found.left,
        "core": found.core,
        "noise": found.noise,
        "faults": list(found.faults),
    }
    return {**asdict(found), **judged}
