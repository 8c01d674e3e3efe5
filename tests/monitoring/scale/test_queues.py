"""Where a backlog goes: simulated series with known rates, and the worker counts that follow."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from redis import Redis

from messages import NoteEnrichmentMessage
from monitoring.explain.facts import QueueFacts
from monitoring.explain.rules import queue_findings
from monitoring.numbers.depths import KEPT, read_depths, record_depths
from monitoring.numbers.forecast import Depth, Forecast, desired_workers, growth_per_minute
from monitoring.queues.snapshot import Counts, take_snapshot
from monitoring.scale.queues import Scale, Scales, read_scale, scale_of
from monitoring.scale.settings import ScaleSettings
from tests.monitoring.conftest import Register, log_in
from workers import By, enqueue_many, pause, watch_keys

BEGAN = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
EMAIL = ("email:high", "email", "email:low")
WITHIN = timedelta(minutes=5)


def simulated(
    *, backlog: int, arrive: float, each: float, workers: int, minutes: float = 3
) -> tuple[Sequence[Depth], Forecast]:
    """A queue, second by second, with random arrivals; looked at every 10 s.

    Args:
        backlog: Jobs at the start.
        arrive: Jobs that come in a minute.
        each: Jobs that one worker does in a minute.
        workers: How many there are.
        minutes: How long it is watched.
    """
    random = Random(7)
    waiting, done = float(backlog), 0.0
    depths = [Depth(BEGAN, backlog)]
    for second in range(1, int(minutes * 60) + 1):
        waiting += sum(random.random() < arrive / 6_000 for _ in range(100))
        worked = min(waiting, workers * each / 60 * random.uniform(0.5, 1.5))
        waiting, done = waiting - worked, done + worked
        if second % 10 == 0:
            depths.append(Depth(BEGAN + timedelta(seconds=second), int(waiting)))
    return depths, Forecast(int(waiting), workers, done / minutes, growth_per_minute(depths))


def test_a_backlog_that_shrinks_is_drained_when_the_series_says_within_30_percent() -> None:
    _, found = simulated(backlog=6_000, arrive=300, each=150, workers=6)

    assert found.arrives_per_minute == pytest.approx(300, rel=0.3)
    assert found.drains_in is not None
    left = found.waiting / (6 * 150 - 300)  # minutes, by the rates that the series was made of
    assert found.drains_in.total_seconds() / 60 == pytest.approx(left, rel=0.3)
    assert found.more_workers == 0


def test_a_backlog_that_grows_says_by_how_much_and_how_many_workers_are_missing() -> None:
    _, found = simulated(backlog=500, arrive=700, each=150, workers=2)

    assert found.grows_per_minute == pytest.approx(400, rel=0.3)
    assert found.more_workers == 3  # 700 a minute need five of 150
    assert found.drains_in is None


def test_a_queue_that_keeps_up_neither_grows_nor_drains() -> None:
    depths = [Depth(BEGAN + timedelta(seconds=10 * n), 40 + n % 2) for n in range(20)]

    found = Forecast(40, 2, 600.0, growth_per_minute(depths))

    assert found.is_steady
    assert (found.drains_in, found.more_workers) == (None, 0)


@pytest.mark.parametrize("depths", [[], [Depth(BEGAN, 5)], [Depth(BEGAN, 5), Depth(BEGAN, 9)]])
def test_less_than_two_moments_tell_nothing(depths: list[Depth]) -> None:
    assert growth_per_minute(depths) is None


def every_ten_seconds(*jobs: int) -> Sequence[Depth]:
    return [Depth(BEGAN + timedelta(seconds=10 * n), count) for n, count in enumerate(jobs)]


def test_a_burst_is_no_growth_once_it_is_worked_off() -> None:
    quiet, falling = [0] * 20, [300, 250, 200, 150]

    # For half a minute nobody can tell whether more will come.
    for known in (1, 2, 3):
        assert growth_per_minute(every_ten_seconds(*quiet, *falling[:known])) is None
    found = Forecast(150, 2, 300.0, growth_per_minute(every_ten_seconds(*quiet, *falling)))
    assert found.grows_per_minute == pytest.approx(-300)
    assert found.arrives_per_minute == pytest.approx(0)
    assert found.drains_in == timedelta(seconds=30)
    assert found.more_workers == 0


def test_a_queue_that_was_cleared_does_not_drain_by_that() -> None:
    grows = growth_per_minute(every_ten_seconds(*range(5_000, 5_100, 10), 0, 10, 20, 30, 40))

    assert grows == pytest.approx(60)


@pytest.mark.parametrize("rate", [20, 300])
def test_chance_makes_no_burst(rate: int) -> None:
    random, cut = Random(3), 0
    for _ in range(300):
        jobs = [1_000]
        for _ in range(18):  # three minutes of what comes and goes, both by chance
            flows = [sum(random.random() < rate / 600 for _ in range(100)) for _ in "+-"]
            jobs.append(jobs[-1] + flows[0] - flows[1])
        cut += growth_per_minute(every_ten_seconds(*jobs[:-3], *[jobs[-1]] * 3)) is None

    assert cut <= 1


def test_bursts_that_come_every_minute_are_a_flow() -> None:
    waves = [wave for _ in range(5) for wave in (300, 250, 200, 150, 100, 50)]

    found = growth_per_minute(every_ten_seconds(*waves))

    assert found == pytest.approx(0, abs=30)


def test_a_job_starts_when_those_ahead_of_it_are_done() -> None:
    found = Forecast(2_000, 6, 80.0)

    assert found.starts_in(1_840) == timedelta(minutes=23)
    assert Forecast(5, 1, 0.0).starts_in(4) is None


@pytest.mark.parametrize(
    ("forecast", "seconds", "workers"),
    [
        (Forecast(0, 3, 0.0, 0.0), None, 0),  # nothing to do, nothing comes
        (Forecast(7, 0, 0.0), None, 1),  # nothing is known: one
        (Forecast(600, 0, 0.0), 2.0, 4),  # 120 a minute, 30 by each
        (Forecast(500, 2, 100.0, 0.0), 1.0, 4),  # 100 come and 100 of the backlog, 50 by each
        (Forecast(0, 4, 90.0, 0.0), 2.0, 3),  # keeps up: 90 a minute, 30 by each
        (Forecast(1_000_000, 1, 60.0, 0.0), 1.0, 50),  # never more than are allowed
    ],
)
def test_the_workers_that_drain_a_queue_in_time(
    forecast: Forecast, seconds: float | None, workers: int
) -> None:
    assert desired_workers(forecast, run_seconds=seconds, within=WITHIN, most=50) == workers


def test_the_workers_that_are_asked_for_drain_a_simulated_queue_in_time() -> None:
    _, before = simulated(backlog=3_000, arrive=200, each=100, workers=3)
    wanted = desired_workers(before, run_seconds=None, within=WITHIN, most=50)

    _, after = simulated(backlog=before.waiting, arrive=200, each=100, workers=wanted, minutes=2)

    assert after.drains_in is not None
    whole = after.drains_in + timedelta(minutes=2)
    assert whole.total_seconds() == pytest.approx(WITHIN.total_seconds(), rel=0.3)


def test_growth_is_a_finding_only_where_much_waits() -> None:
    forecast = Forecast(1_204, 2, 100.0, 40.0)
    facts = QueueFacts("email", BEGAN, counts=Counts(waiting=1_204), forecast=forecast)

    (finding,) = queue_findings(facts)

    assert finding.what == (
        "email grows by 40 jobs a minute: 140 come in and 100 are done: add 1 worker."
    )
    assert queue_findings(replace(facts, counts=Counts(waiting=100))) == []


# --- on a real server ---------------------------------------------------------------------------


def fill(redis: Redis, count: int, queue: str = "email") -> None:
    enqueue_many(
        (NoteEnrichmentMessage.of("n") for _ in range(count)), queue=queue, connection=redis
    )


def test_one_sample_in_ten_seconds_is_kept_for_all_who_watch(redis: Redis) -> None:
    fill(redis, 3)
    snapshot = take_snapshot(connection=redis, queues=["email"])

    assert [record_depths(snapshot, connection=redis) for _ in range(3)] == [True, False, False]

    assert 8_000 < redis.pttl(watch_keys.watch_depths_turn()) <= 10_000
    found = read_depths(now=snapshot.time, connection=redis)
    assert found == {"email": [Depth(snapshot.time, 3)]}
    assert redis.ttl(watch_keys.watch_depths()) > 0


def test_the_history_is_capped_by_count_and_by_age(redis: Redis) -> None:
    snapshot = take_snapshot(connection=redis, queues=["email"])
    for ago in range(2 * KEPT, 0, -1):
        redis.delete(watch_keys.watch_depths_turn())
        moment = snapshot.time - timedelta(seconds=10 * ago)
        record_depths(replace(snapshot, time=moment), connection=redis)
    redis.rpush(watch_keys.watch_depths(), "no sample", '{"at": 1}')

    assert redis.llen(watch_keys.watch_depths()) == KEPT + 2
    assert len(read_depths(now=snapshot.time, connection=redis)["email"]) == 18  # of 3 minutes


def test_who_may_only_read_leaves_no_sample_and_still_gets_an_answer(own_server: Redis) -> None:
    reader = log_in(own_server, "reader", allowed=("+@read", "+@connection", "+info", "+time"))

    assert set(read_scale(connection=reader).as_json()) == {
        "timestamp",
        "desired_workers",
        "queues",
    }
    assert own_server.exists(watch_keys.watch_depths()) == 0


def test_scale_tells_each_queue_in_a_shape_that_keda_reads(
    redis: Redis, register: Register
) -> None:
    register(redis, *EMAIL)
    fill(redis, 30)

    found = read_scale(connection=redis).as_json()

    assert found["queues"]["email"] == {
        "desired_workers": 1,
        "workers": 1,
        "waiting": 30,
        "oldest_waiting_seconds": pytest.approx(0, abs=2),
        "done_per_minute": 0.0,
        "arrives_per_minute": 0.0,
        "grows_per_minute": None,
        "drains_in_seconds": None,
    }
    assert found["queues"]["default"]["desired_workers"] == 0
    assert found["desired_workers"] == 1


def test_the_growth_is_known_once_it_was_watched(redis: Redis, register: Register) -> None:
    register(redis, *EMAIL)
    fill(redis, 10)
    now = datetime.now(UTC)
    first = take_snapshot(connection=redis, queues=["email"])
    record_depths(replace(first, time=now - timedelta(seconds=30)), connection=redis)
    redis.delete(watch_keys.watch_depths_turn())
    fill(redis, 50)

    scale = read_scale(connection=redis).queues["email"]

    assert scale.forecast.grows_per_minute == pytest.approx(100, rel=0.1)


def test_a_queue_that_hardly_shrinks_grows_by_nothing() -> None:
    forecast = Forecast(0, 1, 1.0, -0.01)
    shown = Scales(BEGAN, {"email": Scale("email", 1, 0.0, forecast)}).as_json()

    assert str(shown["queues"]["email"]["grows_per_minute"]) == "0.0"


def test_a_paused_queue_keeps_the_workers_that_it_has(redis: Redis, register: Register) -> None:
    register(redis, *EMAIL)
    fill(redis, 500)
    pause("queue", "email", by=By("anna", "deploy"), connection=redis)

    assert read_scale(connection=redis).queues["email"].desired_workers == 1


def test_settings_bound_what_is_asked_for() -> None:
    forecast = Forecast(6_000, 1, 60.0, 0.0)
    facts = QueueFacts("email", BEGAN, forecast=forecast)

    def wanted(**settings: float) -> int:
        return scale_of(facts, ScaleSettings(**settings)).desired_workers

    assert wanted() == 21  # 60 come in and 1,200 of the backlog a minute, 60 by each
    assert wanted(scale_drain_seconds=600) == 11
    assert wanted(scale_most_workers=5) == 5
