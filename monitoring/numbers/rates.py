"""Success and error rates, as the API shows them. Pure."""

from dataclasses import dataclass
from typing import Self

_ALL = 100.0


@dataclass(frozen=True, slots=True)
class Sample:
    """Jobs that ended.

    Args:
        finished: How many succeeded.
        failed: How many failed for good.
    """

    finished: int = 0
    failed: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(self.finished + other.finished, self.failed + other.failed)

    @property
    def size(self) -> int:
        """How many there are."""
        return self.finished + self.failed

    @property
    def success_rate(self) -> float:
        """Per cent, two decimals; 100 if nothing ended, because nothing failed."""
        return _share(self.finished, self.size) if self.size else _ALL

    @property
    def error_rate(self) -> float:
        """Per cent, two decimals; 0 if nothing ended."""
        return _share(self.failed, self.size) if self.size else 0.0


def _share(part: int, size: int) -> float:
    return round(part / size * _ALL, 2)
