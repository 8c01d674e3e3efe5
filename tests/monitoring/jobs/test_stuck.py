"""Stuck jobs: the table of requirement 001 at its borders, and what the table alone would miss."""

import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from messages import MessageScanMessage, NoteEnrichmentMessage
from monitoring.jobs.stuck import get_stuck_jobs, judge
from tests.workers.takers import Taker
from workers import JobHandle, enqueue, keys, publish, stream_keys
from workers.record import JOB_FUNCTION
from workers.streams.consumers import keep_alive

BEGAN = datetime(2026, 1, 22, 10, 0, tzinfo=UTC)
KEYS = {
    *("jobId", "queueName", "jobName", "stuckDuration", "severity", "startedAt", "data"),
    *("attemptsMade", "reason", "entryId", "policy"),
}


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.mark.parametrize(
    ("duration", "severity"),
    [
        (timedelta(minutes=9, seconds=59), None),
        (minutes(10), "low"),
        (timedelta(minutes=29, seconds=59), "low"),
        (minutes(30), "medium"),
        (timedelta(minutes=59, seconds=59), "medium"),
        (minutes(60), "high"),
        (timedelta(minutes=119, seconds=59), "high"),
        (minutes(120), "critical"),
    ],
)
def test_the_table_of_the_requirement_at_its_borders(
    duration: timedelta, severity: str | None
) -> None:
    verdict = judge(duration)

    assert (verdict.severity if verdict else None) == severity
    assert verdict is None or verdict.reason == "running_long"


@pytest.mark.parametrize(
    ("seconds", "usual", "reason"),
    [(60, 1, None), (61, 1, "slower_than_usual"), (61, 21, None), (64, 21, "slower_than_usual")],
)
def test_a_job_three_times_as_slow_as_its_like_is_stuck_after_a_minute(
    seconds: float, usual: float, reason: str | None
) -> None:
    verdict = judge(timedelta(seconds=seconds), usual=timedelta(seconds=usual))

    assert (verdict.reason if verdict else None) == reason
    assert verdict is None or verdict.severity == "low"


@pytest.mark.parametrize(("seconds", "found"), [(14, None), (16, ("low", "past_timeout"))])
def test_a_job_past_its_timeout_is_stuck_once_its_worker_should_have_killed_it(
    seconds: float, found: tuple[str, str] | None
) -> None:
    verdict = judge(timedelta(seconds=seconds), timeout=timedelta(seconds=10))

    assert (verdict and (verdict.severity, verdict.reason)) == found


def test_an_abandoned_job_is_stuck_however_short_it_ran_and_keeps_the_severity_of_the_table() -> (
    None
):
    assert judge(timedelta(), abandoned=True) is not None
    old = judge(minutes(61), abandoned=True)
    assert old is not None
    assert (old.severity, old.reason) == ("high", "abandoned")


# --- on a real server ---------------------------------------------------------------------------


@pytest.fixture
def run(redis: Redis) -> Callable[..., tuple[JobHandle, Taker]]:
    """Send a message and have a worker run it since a moment: the lease and all are real."""

    def _run(began: datetime = BEGAN, **options: object) -> tuple[JobHandle, Taker]:
        message = NoteEnrichmentMessage.of("n")
        handle = enqueue(message, queue="default", connection=redis, **options)
        taker = Taker(redis, "default")
        (lease,) = taker.lease()
        assert taker.leases.show(lease, started=began.timestamp(), ttl=90)
        return handle, taker

    return _run


def stuck(redis: Redis, after: timedelta) -> list[dict]:
    return get_stuck_jobs(connection=redis, now=BEGAN + after)


def alive_at(redis: Redis, taker: Taker, moment: datetime) -> None:
    redis.zadd(keys.holders(), {taker.holder: moment.timestamp() * 1000 + 15_000})


@pytest.mark.parametrize(
    ("after", "severity"),
    [(minutes(30), "medium"), (minutes(60), "high"), (minutes(120), "critical")],
)
def test_a_job_that_runs_for_long_is_told_in_the_shape_of_the_requirement(
    redis: Redis, run, after: timedelta, severity: str
) -> None:
    handle, taker = run(timeout=86_400)
    alive_at(redis, taker, BEGAN + after)

    (row,) = stuck(redis, after)

    assert set(row) == KEYS
    assert row == {
        "jobId": handle.id,
        "queueName": "default",
        "jobName": "NOTE_ENRICHMENT",
        "stuckDuration": int(after.total_seconds() * 1000),
        "severity": severity,
        "startedAt": "2026-01-22T10:00:00.000Z",
        "data": {"noteId": "n"},
        "attemptsMade": 1,
        "entryId": None,
        "reason": "running_long",
        "policy": {"action": "report", "at": None, "done": None, "why": None},
    }


def test_the_defaults_kill_a_job_before_ten_minutes_so_its_timeout_is_told(redis, run) -> None:
    _, taker = run()
    alive_at(redis, taker, BEGAN + minutes(10.2))

    assert [row["reason"] for row in stuck(redis, minutes(10.2))] == ["past_timeout"]


