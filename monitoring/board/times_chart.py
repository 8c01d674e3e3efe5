"""How long many runs took, as bars on a log axis. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from monitoring.board.wording import count, duration
from monitoring.numbers.histograms import Histogram, upper_ms

_BARS = 20
_WIDE, _HIGH = 100, 40


@dataclass(frozen=True)
class TimesChart:
    """Bars of equal ratio from the shortest to the longest time.

    Args:
        title: What the times are, such as `Run time`.
        label: What the chart says.
        quantiles: p50, p95 and p99, in ms.
        axis: The words under it: the first, the middle and the last bar's longest time.
        bars: Of each its place, width, top and height, in a box of 100 by 40.
    """

    title: str
    label: str
    quantiles: tuple[float | None, float | None, float | None]
    axis: tuple[str, str, str]
    bars: Sequence[tuple[str, str, str, str]]


def times_chart(title: str, times: Histogram) -> TimesChart | None:
    """A chart of many times.

    Args:
        title: What the times are.
        times: A histogram with places.

    Returns:
        The chart; None if there are no times.
    """
    if not times.places:
        return None
    first, last = min(times.places), max(times.places)
    width = (last - first) // _BARS + 1
    bars: Counter[int] = Counter()
    for place, many in times.places.items():
        bars[(place - first) // width] += many
    number = (last - first) // width + 1
    p50, p95, p99 = (times.quantile_ms(share) for share in (0.5, 0.95, 0.99))
    return TimesChart(
        title,
        f"{title} in 24 hours, of {count(sum(times.places.values()))}: half took up to "
        f"{duration(p50)}, 95 of 100 up to {duration(p95)}, 99 up to {duration(p99)}.",
        (p50, p95, p99),
        (
            duration(upper_ms(first)),
            duration(upper_ms((first + last) // 2)),
            duration(upper_ms(last)),
        ),
        [_bar(at, bars[at], number, max(bars.values())) for at in sorted(bars)],
    )


def _bar(at: int, many: int, number: int, most: int) -> tuple[str, str, str, str]:
    each, high = _WIDE / number, max(0.5, _HIGH * many / most)
    return f"{at * each:.1f}", f"{each * 0.86:.1f}", f"{_HIGH - high:.1f}", f"{high:.1f}"
