"""With 20,000 jobs in 200 queues every page costs a few round trips and no long command.

`python3 run bench --monitoring` does the same with a million, and measures times.
"""

import pytest

from benchmarks.crowd import SOME
from benchmarks.looking import MOST_TRIPS
from benchmarks.watched import Watched, watch

LONGEST_MEAN = 1_000  # microseconds; the mean, because a busy machine makes any one command wait


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    return watch(SOME, each=1, folder=tmp_path_factory.mktemp("crowd"))


def test_every_page_is_answered(watched: Watched) -> None:
    answers = {each.path: each.status for each in watched.looks if each.status}

    assert {path: status for path, status in answers.items() if status != 200} == {
        "/api/failures/{fingerprint}": 404,  # nothing has failed
        "/failures/{fingerprint}": 404,
    }
    assert len(answers) >= 25


def test_no_page_needs_more_than_twenty_round_trips(watched: Watched) -> None:
    assert {each.path: each.trips for each in watched.looks if each.trips > MOST_TRIPS} == {}


def test_no_command_keeps_the_server_busy(watched: Watched) -> None:
    command, microseconds = watched.slowest_us

    assert microseconds < LONGEST_MEAN, command
