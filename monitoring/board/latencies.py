"""Charts of how long things took: on a log axis, with gaps where nothing ended. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitoring.board.drawing import times_of

JsonDict = dict[str, Any]

_MINUTE, _HOUR = 60_000, 3_600_000  # ms
_TIMES: Sequence[float] = (
    *(0.1, 1, 10, 100, 1_000, 10_000),
    *(_MINUTE, 10 * _MINUTE, _HOUR, 10 * _HOUR, 100 * _HOUR, 1_000 * _HOUR),
)
"""Where a log axis of times has its lines, in ms."""


@dataclass(frozen=True)
class Line:
    """A line of a chart of times.

    Args:
        name: What it is called.
        colour: Its letter.
        of: Which figure of a point it shows, in ms.
        dash: Whether it is dashed.
    """

    name: str
    colour: str
    of: str
    dash: bool = False


_BOTH = (
    Line("Run p50, dashed", "r", "runP50", dash=True),
    Line("Run p95", "r", "runP95"),
    Line("Wait p50, dashed", "w", "waitP50", dash=True),
    Line("Wait p95", "w", "waitP95"),
)


def time_ticks(values: Sequence[float | None]) -> Sequence[float]:
    """The lines of a log axis of times: round ones in ms, seconds, minutes or hours.

    Args:
        values: In ms, above zero; None is a gap.

    Returns:
        Two or more, the first not above the lowest value, the last not below the highest one.
    """
    found = [each for each in values if each]
    low, high = min(found, default=10.0), max(found, default=1_000.0)
    first = max((i for i, each in enumerate(_TIMES) if each <= low), default=0)
    last = min((i for i, each in enumerate(_TIMES) if each >= high), default=len(_TIMES) - 1)
    last = max(last, first + 1) if first + 1 < len(_TIMES) else last
    return _TIMES[min(first, last - 1) : last + 1]


def latency_chart(  # noqa: PLR0913 - what is drawn, and how
    points: Sequence[Mapping[str, Any]],
    lines: Sequence[Line],
    *,
    label: str,
    now: datetime,
    marks: Sequence[JsonDict] = (),
    height: int = 220,
) -> JsonDict:
    """How long things took, piece by piece, on a log axis; where nothing ended there is a gap.

    Args:
        points: As `get_series` returns them, two or more; all as far apart.
        lines: What is shown of them.
        label: What the chart says.
        now: The time.
        marks: Moments, each with `i` (its point, perhaps with a part of it) and `t` (words).
        height: In pixels.
    """
    shown = [[_rounded(each[line.of]) for each in points] for line in lines]
    levels = time_ticks([value for values in shown for value in values])
    return {
        "label": label,
        "h": height,
        "left": 52,
        "open": True,
        "log": True,
        "unit": "ms",
        "ticks": levels,
        "range": [levels[0], levels[-1]],
        "gaps": [each for each in gaps_of(shown) if each[0]],
        "marks": list(marks),
        **times_of(points, now=now),
        "series": [
            {"name": line.name, "type": "line", "c": line.colour, "dash": line.dash, "v": values}
            for line, values in zip(lines, shown, strict=True)
        ],
    }


def times_chart(
    points: Sequence[Mapping[str, Any]], *, label: str, now: datetime, height: int = 170
) -> JsonDict:
    """How long runs took and jobs waited, both in one chart.

    Args:
        points: As for `latency_chart`.
        label: What the chart says.
        now: The time.
        height: In pixels.
    """
    return latency_chart(points, _BOTH, label=label, now=now, height=height)


def gaps_of(lines: Sequence[Sequence[float | None]]) -> Sequence[tuple[int, int]]:
    """Where no line has a value: from which point, and until which one, which is not in it.

    Args:
        lines: All as long.
    """
    found: list[tuple[int, int]] = []
    for at, values in enumerate(zip(*lines, strict=True)):
        if any(each is not None for each in values):
            continue
        if found and found[-1][1] == at:
            found[-1] = (found[-1][0], at + 1)
        else:
            found.append((at, at + 1))
    return found


def _rounded(value: float | None) -> float | None:
    """Three figures are more than can be seen, and each one is sent; zero has no place."""
    return None if value is None else max(_TIMES[0], float(f"{value:.3g}"))
