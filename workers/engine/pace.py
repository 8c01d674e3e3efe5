"""How many jobs to lease at once: as many as are likely to fit into the time that is allowed."""

from dataclasses import dataclass, field

_NEWEST = 0.2  # share of the newest job in the average: some ten jobs change it


@dataclass
class Pace:
    """Learns from the jobs that were run.

    Args:
        most: Jobs at once, at most.
        ahead: Seconds of work that may be leased ahead.
    """

    most: int
    ahead: float
    _seconds: float | None = field(default=None, init=False)

    def next(self) -> int:
        """How many jobs to lease: one, until something is known."""
        if self._seconds is None:
            return 1
        return max(1, min(self.most, int(self.ahead / max(self._seconds, 1e-9))))

    def took(self, seconds: float, jobs: int = 1) -> None:
        """Learn from jobs that are over.

        Args:
            seconds: How long they took together.
            jobs: How many they were.
        """
        each = seconds / jobs
        weight = _NEWEST if jobs == 1 else 1 - (1 - _NEWEST) ** jobs
        before = each if self._seconds is None else self._seconds
        # A slow one counts at once: what waits behind it waits too long.
        self._seconds = max(each * 0.5, before + weight * (each - before))

    @property
    def per_second(self) -> float:
        """Jobs that one place can do in a second; 0 if nothing is known."""
        return 0.0 if self._seconds is None else 1 / max(self._seconds, 1e-9)
