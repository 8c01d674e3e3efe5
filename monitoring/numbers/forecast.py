"""Where a backlog is going: when it is drained, or by how much it grows. Pure arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil

_STEADY_SHARE = 0.02
"""A change below this share of what is done is none: counts are read one after the other."""
_LONGEST = timedelta(days=30)
_BURST = 10
"""Jobs that come at once, or go, at least: fewer say little either way."""
_APART = 4
"""How many times as large as any other change a burst is: by chance hardly ever one is."""
_OTHERS = 2  # changes without which nothing is unusual
_LEAST_AFTER = 4  # samples after a burst from which one can tell how it goes on


@dataclass(frozen=True)
class Depth:
    """How much there was at one moment.

    Args:
        at: When.
        jobs: Jobs that waited or were in a worker's hands.
    """

    at: datetime
    jobs: int


@dataclass(frozen=True)
class Forecast:
    """How a backlog moves.

    Args:
        waiting: Jobs that wait now.
        workers: Those that listen.
        done_per_minute: Runs that ended, whichever way.
        grows_per_minute: By how many jobs the backlog changes; below 0 if it shrinks, None if
            nobody has watched it.
    """

    waiting: int
    workers: int
    done_per_minute: float
    grows_per_minute: float | None = None

    @property
    def arrives_per_minute(self) -> float:
        """What comes in: new jobs, and those that are due for another attempt.

        As much as goes out, if it is not known how the backlog changes.
        """
        return max(0.0, self.done_per_minute + (self.grows_per_minute or 0.0))

    @property
    def is_steady(self) -> bool:
        """Whether the backlog stays what it is, as far as one can tell."""
        least = max(1.0, _STEADY_SHARE * self.done_per_minute)
        return self.grows_per_minute is None or abs(self.grows_per_minute) < least

    @property
    def drains_in(self) -> timedelta | None:
        """When nothing will be waiting, at this rate; None if that is never, or nothing waits."""
        grows = self.grows_per_minute
        if not self.waiting or self.is_steady or grows is None or grows >= 0:
            return None
        minutes = self.waiting / -grows
        return min(timedelta(minutes=minutes), _LONGEST)

    @property
    def more_workers(self) -> int:
        """How many more would stop the growth, as fast as those there are; 0 if it is not known."""
        grows = self.grows_per_minute
        if self.is_steady or grows is None or grows <= 0 or not self.workers:
            return 0
        each = self.done_per_minute / self.workers
        return ceil(grows / each) if each else 0

    def starts_in(self, ahead: int) -> timedelta | None:
        """When a job will be started, if all that are ahead of it go first.

        Args:
            ahead: How many that are.

        Returns:
            The span; None if nothing is done at present.
        """
        if self.done_per_minute <= 0:
            return None
        return min(timedelta(minutes=ahead / self.done_per_minute), _LONGEST)


def growth_per_minute(depths: Sequence[Depth]) -> float | None:
    """By how many jobs a minute a backlog changes: the line that fits best.

    Jobs that came at once, or were removed at once, are no flow: if that happened one time, what
    followed it counts alone. What comes in bursts again and again does flow.

    Args:
        depths: Samples, oldest first.

    Returns:
        Jobs a minute, below 0 if it shrinks; None with less than two moments, or less than four
        after a burst.
    """
    return _slope(_since_burst(depths))


def _since_burst(depths: Sequence[Depth]) -> Sequence[Depth]:
    changes = [abs(after.jobs - before.jobs) for before, after in pairwise(depths)]
    burst = max(changes, default=0)
    place = changes.index(burst) if changes else 0
    others = max(changes[:place] + changes[place + 1 :], default=0)
    if len(changes) <= _OTHERS or burst < max(_BURST, _APART * others):
        return depths
    since = depths[place + 1 :]
    return since if len(since) >= _LEAST_AFTER else ()


def _slope(depths: Sequence[Depth]) -> float | None:
    if len(depths) < 2:  # noqa: PLR2004 - a line has two points
        return None
    begin = depths[0].at
    times = [(each.at - begin).total_seconds() / 60 for each in depths]
    middle = sum(times) / len(times)
    spread = sum((time - middle) ** 2 for time in times)
    if not spread:
        return None
    pairs = zip(times, depths, strict=True)
    return sum((time - middle) * each.jobs for time, each in pairs) / spread


def desired_workers(
    forecast: Forecast,
    *,
    run_seconds: float | None,
    within: timedelta,
    most: int,
) -> int:
    """How many workers would keep up and drain what waits within a time.

    What one worker does in a minute is what each of those at work has done, if jobs waited for
    them all the while; else as many runs as fit into a minute. A worker of several queues counts
    for each of them.

    Args:
        forecast: How the backlog moves.
        run_seconds: How long a run takes on average; None if that is not known.
        within: The time to drain in.
        most: More is never asked for.

    Returns:
        From 0, for a queue with nothing to do and nothing arriving, to `most`.
    """
    work = forecast.arrives_per_minute + forecast.waiting / (within.total_seconds() / 60)
    if not work:
        return 0
    each = _rate_of_one(forecast, run_seconds)
    if not each:
        return min(max(1, forecast.workers), most)
    return min(max(1, ceil(work / each)), most)


def _rate_of_one(forecast: Forecast, run_seconds: float | None) -> float | None:
    """Runs a minute of one worker; None if nothing is known."""
    possible = 60 / run_seconds if run_seconds else None
    if forecast.waiting and forecast.workers and forecast.done_per_minute:
        return forecast.done_per_minute / forecast.workers
    return possible