def test_a_job_that_has_just_begun_is_not_stuck_and_nothing_is_without_jobs(redis, run) -> None:
    assert stuck(redis, minutes(1)) == []

    _, taker = run(timeout=3_600)
    alive_at(redis, taker, BEGAN + minutes(9))

    assert stuck(redis, minutes(9)) == []


def test_the_longest_come_first(redis, run) -> None:
    young, first = run(BEGAN + minutes(20), timeout=86_400)
    old, second = run(BEGAN, timeout=86_400)
    for taker in (first, second):
        alive_at(redis, taker, BEGAN + minutes(40))

    assert [row["jobId"] for row in stuck(redis, minutes(40))] == [old.id, young.id]


def test_a_job_whose_worker_vanished_is_told_though_it_never_was_seen_to_run(redis: Redis) -> None:
    handle = enqueue(NoteEnrichmentMessage.of("n"), queue="default", connection=redis)
    taker = Taker(redis, "default")
    taker.lease()
    assert get_stuck_jobs(connection=redis) == []

    later = datetime.now(UTC) + timedelta(seconds=40)
    (row,) = get_stuck_jobs(connection=redis, now=later)

    assert (row["jobId"], row["reason"], row["severity"]) == (handle.id, "abandoned", "low")
    assert row["stuckDuration"] == pytest.approx(25_000, abs=2_000)  # its lease was for 15 s
    assert row["startedAt"].endswith("Z")


def test_a_job_slower_than_its_like_is_told_by_the_counters_of_the_day(redis, run) -> None:
    _, taker = run(timeout=3_600)
    alive_at(redis, taker, BEGAN + minutes(2))
    day = int(BEGAN.timestamp()) // 86_400 * 86_400
    sums = {"n": 100, "run": 100_000_000}  # 1 s each, as one step of 5 % says, too
    name = "default|NOTE_ENRICHMENT|finished"
    redis.hset(keys.stats("d", day), mapping={f"{name}|{part}": n for part, n in sums.items()})
    redis.hset(keys.times("d", day, "default"), mapping={"NOTE_ENRICHMENT|finished|run:189": 100})

    assert [row["reason"] for row in stuck(redis, minutes(2))] == ["slower_than_usual"]
    redis.delete(keys.stats("d", day))
    assert stuck(redis, minutes(2)) == []


def test_an_entry_that_a_living_consumer_has_for_long_is_told(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUCK_POLICY", "stop")
    publish(MessageScanMessage.of("g", "c", ["m"]), connection=redis)
    stream = "jobs:guild:g:message_scan"
    redis.xgroup_create(stream, "workers", "0", mkstream=True)
    redis.xreadgroup("workers", "one", {stream: ">"})
    redis.sadd(stream_keys.consumes("workers", "one"), stream)
    redis.zadd(stream_keys.consumers("workers"), {"one": 0})
    keep_alive("workers", ["one"], seconds=86_400, connection=redis)
    redis.xclaim(stream, "workers", "one", 0, ids(redis, stream), idle=1_860_000)

    (row,) = get_stuck_jobs(connection=redis)

    assert (row["queueName"], row["jobName"]) == (stream, "MESSAGE_SCAN")
    assert row["entryId"] == ids(redis, stream)[0].decode()
    assert (row["severity"], row["reason"]) == ("medium", "running_long")
    assert row["stuckDuration"] == pytest.approx(1_860_000, abs=5_000)
    assert row["data"]["messageIds"] == ["m"]
    assert row["policy"]["why"].startswith("Its consumer takes no orders")
    assert (row["policy"]["action"], row["policy"]["at"]) == ("stop", None)

    redis.zadd(stream_keys.consumers("workers"), {"one": 1})
    assert [each["reason"] for each in get_stuck_jobs(connection=redis)] == ["abandoned"]


def ids(redis: Redis, stream: str) -> list[bytes]:
    return [entry_id for entry_id, _ in redis.xrange(stream)]


def test_secrets_in_the_data_of_a_stuck_job_are_masked(redis: Redis) -> None:
    envelope = {"messageType": "NOT_OURS", "data": {"apiToken": "s3cr3t-value", "id": 5}}
    handle = enqueue(
        NoteEnrichmentMessage.of("n"), queue="default", connection=redis, timeout=86_400
    )
    redis.hset(keys.job(handle.id), "data", _data(envelope))
    taker = Taker(redis, "default")
    (lease,) = taker.lease()
    taker.leases.show(lease, started=BEGAN.timestamp(), ttl=90)
    alive_at(redis, taker, BEGAN + minutes(30))

    (row,) = stuck(redis, minutes(30))

    assert row["data"] == {"apiToken": "***", "id": 5}


def _data(envelope: dict) -> bytes:
    return zlib.compress(json.dumps([JOB_FUNCTION, None, [envelope], {}]).encode())
