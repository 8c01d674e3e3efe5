"""What the past costs: against the sizes of all keys, added up one by one."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from monitoring.history import get_history_cost
from monitoring.history.ended_jobs import _picks
from monitoring.history.kinds import Saving
from monitoring.history.proposals import fewer, shorter, told_savings
from monitoring.history.rounds import spread
from tests.monitoring.counted import note
from tests.monitoring.trips import counting
from tests.workers.conftest import message
from tests.workers.letters import bury_many, email
from workers import By, enqueue, keys, publish
from workers.clock import iso
from workers.settings import Settings

DAY = 86_400
KEPT = Settings(result_ttl=7 * DAY, failure_ttl=30 * DAY, keep_finished=200, keep_failed=100)
JsonDict = dict[str, Any]


def kind_of(found: JsonDict, name: str) -> JsonDict:
    (kind,) = (each for each in found["kinds"] if each["kind"] == name)
    return kind


def saving_of(found: JsonDict, setting: str) -> JsonDict | None:
    return next((each for each in found["savings"] if each["setting"] == setting), None)


def exactly(redis: Redis, *patterns: str) -> int:
    """All keys of some patterns, each measured as exactly as Redis can."""
    every = {key for pattern in patterns for key in redis.keys(pattern)}
    return sum(redis.memory_usage(key, samples=0) for key in every)


def ended(
    redis: Redis, count: int, *, place: Callable[[str], str], left: Callable[[int], int]
) -> None:
    """Jobs in the lists of three queues, the oldest first, with a result or a log now and then."""
    for number in range(count):
        name = ("email", "email:high", "reports")[number % 3]
        job_id = f"{place('')}{number:06}".replace(":", "-")
        record = {"status": "x", "origin": name, "created_at": iso(number), "data": "d" * 300}
        redis.hset(keys.job(job_id), mapping=record)
        redis.expire(keys.job(job_id), left(number))
        if place is keys.without_result:
            redis.rpush(place(name), job_id)
        else:
            redis.zadd(place(name), {job_id: number})
            redis.xadd(keys.result(job_id), {"type": "1", "return_value": "r" * 200})
        if number % 4 == 0:
            redis.rpush(keys.job_log(job_id), "l" * 150)
        redis.sadd(keys.queues(), keys.queue(name))


def evenly(count: int, ttl: int) -> Callable[[int], int]:
    """What is left of their time: nearly none of the first one's, nearly all of the last one's."""
    return lambda number: (number + 1) * ttl // (count + 1)


@pytest.fixture
def finished(redis: Redis) -> Redis:
    ended(redis, 600, place=keys.finished, left=evenly(600, 7 * DAY))
    return redis


def test_of_nothing_the_past_costs_nothing(redis: Redis) -> None:
    found = get_history_cost(connection=redis)

    assert found["historyBytes"] == 0
    assert {each["entries"] for each in found["kinds"]} == {0}
    assert found["savings"] == []
    assert found["usedBytes"] > 0


def test_ended_jobs_cost_what_their_keys_take(finished: Redis) -> None:
    found = get_history_cost(connection=finished, settings=KEPT)

    jobs, results, logs = (kind_of(found, name) for name in ("finishedJobs", "results", "jobLogs"))
    assert (jobs["entries"], results["entries"]) == (600, 600)
    assert logs["entries"] == pytest.approx(150, rel=0.3)
    assert jobs["bytes"] == pytest.approx(exactly(finished, "rq:job:*", "rq:finished:*"), rel=0.1)
    assert results["bytes"] == pytest.approx(exactly(finished, "rq:results:*"), rel=0.1)
    assert logs["bytes"] == pytest.approx(exactly(finished, "postroom:log:*"), rel=0.3)
    assert (jobs["sampled"], logs["sampled"]) == (["bytes"], ["entries", "bytes"])
    assert jobs["measuredKeys"] == 60
    assert jobs["settings"] == {
        "RESULT_TTL": 7 * DAY,
        "KEEP_FINISHED": 200,
        "KEEP_PAYLOAD": "all",
    }


def test_a_shorter_time_saves_what_is_older(finished: Redis) -> None:
    found = get_history_cost(connection=finished, settings=KEPT)

    saving = saving_of(found, "RESULT_TTL")
    assert saving is not None
    every = exactly(finished, "rq:job:*", "rq:results:*", "postroom:log:*")
    assert saving["instead"] == 3 * DAY
    assert saving["bytes"] == pytest.approx(every * 4 / 7, rel=0.1)
    begin = "Keeping finished jobs 3 d instead of 7 d saves about "
    assert re.fullmatch(rf"{begin}\d+\.\d kB", saving["says"].rstrip("."))


def test_it_saves_nothing_where_nothing_is_that_old(redis: Redis) -> None:
    ended(redis, 30, place=keys.finished, left=lambda _: 7 * DAY - 60)
    found = get_history_cost(connection=redis, settings=KEPT)

    assert saving_of(found, "RESULT_TTL") is None


def test_a_lower_count_saves_what_each_list_has_above_it(redis: Redis) -> None:
    ended(redis, 600, place=keys.without_result, left=lambda _: DAY)
    ended(redis, 30, place=keys.failed, left=lambda _: DAY)
    found = get_history_cost(connection=redis, settings=KEPT)

    saving = saving_of(found, "KEEP_FINISHED")
    assert saving is not None
    jobs = exactly(redis, "rq:job:*", "postroom:log:*", "postroom:finished:*") * 600 / 630
    assert (saving["value"], saving["instead"]) == (200, 100)
    assert saving["bytes"] == pytest.approx(jobs / 2, rel=0.15)
    assert saving_of(found, "KEEP_FAILED") is None  # ten a list


def test_messages_of_finished_jobs_are_what_keep_payload_saves(finished: Redis) -> None:
    found = get_history_cost(connection=finished, settings=KEPT)

    saving = saving_of(found, "KEEP_PAYLOAD")
    assert saving is not None
    assert (saving["instead"], saving["bytes"]) == ("failures", 600 * 300)
    without = KEPT.model_copy(update={"keep_payload": "failures"})
    again = get_history_cost(connection=finished, settings=without)
    assert saving_of(again, "KEEP_PAYLOAD") is None


def test_dead_letters_cost_their_text_and_their_place(redis: Redis) -> None:
    now = datetime.now(UTC).timestamp()
    bury_many(
        redis, 300, at=lambda n: datetime.fromtimestamp(now - (300 - n) * DAY * 89 / 300, UTC)
    )
    found = get_history_cost(connection=redis)

    letters = kind_of(found, "deadLetters")
    every = exactly(redis, "postroom:dead", "postroom:dead:*", "postroom:dead-index")
    assert letters["entries"] == 300
    assert letters["bytes"] == pytest.approx(every, rel=0.1)
    saving = saving_of(found, "DEAD_LETTER_DAYS")
    assert saving is not None
    assert saving["instead"] == 30
    assert saving["bytes"] == pytest.approx(letters["bytes"] * 59 / 89, rel=0.05)
    assert saving["says"].startswith("Keeping dead letters 30 days instead of 90 saves about")


def test_buckets_cost_what_is_there_of_them(redis: Redis) -> None:
    redis.sadd(keys.queues(), keys.queue("email"))
    note(redis, ("email|EMAIL", "", "finished", 1_000, 10))
    found = get_history_cost(connection=redis)

    days = kind_of(found, "dayBuckets")
    assert days["entries"] == 1
    assert days["limit"] == "90 days"
    assert days["sampled"] == ["entries", "bytes"]
    assert kind_of(found, "minuteBuckets")["entries"] <= 6


def test_old_buckets_are_measured_with_their_histograms(redis: Redis) -> None:
    redis.sadd(keys.queues(), keys.queue("email"))
    today = int(datetime.now(UTC).timestamp()) // DAY
    for ago in range(0, 90, 2):
        begin = (today - ago) * DAY
        redis.hset(keys.stats("d", begin), mapping={f"email|EMAIL|{n}|n": 1 for n in range(50)})
        runs = {f"EMAIL|x|run:{n}": 1 for n in range(90)}
        redis.hset(keys.times("d", begin, "email"), mapping=runs)
    found = get_history_cost(connection=redis)

    days = kind_of(found, "dayBuckets")
    assert days["entries"] == 45
    assert days["bytes"] == pytest.approx(
        exactly(redis, "postroom:stats:d:*", "postroom:times:d:*"), rel=0.25
    )


def test_streams_the_index_and_the_audit_log_are_told(redis: Redis) -> None:
    for number in range(20):
        enqueue(email(number), connection=redis)
        publish(message(), stream="jobs:guild:7:message_scan", connection=redis)
        By("ann", "to have one").record("queue.pause", target="email", connection=redis)
    few = Settings(stream_limit=10, index_jobs=20)
    found = get_history_cost(connection=redis, settings=few)

    streams, index = kind_of(found, "streams"), kind_of(found, "searchIndex")
    assert (streams["entries"], index["entries"]) == (20, 20)
    assert streams["bytes"] == pytest.approx(exactly(redis, "jobs:guild:*"), rel=0.1)
    assert index["bytes"] == pytest.approx(exactly(redis, "postroom:index:*"), rel=0.1)
    assert kind_of(found, "auditLog")["entries"] == 20
    saved = {name: saving_of(found, name)["bytes"] for name in ("STREAM_LIMIT", "INDEX_JOBS")}
    assert saved["STREAM_LIMIT"] == pytest.approx(streams["bytes"] * 3 / 4, rel=0.01)
    assert saved["INDEX_JOBS"] == pytest.approx(index["bytes"] / 2, rel=0.01)


def test_it_takes_four_round_trips_however_much_there_is(redis: Redis, redis_server) -> None:
    ended(redis, 90, place=keys.finished, left=lambda _: DAY)
    with counting(redis_server.url) as client:
        get_history_cost(connection=client)

        assert client.trips == 4


def test_a_key_that_is_something_else_counts_as_nothing(redis: Redis) -> None:
    redis.sadd(keys.queues(), keys.queue("email"))
    redis.set(keys.finished("email"), "no set")
    redis.set(keys.audit(), "no stream")

    assert kind_of(get_history_cost(connection=redis), "finishedJobs")["entries"] == 0


@pytest.mark.parametrize(
    ("seconds", "instead"),
    [(0, 0), (3_600, 1_800), (7_200, 3_600), (DAY, 12 * 3_600), (7 * DAY, 3 * DAY)],
)
def test_the_other_time_is_a_usual_one_and_at_most_half(seconds: int, instead: int) -> None:
    assert shorter(seconds) == instead


def test_savings_of_one_setting_are_added_up_and_the_most_comes_first() -> None:
    savings = [Saving("RESULT_TTL", 1, 5), Saving("KEEP_FAILED", 5, 9), Saving("RESULT_TTL", 1, 6)]
    told = told_savings(savings, {"RESULT_TTL": 3, "KEEP_FAILED": 10})

    assert [(each["setting"], each["bytes"]) for each in told] == [
        ("RESULT_TTL", 11),
        ("KEEP_FAILED", 9),
    ]
    wanted = "Keeping 5 failed jobs of each list instead of 10 saves about 9 bytes."
    assert told[1]["says"] == wanted


@pytest.mark.parametrize("period", [2, 3, 4, 5, 7, 10])
def test_a_sample_meets_what_comes_again_and_again_as_often_as_it_does(period: int) -> None:
    places = spread(10_020, 100)

    assert [each * 100 // 10_020 for each in places] == list(range(100))
    assert sum(each % period == 0 for each in places) == pytest.approx(100 / period, abs=9)


def test_of_few_all_are_taken() -> None:
    assert list(spread(3, 5)) == [0, 1, 2]
    assert fewer(150, least=100) == 100
    assert _picks([0, 2, 0, 3]) == [(1, 0), (1, 1), (3, 0), (3, 1), (3, 2)]
