"""What has ended since the counting began, as numbers that only grow. Pure."""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Self

from monitoring.numbers.bucket_fields import Stat, Times
from monitoring.numbers.figures import Figures
from monitoring.numbers.histograms import upper_ms
from monitoring.prometheus.labels import MOST_QUEUES, MOST_TYPES, Seats

BOUNDARIES: Sequence[float] = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    *(30.0, 60.0, 300.0, 1800.0),
)
"""In seconds. What the engine counts in steps of 5 % stands below the nearest one, so that a
boundary may be 2.5 % off."""

_ENDED_BY_ITSELF = frozenset({"finished", "failed", "retried"})
"""Outcomes of attempts whose times mean something; the others were cut short, or never ran."""
_STEP = sqrt(1.05)
_PLACES = range(1_000)
_INDEX = tuple(bisect_left(BOUNDARIES, upper_ms(place) / 1000 / _STEP) for place in _PLACES)


@dataclass(slots=True)
class Spread:
    """How many times stand below each boundary, and all of them together.

    Args:
        counts: One for each boundary, and one more for what is above all of them.
        sum_us: In microseconds.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDARIES) + 1))
    sum_us: int = 0

    def add(self, places: Mapping[int, int], sum_us: int) -> None:
        """Add what the engine counted.

        Args:
            places: As in `Histogram`.
            sum_us: In microseconds.
        """
        for place, count in places.items():
            self.counts[_INDEX[min(place, len(_INDEX) - 1)]] += count
        self.sum_us += sum_us

    def copy(self) -> "Spread":
        """One that grows by itself."""
        return Spread(self.counts.copy(), self.sum_us)


@dataclass(slots=True)
class Totals:
    """All that ended, by bounded labels.

    Args:
        jobs: By queue, type and outcome.
        times: By `run` or `wait`, and type.
        queues: Which queues have a label.
        types: Which types have one.
    """

    jobs: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    times: dict[tuple[str, str], Spread] = field(default_factory=dict)
    queues: Seats = field(default_factory=lambda: Seats(MOST_QUEUES))
    types: Seats = field(default_factory=lambda: Seats(MOST_TYPES))

    def add(self, figures: Mapping[Stat, Figures], times: Mapping[str, Times]) -> None:
        """Add what ended in one minute, hour or day.

        Args:
            figures: Its sums, per queue and type.
            times: Its histograms, per queue.
        """
        for stat, ended in sorted(figures.items()):  # so that all processes give the same seats
            queue, kind = self.queues.of(stat.queue), self.types.of(stat.type)
            for outcome, tally in ended.outcomes.items():
                self.jobs[queue, kind, outcome] += tally.count
                if outcome not in _ENDED_BY_ITSELF:
                    continue
                found = times.get(stat.queue, {})
                for what, sum_us in (("run", tally.run.sum_us), ("wait", tally.wait.sum_us)):
                    places = found.get((stat.type, outcome, what), {})
                    self.times.setdefault((what, kind), Spread()).add(places, sum_us)

    def copy(self) -> "Totals":
        """Others that grow by themselves, with the same seats."""
        times = {name: spread.copy() for name, spread in self.times.items()}
        return Totals(self.jobs.copy(), times, self.queues, self.types)

    def as_json(self) -> str:
        """Themselves as text, for `from_json`."""
        return json.dumps(
            {
                "queues": self.queues.taken,
                "types": self.types.taken,
                "jobs": [[*name, count] for name, count in sorted(self.jobs.items())],
                "times": [
                    [*name, spread.sum_us, _trimmed(spread.counts)]
                    for name, spread in sorted(self.times.items())
                ],
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """What `as_json` wrote.

        Args:
            text: The text.

        Raises:
            ValueError: If it is something else.
        """
        try:
            stored = json.loads(text)
            queues, types = Seats(MOST_QUEUES, stored["queues"]), Seats(MOST_TYPES, stored["types"])
            found = cls(queues=queues, types=types)
            for queue, kind, outcome, count in stored["jobs"]:
                found.jobs[queue, kind, outcome] = int(count)
            for what, kind, sum_us, counts in stored["times"]:
                found.times[what, kind] = Spread(_filled(counts), int(sum_us))
        except (KeyError, TypeError) as error:
            raise ValueError(str(error)) from error
        return found


def _trimmed(counts: Iterable[int]) -> Sequence[int]:
    kept = list(counts)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _filled(counts: Sequence[Any]) -> list[int]:
    missing = len(BOUNDARIES) + 1 - len(counts)
    if missing < 0:
        message = "it has more boundaries"
        raise ValueError(message)
    return [*map(int, counts), *[0] * missing]
