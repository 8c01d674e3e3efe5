"""When a job begins: a forecast that is true, or none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from monitoring.explain.facts import JobFacts, Places, QueueFacts
from monitoring.explain.places import read_places
from monitoring.explain.starts import starts_in
from monitoring.numbers.forecast import Forecast
from monitoring.queues.fleet import WorkerSnapshot
from monitoring.queues.snapshot import Counts
from workers import keys
from workers.clock import iso
from workers.pauses import Pause

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
WORKER = WorkerSnapshot("one", lists=("email",), state="busy")


def full(count: int, still: float) -> Places:
    """So many places, all taken, the last of them for so many seconds."""
    return Places(count, count, timedelta(seconds=still))


def seconds(
    places: Places, *, ahead: int = 0, a_minute: float = 6.0, started: int | None = None, **more
) -> float | None:
    """Until a job starts at so many runs a minute."""
    in_hands = places.taken if started is None else started
    counts = Counts(waiting=ahead + 1, started=in_hands)
    forecast = Forecast(counts.waiting, 1, a_minute)
    queue = QueueFacts("email", NOW, counts=counts, workers=[WORKER], forecast=forecast, **more)
    found = starts_in(JobFacts("7f3a", NOW, "waiting", queue, ahead=ahead, places=places))
    return None if found is None else found.total_seconds()


def test_the_next_one_starts_when_a_run_ends_if_no_place_is_free() -> None:
    assert seconds(full(2, still=1)) == 10.0
    assert seconds(full(2, still=1), ahead=2) == 30.0


def test_the_next_one_starts_at_once_if_a_place_is_free() -> None:
    assert seconds(Places(2, 1)) == 0.0
    assert seconds(Places(4, 1), ahead=2) == 0.0
    assert seconds(Places(4, 1), ahead=3) == 10.0


def test_what_workers_have_in_hand_and_not_begun_goes_first() -> None:
    assert seconds(Places(1, 0), ahead=10, a_minute=600, started=20) == 3.0
    assert seconds(full(1, still=0.6), ahead=10, a_minute=60, started=3) == 13.0


def test_places_that_other_queues_take_are_not_free() -> None:
    assert seconds(full(2, still=1), started=0) == 10.0


def test_there_is_no_forecast_once_no_run_ended_for_twice_as_long_as_one_takes() -> None:
    assert seconds(full(1, still=19)) == 10.0
    assert seconds(full(1, still=21)) is None
    assert seconds(full(2, still=39)) == 10.0
    assert seconds(full(2, still=41)) is None


def test_a_forecast_that_is_further_ahead_bears_a_longer_run() -> None:
    assert seconds(full(1, still=299), ahead=29) == 300.0
    assert seconds(full(1, still=301), ahead=29) is None


def test_one_long_run_among_many_short_ones_leaves_the_forecast_as_it_is() -> None:
    assert seconds(full(1, still=5), ahead=999, a_minute=600) == 100.0


def test_runs_that_are_as_long_as_usual_leave_the_forecast_as_it_is() -> None:
    assert seconds(full(10, still=60), a_minute=10) == 6.0


def test_a_pause_makes_nothing_of_how_long_nothing_began() -> None:
    paused = [Pause("queue", "email", "anna", "deploy", "2026-01-15T10:02:00+00:00")]

    assert seconds(full(1, still=3_600), pauses=paused) == 10.0


@pytest.fixture
def workers(redis: Redis) -> list[WorkerSnapshot]:
    """A worker of two places and one that does not tell, with three runs."""
    for job_id, ago in (("a", 40), ("b", 30), ("c", 20)):
        redis.hset(keys.job(job_id), "started_at", iso(NOW.timestamp() - ago))
    two = replace(WORKER, slots=2, running=("a", "b"))
    return [two, replace(WORKER, name="two", running=("c",))]


def test_places_are_full_since_the_last_run_began(redis: Redis, workers) -> None:
    found = read_places(workers, now=NOW, connection=redis)

    assert found == Places(3, 3, timedelta(seconds=20))


def test_nobody_asks_when_runs_began_while_a_place_is_free(redis: Redis, workers) -> None:
    free = replace(WORKER, name="three")

    assert read_places([*workers, free], now=NOW, connection=redis) == Places(4, 3)


def test_a_run_of_which_nobody_knows_when_it_began_says_nothing(redis: Redis, workers) -> None:
    redis.delete(keys.job("b"))

    assert read_places(workers, now=NOW, connection=redis) == Places(3, 3)
