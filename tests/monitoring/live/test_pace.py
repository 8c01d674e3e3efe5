from itertools import pairwise

import pytest

from monitoring.live.pace import Pace


@pytest.mark.parametrize(
    ("last", "quiet_for", "pause"),
    [(2, 0, 2), (2, 59.9, 2), (2, 60, 4), (4, 62, 8), (16, 90, 30), (30, 200, 30), (30, 0, 2)],
)
def test_after_a_minute_without_a_change_pauses_double_and_the_first_change_ends_that(
    last: float, quiet_for: float, pause: float
) -> None:
    assert Pace().next_pause(last, quiet_for=quiet_for) == pause


def test_a_pace_slower_than_the_longest_pause_stays() -> None:
    assert Pace(seconds=60).next_pause(60, quiet_for=1_000) == 60


def test_a_quiet_hour_costs_a_fifteenth_of_the_looks() -> None:
    at, pause, looks = 0.0, 2.0, [0.0]
    while at < 3_600:
        pause = Pace().next_pause(pause, quiet_for=at)
        at += pause
        looks.append(at)

    assert len(looks) < 160
    assert max(later - earlier for earlier, later in pairwise(looks)) == 30
