"""What the board calls the states of jobs can be searched for."""

import pytest

from monitoring.search.query import parse_query
from tests.board.failed import fail_workouts
from tests.monitoring.board.conftest import Read


@pytest.mark.parametrize(
    ("word", "state"),
    [("dead", "failed"), ("Succeeded", "completed"), ("cancelled", "canceled"), ("held", "held")],
)
def test_a_state_is_known_by_what_the_board_calls_it(now, word: str, state: str) -> None:
    assert parse_query(f"state:{word}", now=now).state == state
    assert parse_query(f"-state:{word}", now=now).without == (("state", state),)


def test_who_searches_for_the_dead_finds_and_counts_the_dead_letters(read: Read, redis) -> None:
    fail_workouts(redis, 2)

    assert "2 of 2" in read("/jobs?q=state:dead")
