"""Charts of times, on a log axis."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.board.latencies import Line, gaps_of, latency_chart, time_ticks, times_chart

NOW = datetime(2026, 1, 15, 12, 30, tzinfo=UTC)
LINES = (Line("p95", "d", "runP95"), Line("p50", "r", "runP50", dash=True))


def points(*times: tuple[float | None, float | None]) -> list[dict[str, object]]:
    begin = datetime(2026, 1, 15, 12, tzinfo=UTC) - timedelta(hours=len(times) - 1)
    return [
        {"at": (begin + at * timedelta(hours=1)).isoformat(), "runP50": p50, "runP95": p95}
        for at, (p50, p95) in enumerate(times)
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], [10, 100, 1_000]),
        ([None, None], [10, 100, 1_000]),
        ([12, 800], [10, 100, 1_000]),
        ([10, 1_000], [10, 100, 1_000]),
        ([50], [10, 100]),
        ([0.02], [0.1, 1]),
        ([2_000, 90_000], [1_000, 10_000, 60_000, 600_000]),
        ([3_000_000, 7_200_000], [600_000, 3_600_000, 36_000_000]),
    ],
)
def test_the_lines_are_round_times_around_all_values(values, expected) -> None:
    assert list(time_ticks(values)) == expected


@pytest.mark.parametrize("value", [0.01, 0.1, 1, 9.99, 59_999, 60_000, 5e8, 3.6e9, 1e12])
def test_there_are_two_lines_at_least(value: float) -> None:
    assert len(time_ticks([value])) >= 2


def test_a_chart_of_times_says_its_axis_its_unit_and_its_range() -> None:
    spec = latency_chart(points((12, 400), (14, 600)), LINES, label="so", now=NOW)

    assert (spec["log"], spec["unit"], spec["open"]) == (True, "ms", True)
    assert spec["range"] == [spec["ticks"][0], spec["ticks"][-1]] == [10, 1_000]
    assert spec["series"][0] == {
        "name": "p95",
        "type": "line",
        "c": "d",
        "dash": False,
        "v": [400, 600],
    }
    assert spec["series"][1]["dash"]


def test_where_nothing_ended_there_is_a_gap() -> None:
    spec = latency_chart(points((1, 2), (None, None), (3, 4)), LINES, label="so", now=NOW)

    assert spec["gaps"] == [(1, 2)]
    assert spec["series"][0]["v"] == [2, None, 4]


def test_no_time_is_below_the_axis() -> None:
    spec = latency_chart(points((0.0, 0.05), (1, 2)), LINES, label="so", now=NOW)

    assert spec["series"][1]["v"][0] >= spec["range"][0]


def test_gaps_are_where_no_line_has_a_value_and_touch_only_as_one() -> None:
    assert gaps_of([[None, 1, None, None, 2], [None, None, None, None, 2]]) == [(0, 1), (2, 4)]
    assert gaps_of([[1, 2]]) == []


def test_run_and_wait_stand_in_one_chart_of_four_lines() -> None:
    both = [{**each, "waitP50": 1, "waitP95": 2} for each in points((1, 2), (3, 4))]
    spec = times_chart(both, label="so", now=NOW)

    assert [each["dash"] for each in spec["series"]] == [True, False, True, False]
