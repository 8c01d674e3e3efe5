"""What ended, as numbers that add up: per outcome how many, how long they ran and waited. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from monitoring.numbers.histograms import Histogram

_NOTHING = Histogram()
_ENDS = ("finished", "failed")


@dataclass(frozen=True, slots=True)
class Tally:
    """Runs with one outcome.

    Args:
        count: How many.
        run: How long they ran.
        wait: How long their jobs had waited, where that is known.
    """

    count: int = 0
    run: Histogram = _NOTHING
    wait: Histogram = _NOTHING

    @classmethod
    def together(cls, tallies: Iterable["Tally"]) -> Self:
        """All of them as one."""
        every = tuple(tallies)
        if len(every) == 1:
            return cls(every[0].count, every[0].run, every[0].wait)
        return cls(
            sum(each.count for each in every),
            Histogram.together(each.run for each in every),
            Histogram.together(each.wait for each in every),
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """Runs of a queue, a type, or anything else, by outcome.

    Args:
        outcomes: By the engine's words: `finished`, `failed` (for good), `stopped` (by a person),
            `retried`, `crashed`, `handed_back`, `held` (the runs after which a job goes on),
            `lease_lost` (a late end, which was refused), and what streams have lost.
    """

    outcomes: Mapping[str, Tally] = field(default_factory=dict)

    @classmethod
    def together(cls, figures: Iterable["Figures"]) -> Self:
        """All of them as one; much quicker than `+` for many.

        Args:
            figures: None gives empty ones.
        """
        found: defaultdict[str, list[Tally]] = defaultdict(list)
        for each in figures:
            for outcome, tally in each.outcomes.items():
                found[outcome].append(tally)
        return cls({outcome: Tally.together(tallies) for outcome, tallies in found.items()})

    def __add__(self, other: Self) -> Self:
        return self.together((self, other))

    def count(self, outcome: str) -> int:
        """How many runs had an outcome."""
        return self.outcomes[outcome].count if outcome in self.outcomes else 0

    @property
    def finished(self) -> int:
        """Jobs that succeeded."""
        return self.count("finished")

    @property
    def failed(self) -> int:
        """Jobs that failed for good; retries do not count."""
        return self.count("failed")

    @property
    def ended(self) -> int:
        """Both together."""
        return self.finished + self.failed

    @property
    def run(self) -> Histogram:
        """How long the last runs of those jobs took."""
        return Histogram.together(self.outcomes[each].run for each in self._ends())

    @property
    def wait(self) -> Histogram:
        """How long those jobs had waited for their last run, where that is known."""
        return Histogram.together(self.outcomes[each].wait for each in self._ends())

    def _ends(self) -> Iterable[str]:
        return (each for each in _ENDS if each in self.outcomes)
