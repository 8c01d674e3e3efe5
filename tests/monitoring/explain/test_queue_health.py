"""Whether queues are healthy, at the limits of requirement 003 and on a real server."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from messages import NoteEnrichmentMessage
from monitoring.explain.queue_health import Metrics, get_health_report, judge
from tests.monitoring.conftest import Register
from tests.monitoring.trips import counting
from tests.workers.failing import Failing
from tests.workers.takers import Taker
from workers import By, PermanentError, enqueue, enqueue_many, keys, pause

EMAIL = ("email:high", "email", "email:low")
WELL = Metrics(
    waiting=0,
    active=0,
    completed=0,
    failed=0,
    delayed=0,
    processing_rate=60.0,
    error_rate=0.0,
    ended=600,
    average_ms=12.0,
    oldest_seconds=None,
    paused=False,
    workers=2,
)


def worst(**changes: object) -> str:
    statuses = [reason.status for reason in judge("email", replace(WELL, **changes))]
    return max(statuses, key=["healthy", "warning", "critical"].index, default="healthy")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "healthy"),
        ({"error_rate": 10.0}, "healthy"),
        ({"error_rate": 10.01}, "warning"),
        ({"error_rate": 50.0}, "warning"),
        ({"error_rate": 50.01}, "critical"),
        ({"error_rate": 33.0, "ended": 9}, "healthy"),
        ({"waiting": 100}, "healthy"),
        ({"waiting": 101}, "warning"),
        ({"waiting": 1_000}, "warning"),
        ({"waiting": 1_001}, "critical"),
        ({"waiting": 1, "oldest_seconds": 300.0}, "healthy"),
        ({"waiting": 1, "oldest_seconds": 300.1}, "warning"),
        ({"waiting": 1, "oldest_seconds": 59.9, "processing_rate": 0.0}, "healthy"),
        ({"waiting": 1, "oldest_seconds": 60.0, "processing_rate": 0.0}, "critical"),
        ({"waiting": 1, "workers": 0}, "critical"),
        ({"workers": 0}, "healthy"),
        ({"waiting": 5_000, "workers": 0, "oldest_seconds": 9_000.0, "paused": True}, "healthy"),
        ({"error_rate": 60.0, "paused": True}, "critical"),
    ],
)
def test_the_limits_of_the_requirement(changes: dict[str, object], status: str) -> None:
    assert worst(**changes) == status


# --- on a real server ---------------------------------------------------------------------------


def row(redis: Redis, queue: str = "email", *, after: float = 0.0) -> dict:
    now = datetime.now(UTC) + timedelta(seconds=after) if after else None
    report = get_health_report(connection=redis, now=now)
    (found,) = (each for each in report["queues"] if each["queueName"] == queue)
    return found


def test_a_report_has_all_that_the_requirement_asks_for(redis: Redis, register: Register) -> None:
    register(redis, *EMAIL)

    report = get_health_report(connection=redis)

    assert (report["status"], set(report)) == ("healthy", {"timestamp", "status", "queues"})
    assert datetime.fromisoformat(report["timestamp"]).tzinfo is not None
    assert row(redis) == {
        "queueName": "email",
        "status": "healthy",
        "metrics": {
            "waiting": 0,
            "active": 0,
            "completed": 0,
            "failed": 0,
            "delayed": 0,
            "processingRate": 0.0,
            "errorRate": 0.0,
            "avgProcessingTime": 0.0,
            "oldestWaitingSeconds": None,
            "paused": False,
            "workers": 1,
        },
        "reasons": [],
        "recommendations": [],
    }


def test_a_queue_with_jobs_and_without_workers_is_critical_and_comes_first(redis: Redis) -> None:
    enqueue(NoteEnrichmentMessage.of("n"), queue="workouts", connection=redis)

    report = get_health_report(connection=redis)

    first = report["queues"][0]
    assert (report["status"], first["queueName"], first["status"]) == (
        *("critical", "workouts", "critical"),
    )
    (reason,) = first["reasons"]
    assert reason.startswith("No worker listens to workouts: 1 job is waiting there")
    assert first["recommendations"] == ["postroom worker workouts"]


def test_a_paused_queue_is_a_warning_that_says_who_and_no_fault_of_the_workers(
    redis: Redis,
) -> None:
    pause("queue", "email", by=By("anna", "deploy"), connection=redis)
    assert row(redis)["status"] == "healthy"
    messages = (NoteEnrichmentMessage.of("n") for _ in range(1_200))
    enqueue_many(messages, queue="email", connection=redis)

    found = row(redis)

    assert found["status"] == "warning"
    assert found["metrics"]["paused"] is True
    (reason,) = found["reasons"]
    assert "is paused by anna" in reason
    assert "1,200 jobs wait" in reason


def test_jobs_that_a_pause_of_their_type_holds_wait_and_are_no_fault(
    redis: Redis, register: Register
) -> None:
    register(redis, *EMAIL)
    enqueue_many([NoteEnrichmentMessage.of(n) for n in "ab"], queue="email", connection=redis)
    pause("type", "NOTE_ENRICHMENT", by=By("anna", "a deploy"), connection=redis)
    assert Taker(redis, "email").take_all() == []

    report = get_health_report(connection=redis)

    (row,) = (row for row in report["queues"] if row["queueName"] == "email")
    assert row["metrics"]["waiting"] == 2
    assert row["status"] != "critical"


def test_many_waiting_jobs_that_nobody_works_on_say_so_once(
    redis: Redis, register: Register
) -> None:
    register(redis, *EMAIL)
    messages = (NoteEnrichmentMessage.of("n") for _ in range(101))
    enqueue_many(messages, queue="email", connection=redis)

    found = row(redis)
    old = row(redis, after=400)

    assert (found["status"], found["reasons"]) == ("warning", ["101 jobs wait in email."])
    assert old["status"] == "critical"
    assert "The oldest job of email has waited for 6 min." in old["reasons"]
    assert "Nothing of email ended in the last minute, and jobs wait." in old["reasons"]


def test_failures_count_as_error_rate_with_the_reason_they_died_of(
    redis: Redis, register: Register
) -> None:
    register(redis, *EMAIL)
    failing = Failing(redis)
    for _ in range(12):
        failing.died(PermanentError("The address does not exist."))

    found = row(redis)

    assert (found["status"], found["metrics"]["errorRate"]) == ("critical", 100.0)
    assert found["metrics"]["processingRate"] == 12
    assert any(reason.startswith("12 messages of email died") for reason in found["reasons"])
    assert any("The address does not exist." in reason for reason in found["reasons"])


def test_the_rate_counts_what_ended_in_the_60_seconds_before_and_nothing_else(
    redis: Redis, register: Register
) -> None:
    register(redis, *EMAIL)
    Failing(redis).died(PermanentError("no"))
    (entry,) = redis.lrange(keys.recent("email"), 0, -1)
    ended = datetime.fromtimestamp(int(entry.split(b"|")[0]) / 1000, UTC)

    def rate(seconds: float) -> float:
        at = ended + timedelta(seconds=seconds)
        (found,) = (
            each
            for each in get_health_report(connection=redis, now=at)["queues"]
            if each["queueName"] == "email"
        )
        return found["metrics"]["processingRate"]

    # Each second of a minute, the last one too, whenever this test runs.
    assert {rate(seconds) for seconds in range(60)} == {1.0}
    assert rate(60) == 0.0


def test_a_report_of_200_queues_takes_at_most_twenty_round_trips(
    redis: Redis, redis_server, register: Register
) -> None:
    for number in range(200):
        enqueue(NoteEnrichmentMessage.of("n"), queue=f"q{number}", connection=redis)
        enqueue(NoteEnrichmentMessage.of("n"), queue=f"q{number}", delay=60, connection=redis)
    pause("type", "NOTE_ENRICHMENT", by=By("anna", "deploy"), connection=redis)
    redis.zadd(keys.holders(), {"gone": 0})

    with counting(redis_server.url) as client:
        report = get_health_report(connection=client)
        trips = client.trips

    assert len(report["queues"]) >= 200
    assert trips <= 20, trips
