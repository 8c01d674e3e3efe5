"""What ended in the last hour, day and week, and how long that took, as the API shows it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import redis

from monitoring.answers import shown_time
from monitoring.numbers.bucket_fields import Fields, Sums, read_sums
from monitoring.numbers.buckets import Bucket, read_total_histograms, sums_from
from monitoring.numbers.figures import Figures
from monitoring.numbers.histograms import Histogram
from monitoring.numbers.periods import PERIODS, Period
from monitoring.numbers.rates import Sample
from monitoring.numbers.spans import Piece, pieces_of

WINDOWS: Mapping[str, Period] = {
    "1h": Period(timedelta(hours=1), "m"),
    "24h": PERIODS["24h"],
    "7d": PERIODS["7d"],
}


@dataclass(frozen=True)
class Read:
    """What was read of the buckets of `Spans`, without histograms.

    Args:
        spans: Which.
        answers: To `ask_sums` of `spans.all`.
    """

    spans: "Spans"
    answers: Sequence[Fields]

    @cached_property
    def windows(self) -> Mapping[str, Sums]:
        """Each window as one."""
        return {name: read_sums(*self._of(each)) for name, each in self.spans.windows.items()}

    def timed(self, queues: Collection[str] | None, *, connection: redis.Redis) -> Sums:
        """This hour and the one before it as one, with their histograms, in one round trip."""
        hours = self.spans.hours
        total = read_sums(*self._of(hours))
        return read_total_histograms(hours, total, queues=queues, connection=connection)

    @cached_property
    def minutes(self) -> Sequence[Bucket]:
        """This minute and the one before it."""
        return sums_from(self.spans.minutes, self._of(self.spans.minutes))

    def _of(self, pieces: Sequence[Piece]) -> Sequence[Fields]:
        found = dict(zip(self.spans.all, self.answers, strict=True))
        return [found[piece] for piece in pieces]


@dataclass(frozen=True)
class Spans:
    """The buckets that figures are made of.

    Args:
        now: Until when; aware.
    """

    now: datetime

    @cached_property
    def windows(self) -> Mapping[str, Sequence[Piece]]:
        """Those of each window."""
        return {name: period.pieces(self.now) for name, period in WINDOWS.items()}

    @property
    def hours(self) -> Sequence[Piece]:
        """The hour that is not over, and the one before it: histograms of these are read."""
        return pieces_of("h", self.now - WINDOWS["1h"].length, self.now)

    @property
    def since(self) -> datetime:
        """When the first of these two hours begins."""
        return datetime.fromtimestamp(self.hours[0].begin, UTC)

    @property
    def minutes(self) -> Sequence[Piece]:
        """The minute that is not over, and the one before it."""
        return pieces_of("m", self.now - timedelta(minutes=1), self.now)

    @cached_property
    def all(self) -> Sequence[Piece]:
        """All of them, each once."""
        windows = [piece for pieces in self.windows.values() for piece in pieces]
        return tuple(dict.fromkeys([*windows, *self.hours, *self.minutes]))


def window(figures: Figures) -> Mapping[str, Any]:
    """What ended in a window.

    Args:
        figures: Of a queue or a type.
    """
    sample = Sample(figures.finished, figures.failed)
    return {
        "successful": sample.finished,
        "failed": sample.failed,
        "total": sample.size,
        "successRate": sample.success_rate,
        "errorRate": sample.error_rate,
        "avgProcessingTime": milliseconds(figures.run.average_ms) or 0,
    }


def last(sample: Sample) -> Mapping[str, Any]:
    """The rates of the last 1,000 outcomes, and of how many there were."""
    return {
        "successRate": sample.success_rate,
        "errorRate": sample.error_rate,
        "sampleSize": sample.size,
    }


def timing(figures: Figures, since: datetime) -> Mapping[str, Any]:
    """How long runs took and jobs waited.

    Args:
        figures: With histograms.
        since: When the first of them may have ended.
    """
    return {
        "since": shown_time(since),
        "avgProcessingTime": milliseconds(figures.run.average_ms) or 0,
        "run": _percentiles(figures.run),
        "wait": _percentiles(figures.wait),
    }


def milliseconds(value: float | None) -> float | None:
    """A time in ms with up to three decimals."""
    return None if value is None else round(value, 3)


def _percentiles(histogram: Histogram) -> Mapping[str, Any]:
    return {
        "count": histogram.count,
        "average": milliseconds(histogram.average_ms),
        **{f"p{share}": milliseconds(histogram.quantile_ms(share / 100)) for share in (50, 95, 99)},
    }
