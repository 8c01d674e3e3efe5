"""What charts, bars and sparklines are drawn from."""

from datetime import UTC, datetime, timedelta
from math import log10
from typing import Any

import pytest

from monitoring.board import drawing

NOW = datetime(2026, 1, 15, 12, 30, tzinfo=UTC)


def points(count: int, apart: timedelta, **values: Any) -> list[dict[str, Any]]:
    begin = datetime(2026, 1, 15, 12, tzinfo=UTC) - (count - 1) * apart
    known = {"successful": 0, "failed": 0} | values
    return [{"at": (begin + at * apart).isoformat(), **known} for at in range(count)]


class TestLoadBars:
    def test_nothing_has_no_bar(self) -> None:
        assert drawing.load_bars(0, 0, 0) == ()

    def test_the_bar_is_as_long_as_the_logarithm_of_the_total(self) -> None:
        ((kind, place, width),) = drawing.load_bars(40, 0, 0)

        assert (kind, place) == ("w", "0.0")
        assert float(width) == pytest.approx(100 * log10(41) / log10(4_001), abs=0.05)

    def test_more_than_4000_fill_it(self) -> None:
        assert drawing.load_bars(0, 1_000_000, 0) == [("r", "0.0", "100.0")]

    def test_parts_have_their_shares_and_stand_one_behind_the_other(self) -> None:
        waiting, delayed = drawing.load_bars(300, 0, 100)

        assert float(waiting[2]) == pytest.approx(3 * float(delayed[2]), abs=0.2)
        assert float(delayed[1]) == pytest.approx(float(waiting[2]) + 0.6, abs=0.1)

    def test_a_single_job_among_many_is_seen(self) -> None:
        assert drawing.load_bars(4_000, 1, 0)[1][2] == "1.0"


class TestSparkPath:
    @pytest.mark.parametrize("values", [[], [1.0], [None, 1.0], [None, None]])
    def test_less_than_two_values_make_no_line(self, values: list[float | None]) -> None:
        assert drawing.spark_path(values) == ""

    def test_it_goes_from_edge_to_edge_and_from_zero_to_the_highest(self) -> None:
        assert drawing.spark_path([0, 5, 10]) == "M0 25L50 14L100 2"

    def test_it_passes_over_gaps(self) -> None:
        assert drawing.spark_path([0, None, 10]) == "M0 25L100 2"

    def test_zeros_lie_on_the_ground(self) -> None:
        assert drawing.spark_path([0, 0]) == "M0 25L100 25"

    def test_the_area_reaches_down_to_zero_where_the_line_is(self) -> None:
        line = drawing.spark_path([None, 0, 10])

        assert drawing.under(line) == f"{line}L100 26L50 26Z"


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (0, [0, 1]),
        (3, [0, 1, 2, 3]),
        (10, [0, 5, 10]),
        (100, [0, 50, 100]),
        (13_400, [0, 5_000, 10_000, 15_000]),
        (0.6, [0, 0.2, 0.4, 0.6]),
    ],
)
def test_lines_stand_at_round_values_up_to_the_highest(most: float, expected: list[float]) -> None:
    assert drawing.ticks(most) == expected


def test_an_axis_has_the_first_the_last_and_some_between() -> None:
    assert drawing.axis(["a", "b"]) == ["a", "b"]
    assert drawing.axis([str(each) for each in range(25)]) == ["0", "6", "12", "18", "24"]


class TestOutcomesChart:
    def test_it_stacks_what_failed_on_what_succeeded(self) -> None:
        spec = drawing.outcomes_chart(
            points(3, timedelta(minutes=1), successful=7, failed=2), label="so", now=NOW
        )

        assert [(each["name"], each["v"]) for each in spec["series"]] == [
            ("Succeeded", [7, 7, 7]),
            ("Failed", [2, 2, 2]),
        ]
        assert (spec["ticks"][-1], spec["dt"], spec["open"]) == (10, 60, True)
        assert spec["x"] == ["11:58", "11:59", "12:00"]

    def test_its_first_point_is_told_in_milliseconds(self) -> None:
        spec = drawing.outcomes_chart(points(2, timedelta(hours=1)), label="so", now=NOW)

        assert spec["t0"] == datetime(2026, 1, 15, 11, tzinfo=UTC).timestamp() * 1000
        assert spec["dt"] == 3600

    def test_longer_than_a_day_the_axis_names_days(self) -> None:
        spec = drawing.outcomes_chart(points(30, timedelta(days=1)), label="so", now=NOW)

        assert (spec["x"][0], spec["x"][-1]) == ("17 Dec", "15 Jan")


class TestMoments:
    def test_a_moment_lies_in_the_last_point_that_began_before_it(self) -> None:
        hours = points(3, timedelta(hours=1))

        assert drawing.point_of(NOW, hours) == 2
        assert drawing.point_of(NOW - timedelta(hours=1), hours) == 1
        assert drawing.point_of(NOW - timedelta(days=1), hours) is None

    def test_on_an_axis_it_lies_between_two_points(self) -> None:
        hours = points(3, timedelta(hours=1))

        assert drawing.within(NOW - timedelta(hours=1), hours) == 1.5
        assert drawing.within(NOW + timedelta(days=9), hours) == 3
        assert drawing.within(NOW - timedelta(days=9), hours) is None
