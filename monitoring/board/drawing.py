"""What charts, bars and sparklines are drawn from. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import ceil, floor, log10
from typing import Any

from monitoring.board.wording import clock

JsonDict = dict[str, Any]

_FULL = 4_000  # jobs that fill a bar
_LEAST = 1.0  # of 100, so that a single job is seen
_GAP = 0.6
_LINES = 3
_DAY = 86_400


def load_bars(waiting: int, active: int, delayed: int) -> Sequence[tuple[str, str, str]]:
    """The parts of a bar: as long as the logarithm of the total, in the shares of the parts.

    Args:
        waiting: Jobs.
        active: Jobs.
        delayed: Jobs.

    Returns:
        Of each part that is not empty its class, its place and its width, of 100.
    """
    parts = [("w", waiting), ("r", active), ("d", delayed)]
    total = waiting + active + delayed
    if not total:
        return ()
    full = 100 * min(1.0, log10(1 + total) / log10(1 + _FULL))
    found, at = [], 0.0
    for kind, number in parts:
        if number:
            width = max(_LEAST, full * number / total)
            found.append((kind, f"{at:.1f}", f"{width:.1f}"))
            at += width + _GAP
    return found


def spark_path(values: Sequence[float | None]) -> str:
    """The line of a sparkline in a box of 100 by 26, from zero on.

    Args:
        values: Oldest first; None is a gap, which the line passes over.

    Returns:
        An SVG path; empty with less than two values.
    """
    if len(values) < 2:  # noqa: PLR2004 - a line has two points
        return ""
    most = max((each for each in values if each is not None), default=0.0) or 1.0
    step = 100 / (len(values) - 1)
    points = [
        f"{i * step:.0f} {25 - 23 * each / most:.0f}"
        for i, each in enumerate(values)
        if each is not None
    ]
    return f"M{'L'.join(points)}" if len(points) > 1 else ""


def under(line: str) -> str:
    """The area between a sparkline and zero.

    Args:
        line: As `spark_path` returns it; not empty.
    """
    first, last = (each.partition(" ")[0] for each in (line[1:], line.rpartition("L")[2]))
    return f"{line}L{last} 26L{first} 26Z"


def ticks(most: float, lines: int = _LINES) -> Sequence[float]:
    """The values of the horizontal lines, from zero to a round one not below the highest.

    Args:
        most: The highest value.
        lines: About how many, above zero.
    """
    if most <= 0:
        return [0, 1]
    rough = most / lines
    magnitude = 10.0 ** floor(log10(rough))
    step = next(each * magnitude for each in (1, 2, 5, 10) if each * magnitude >= rough)
    found = [i * step for i in range(ceil(most / step - 1e-9) + 1)]
    return [int(each) if each == int(each) else round(each, 6) for each in found]


def times_of(points: Sequence[Mapping[str, Any]], *, now: datetime) -> JsonDict:
    """What a chart says of its points' times: the words under it, the first, and how far apart.

    Args:
        points: Two or more, each with `at`, oldest first; all as far apart.
        now: The time.
    """
    begins = [datetime.fromisoformat(each["at"]) for each in points[:2]]
    seconds = int((begins[1] - begins[0]).total_seconds())
    is_long = seconds * len(points) > _DAY + seconds
    names = [_day(each["at"]) if is_long else clock(each["at"], now=now) for each in points]
    return {"x": axis(names), "t0": int(begins[0].timestamp() * 1000), "dt": seconds}


def _day(moment: str) -> str:
    at = datetime.fromisoformat(moment)
    return f"{at.day} {at:%b}"


def outcomes_chart(  # noqa: PLR0913 - what is drawn, and how
    points: Sequence[Mapping[str, Any]],
    *,
    label: str,
    now: datetime,
    marks: Sequence[JsonDict] = (),
    failed: str = "Failed",
    height: int = 190,
) -> JsonDict:
    """What succeeded and what failed, piece by piece.

    Args:
        points: As `get_series` returns them, two or more; all as far apart.
        label: What the chart says.
        now: The time.
        marks: Moments, each with `i` (its point), `t` (words) and perhaps `c`.
        failed: What the failures are called.
        height: In pixels.
    """
    highest = max((each["successful"] + each["failed"] for each in points), default=0)
    return {
        "label": label,
        "h": height,
        "left": 40,
        "open": True,
        "ticks": ticks(highest),
        "marks": list(marks),
        **times_of(points, now=now),
        "series": [
            {"name": "Succeeded", "c": "o", "v": [each["successful"] for each in points]},
            {"name": failed, "c": "f", "v": [each["failed"] for each in points]},
        ],
    }


def failures_chart(
    points: Sequence[Mapping[str, Any]], *, label: str, now: datetime, marks: Sequence[JsonDict]
) -> JsonDict:
    """How often something failed, piece by piece.

    Args:
        points: Each with `at` and `count`, oldest first, two or more.
        label: What the chart says.
        now: The time.
        marks: Moments, as for `outcomes_chart`.
    """
    begins = [datetime.fromisoformat(each["at"]) for each in points[:2]]
    return {
        "label": label,
        "h": 150,
        "left": 40,
        "open": True,
        "ticks": ticks(max(each["count"] for each in points)),
        "x": axis([clock(each["at"], now=now) for each in points]),
        "t0": int(begins[0].timestamp() * 1000),
        "dt": int((begins[1] - begins[0]).total_seconds()),
        "marks": list(marks),
        "series": [{"name": "Failed attempts", "c": "f", "v": [each["count"] for each in points]}],
    }


def axis(names: Sequence[str], most: int = 5) -> Sequence[str]:
    """The words under an axis: the first, the last, and some evenly between.

    Args:
        names: What each point is called.
        most: How many.
    """
    if len(names) <= most:
        return list(names)
    return [names[round(i * (len(names) - 1) / (most - 1))] for i in range(most)]


def point_of(moment: datetime, points: Sequence[Mapping[str, Any]]) -> int | None:
    """Which point a moment lies in; None if it is before all of them.

    Args:
        moment: Aware.
        points: Each with `at`, oldest first.
    """
    begins = [datetime.fromisoformat(each["at"]) for each in points]
    return next((i for i in reversed(range(len(begins))) if begins[i] <= moment), None)


def within(moment: datetime, points: Sequence[Mapping[str, Any]]) -> float | None:
    """Where on an axis a moment is, such as 22.5; None if it is before all points.

    Args:
        moment: Aware.
        points: Two or more, each with `at`, oldest first; all as far apart.
    """
    first, second = (datetime.fromisoformat(each["at"]) for each in points[:2])
    place = (moment - first) / (second - first)
    return round(min(place, float(len(points))), 2) if place >= 0 else None
