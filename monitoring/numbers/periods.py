"""The spans of time that trends are asked for. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.errors import InvalidQuery
from monitoring.numbers.spans import Piece, Resolution, cover


@dataclass(frozen=True)
class Period:
    """A span of time that ends now.

    Args:
        length: How long it is.
        finest: The buckets it begins with: it may be longer by less than one of these.
    """

    length: timedelta
    finest: Resolution

    def pieces(self, now: datetime) -> Sequence[Piece]:
        """The buckets that it is made of.

        Args:
            now: When it ends; aware.
        """
        return cover(now - self.length, now, finest=self.finest)


PERIODS: Mapping[str, Period] = {
    "24h": Period(timedelta(hours=24), "m"),
    "7d": Period(timedelta(days=7), "h"),
    "30d": Period(timedelta(days=30), "h"),
}


def period_of(name: str) -> Period:
    """The period of a name.

    Args:
        name: `24h`, `7d` or `30d`.

    Raises:
        InvalidQuery: For anything else; it names the field `period`.
    """
    if name not in PERIODS:
        raise InvalidQuery(
            f"period is {name!r}.", field="period", remedy=f"Use {', '.join(PERIODS)}."
        )
    return PERIODS[name]
