"""Counters never go down: not when buckets expire, when another process scrapes, or none does."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from monitoring.numbers.spans import SECONDS
from monitoring.prometheus import Exposition
from monitoring.prometheus.counting import STORED_EVERY, pieces_between
from monitoring.prometheus.labels import OTHER, Seats
from monitoring.prometheus.totals import BOUNDARIES, Spread, Totals
from tests.monitoring.conftest import log_in
from tests.monitoring.scrapes import scrape
from workers import keys, watch_keys

NOON = datetime(2026, 1, 15, 12, 0, 30, tzinfo=UTC)


def end(redis: Redis, at: datetime, count: int = 1, stat: str = "email|EMAIL|finished") -> None:
    """Count runs of 20 ms as `workers/lua/ending.lua` does, at a time of our choice."""
    seconds = int(at.timestamp())
    for resolution, length in SECONDS.items():
        begin = seconds - seconds % length
        redis.hincrby(keys.stats(resolution, begin), f"{stat}|n", count)
        redis.hincrby(keys.stats(resolution, begin), f"{stat}|run", count * 20_000)
        queue, kind, outcome = stat.split("|")
        redis.hincrby(keys.times(resolution, begin, queue), f"{kind}|{outcome}|run:109", count)


def forget_buckets(redis: Redis) -> None:
    """As if all of them had expired."""
    for key in [*redis.scan_iter(keys.stats("*", 0)[:-1] + "*")]:
        redis.unlink(key)
    for pattern in (keys.stats("[mhd]", 0)[:-1] + "*", keys.times("[mhd]", 0, "")[:-2] + "*"):
        for key in redis.scan_iter(pattern):
            redis.unlink(key)


def finished(at: Redis | Exposition, now: datetime, kind: str = "EMAIL") -> float:
    found = scrape(at, now)
    jobs = found.named("jobs_total").get(("finished", "email", kind), 0.0)
    assert found.named("job_run_seconds_count").get((kind,), 0.0) == jobs
    return jobs


@pytest.fixture
def exposition(redis: Redis) -> Exposition:
    return Exposition(connection=redis)


def test_what_ends_is_counted_once_however_often_somebody_looks(redis, exposition):
    seen, at = [], NOON
    for minute in range(25):
        at = NOON + timedelta(minutes=minute)
        end(redis, at, minute)
        seen += [finished(exposition, at), finished(exposition, at + timedelta(seconds=20))]

    sums = [sum(range(minute + 1)) for minute in range(25) for _ in range(2)]
    assert seen == sums


def test_counters_stay_when_their_buckets_have_expired(redis, exposition):
    end(redis, NOON, 7)
    assert finished(exposition, NOON) == 7
    later = NOON + timedelta(minutes=25)
    assert finished(exposition, later) == 7

    forget_buckets(redis)

    assert finished(exposition, later + timedelta(days=100)) == 7
    assert finished(Exposition(connection=redis), later + timedelta(days=100)) == 7


def test_all_processes_tell_the_same_whenever_they_began(redis):
    old, at = Exposition(connection=redis), NOON
    finished(old, NOON)
    for minute in range(1, 95, 3):
        at = NOON + timedelta(minutes=minute)
        end(redis, at, minute)
        if minute % 4 == 0:
            assert finished(old, at) == finished(Exposition(connection=redis), at)

    assert finished(old, at) == finished(Exposition(connection=redis), at) == sum(range(1, 95, 3))


def test_of_several_that_would_store_a_sum_one_does(redis):
    processes = [Exposition(connection=redis) for _ in range(3)]
    end(redis, NOON, 5)
    for each in processes:
        finished(each, NOON)
    end(redis, NOON + timedelta(minutes=5), 2)

    later = NOON + timedelta(minutes=30)
    assert [finished(each, later) for each in processes] == [7, 7, 7]

    stored = Totals.from_json(redis.hget(watch_keys.watch_totals(), "totals"))
    assert stored.jobs["email", "EMAIL", "finished"] == 7
    assert int(redis.hget(watch_keys.watch_totals(), "until")) == int(NOON.timestamp()) + 1770


def test_nobody_scrapes_for_three_days_and_nothing_is_missing(redis, exposition):
    finished(exposition, NOON)
    times = [
        timedelta(minutes=3),
        timedelta(hours=5),
        timedelta(days=1),
        timedelta(days=2, hours=9),
    ]
    for after in times:
        end(redis, NOON + after, 10)

    late = NOON + timedelta(days=3, hours=1)
    assert finished(exposition, late) == finished(Exposition(connection=redis), late) == 40


def test_an_emptied_server_starts_the_counting_anew(redis, exposition):
    end(redis, NOON, 7)
    finished(exposition, NOON)
    finished(exposition, NOON + timedelta(minutes=30))

    redis.flushdb()
    end(redis, NOON + timedelta(minutes=31), 2)

    assert finished(exposition, NOON + timedelta(minutes=32)) == 2


def test_a_stored_sum_that_nobody_can_read_is_replaced(redis, exposition):
    reaches = int(NOON.timestamp()) // STORED_EVERY * STORED_EVERY
    redis.hset(watch_keys.watch_totals(), mapping={"until": reaches - 3600, "totals": "{broken"})
    end(redis, NOON, 3)

    assert finished(exposition, NOON) == 3
    Totals.from_json(redis.hget(watch_keys.watch_totals(), "totals"))


def test_who_may_not_write_counts_for_itself_and_never_down(own_server: Redis):
    reader = Exposition(connection=log_in(own_server, "reader", allowed=("-@all", "+@read")))
    end(own_server, NOON, 4)
    seen = [finished(reader, NOON)]
    seen.append(finished(reader, NOON + timedelta(minutes=30)))
    forget_buckets(own_server)
    seen.append(finished(reader, NOON + timedelta(minutes=60)))

    assert (seen, own_server.exists(watch_keys.watch_totals())) == ([4, 4, 4], 0)


# --- pure ---------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_pieces_of_a_span_are_exactly_it(begin: int, minutes: int):
    start = 1_768_435_200 + begin * 60
    end_at = start + minutes * 60

    def seconds() -> Iterator[tuple[int, int]]:
        for resolution, at in pieces_between(start, end_at):
            assert at % SECONDS[resolution] == 0
            yield at, at + SECONDS[resolution]

    reached = start if minutes * 60 <= 6 * 86_400 else -(-start // 3600) * 3600
    for begins, ends in seconds():
        assert begins == reached
        reached = ends
    assert reached == max(end_at, reached)
    assert all(
        any(at == due for _, at in pieces_between(start, end_at)) or due in {start, end_at}
        for due in [end_at // STORED_EVERY * STORED_EVERY]
        if due > start
    )


def test_a_time_stands_below_the_boundary_that_is_nearest():
    spread = Spread()
    spread.add({0: 1, 109: 2, 900: 4}, 5)  # up to 0.1 ms, about 20 ms, years

    assert spread.counts == [1, 0, 2, *[0] * (len(BOUNDARIES) - 3), 4]


def test_sums_come_back_from_their_text():
    totals = Totals(jobs=Counter({("email", "EMAIL", "finished"): 3}))
    totals.queues.of("email")
    totals.times["run", "EMAIL"] = Spread([1, 2, *[0] * 14], 12)

    again = Totals.from_json(totals.as_json())

    assert (again.jobs, again.times, again.queues.taken) == (
        totals.jobs,
        totals.times,
        ("email",),
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"queues":[],"types":[],"jobs":[1]}', "null"])
def test_a_text_that_is_no_sum_is_refused(text: str):
    with pytest.raises(ValueError):  # noqa: PT011 - whichever way it is broken
        Totals.from_json(text)


def test_who_comes_too_late_for_a_label_is_other_and_nobody_loses_one():
    seats = Seats(2, ["a"])

    assert [seats.of(name) for name in ("b", "c", "a", "c", "d")] == ["b", OTHER, "a", OTHER, OTHER]
    assert (seats.taken, seats.folded) == (("a", "b"), 2)
