import json
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.suspension import suspend
from rq.utils import utcformat

from messages import NoteEnrichmentMessage
from monitoring.errors import InvalidQuery
from monitoring.jobs.failed import get_failed_jobs
from monitoring.jobs.listing import get_jobs
from monitoring.queues import get_queue_stats
from monitoring.queues.overview import get_overview
from monitoring.queues.snapshot import started
from postroom.address import free_port
from postroom.embedded import Server
from tests.monitoring.conftest import utc_now
from tests.monitoring.counting import Counting, counting
from tests.workers.takers import Taker
from workers import JobHandle, dead_letters, enqueue, keys
from workers.connection import connect
from workers.dead_letters import DeadLetter
from workers.errors import StorageUnavailable
from workers.settings import DEFAULT_QUEUES, Settings

FIGURES = ("waiting", "held", "active", "completed", "failed", "delayed", "deferred")
NOTHING = dict.fromkeys(FIGURES, 0)


def send(redis: Redis, queue: str = "email", **options: object) -> JobHandle:
    return enqueue(NoteEnrichmentMessage.of("note-1"), connection=redis, queue=queue, **options)


def changed(redis: Redis, handle: JobHandle, field: str, *, seconds_ago: float) -> None:
    moment = utcformat(utc_now() - timedelta(seconds=seconds_ago))
    redis.hset(keys.job(handle.id), field, moment)


def bury(redis: Redis, job_id: str, queue: str, **told: str) -> None:
    facts = {"reason": "permanent", "error": "PermanentError: never", **told}
    letter = DeadLetter(job_id, "EMAIL", queue, buried_at=utc_now().isoformat(), **facts)
    dead_letters.bury(letter, meta={}, connection=redis)


@pytest.fixture
def counted(redis: Redis, redis_server: Server) -> Redis:
    """A client that is connected already and counts what it sends from now on."""
    return counting(redis_server.url)


def test_an_empty_system_has_zeros_for_every_queue_of_the_settings(redis: Redis) -> None:
    assert get_queue_stats() == {
        "queues": dict.fromkeys(DEFAULT_QUEUES, NOTHING),
        "totals": NOTHING,
        "deadLetters": 0,
        "deadLettersSpilled": 0,
        "suspended": False,
    }


def test_the_counts_of_a_queue_are_those_of_its_three_lists(redis: Redis) -> None:
    send(redis, priority="high")
    send(redis, priority="low", delay=60)
    send(redis, depends_on=send(redis, "default"))
    redis.lpush(keys.intermediate("email:high"), "taken")
    redis.zadd(started("email:low"), {"running:execution": 1})
    redis.zadd(keys.finished("email"), {"a": 1, "b": 2})
    redis.zadd(keys.failed("email:low"), {"c": 1})

    stats = get_queue_stats(connection=redis)

    email = {**NOTHING, "waiting": 1, "active": 2, "completed": 2}
    email |= {"failed": 1, "delayed": 1, "deferred": 1}
    assert stats["queues"]["email"] == email
    assert stats["queues"]["default"] == {**NOTHING, "waiting": 1}
    assert stats["totals"] == {**email, "waiting": 2}
    assert "jobs" not in stats


def test_jobs_in_a_workers_hands_are_active_and_counted_once(redis: Redis) -> None:
    sent = [send(redis).id for _ in range(3)]
    taker = Taker(redis, "email")
    leases = taker.lease(2)

    stats = get_queue_stats(True, connection=redis)
    active = get_jobs(queue="email", state="active", connection=redis)

    assert stats["queues"]["email"] == {**NOTHING, "waiting": 1, "active": 2}
    assert sorted(job["jobId"] for job in stats["jobs"]) == sorted(sent)
    assert {job["jobId"] for job in active} == {lease.job_id for lease in leases} == {*sent[:2]}

    taker.leases.hand_back(leases)

    assert get_queue_stats(connection=redis)["queues"]["email"] == {**NOTHING, "waiting": 3}


def test_the_job_that_a_worker_runs_is_told(redis: Redis) -> None:
    sent = send(redis)
    taker = Taker(redis, "email")
    taker.worker.register_birth()
    (lease,) = taker.lease()

    def current() -> list[str | None]:
        return [worker["currentJob"] for worker in get_overview(connection=redis)["workers"]]

    before = current()
    taker.leases.show(lease, started=utc_now().timestamp(), ttl=60)

    assert (before, current()) == ([None], [sent.id])


def test_what_a_worker_uses_and_how_its_child_died_is_told(redis: Redis) -> None:
    worker = Taker(redis, "email").worker
    worker.register_birth()
    facts = {"cpu_seconds": "1.5", "child_cpu_seconds": "0.25", "child_memory_mb": "92.1"}
    died = {"child_died_of": "signal 9", "child_died_with_mb": "1900"}
    before = get_overview(connection=redis)["workers"][0]
    died |= {"child_died_at": "2026-11-22T10:01:00Z", "code_version": "1.4"}
    redis.hset(worker.key, mapping={**facts, **died})
    after = get_overview(connection=redis)["workers"][0]

    assert (before["cpuSeconds"], before["memoryMb"], before["childDeath"]) == (None, None, None)
    assert (after["cpuSeconds"], after["memoryMb"]) == (1.75, 92.1)
    assert after["childDeath"] == {
        "at": "2026-11-22T10:01:00.000Z",
        "how": "signal 9",
        "memoryMb": 1900,
    }
    assert after["startedAt"] is not None
    assert after["codeVersion"] == "1.4"


def test_dead_letters_and_a_suspension_are_told(redis: Redis) -> None:
    bury(redis, "dead", "email")
    suspend(redis)

    stats = get_queue_stats(connection=redis)

    assert (stats["deadLetters"], stats["suspended"]) == (1, True)


def test_the_job_that_changed_last_comes_first_whatever_its_state(redis: Redis) -> None:
    waiting, scheduled = send(redis), send(redis, "default", priority="low", delay=60)
    running = send(redis, "workouts")
    for seconds, handle in enumerate((waiting, scheduled, running)):
        changed(redis, handle, "created_at", seconds_ago=10 + seconds)
        changed(redis, handle, "enqueued_at", seconds_ago=10 + seconds)
    redis.lrem(keys.queue("workouts"), 1, running.id)
    redis.zadd(started("workouts"), {f"{running.id}:execution": 1})
    changed(redis, running, "started_at", seconds_ago=1)

    jobs = get_queue_stats(True, 10, connection=redis)["jobs"]

    assert [job["jobId"] for job in jobs] == [running.id, waiting.id, scheduled.id]
    assert [job["queue"] for job in jobs] == ["workouts", "email", "default"]
    assert [job["status"] for job in jobs] == ["queued", "queued", "scheduled"]


def test_a_job_is_shown_with_its_type_and_times_and_without_its_payload(redis: Redis) -> None:
    handle = send(redis)

    (job,) = get_queue_stats(True, connection=redis)["jobs"]

    times = ("createdAt", "enqueuedAt", "startedAt", "endedAt")
    assert sorted(job) == sorted(("jobId", "messageType", "queue", "status", *times))
    assert (job["jobId"], job["messageType"]) == (handle.id, "NOTE_ENRICHMENT")
    assert job["createdAt"].endswith("Z")
    assert job["endedAt"] is None
    assert "note-1" not in json.dumps(job)


def test_of_a_foreign_job_not_even_the_arguments_are_shown(redis: Redis) -> None:
    Queue("email", connection=redis).enqueue("tests.workers.stock_jobs.touch", "secret argument")

    (job,) = get_queue_stats(True, connection=redis)["jobs"]

    assert job["messageType"] is None
    assert "secret" not in json.dumps(job)


def test_only_as_many_jobs_as_were_asked_for_are_listed(redis: Redis) -> None:
    handles = [send(redis) for _ in range(5)]

    jobs = get_queue_stats(True, 2, connection=redis)["jobs"]

    assert [job["jobId"] for job in jobs] == [handle.id for handle in reversed(handles)][:2]


def test_an_id_whose_record_is_gone_is_left_out(redis: Redis) -> None:
    redis.delete(keys.job(send(redis).id))

    assert get_queue_stats(True, connection=redis)["jobs"] == []


@pytest.mark.parametrize("limit", [0, -1, 201, 10.0, "10", True, None])
def test_a_limit_out_of_range_is_refused(redis: Redis, limit: Any) -> None:
    with pytest.raises(InvalidQuery) as refused:
        get_queue_stats(True, limit, connection=redis)

    assert refused.value.field == "limit"
    assert "1 to 200" in refused.value.remedy


@pytest.mark.parametrize("limit", [1, 200])
def test_a_limit_at_the_border_is_taken(redis: Redis, limit: int) -> None:
    assert get_queue_stats(True, limit, connection=redis)["jobs"] == []


@pytest.mark.parametrize(("with_jobs", "trips"), [(False, 2), (True, 4)])
def test_the_round_trips_do_not_grow_with_what_there_is(
    redis: Redis, counted: Redis, *, with_jobs: bool, trips: int
) -> None:
    for number in range(60):
        send(redis, f"queue-{number}", priority=("high", "normal", "low")[number % 3])

    get_queue_stats(with_jobs, 200, connection=counted)

    assert Counting.sent == trips


def test_no_key_is_searched_for(own_server: Redis) -> None:
    send(own_server)
    own_server.config_resetstat()

    get_queue_stats(True, connection=own_server)

    used = {name.removeprefix("cmdstat_") for name in own_server.info("commandstats")}
    assert used.isdisjoint({"scan", "keys", "evalsha", "eval"})
    assert {"zcard", "llen"} <= used


def test_without_redis_the_error_says_what_to_do() -> None:
    settings = Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    with connect(settings) as nowhere, pytest.raises(StorageUnavailable, match="REDIS_URL"):
        get_queue_stats(connection=nowhere)


def test_a_failed_job_is_told_with_the_reason_of_its_dead_letter(redis: Redis) -> None:
    handle = send(redis)
    redis.zadd(keys.failed("email"), {handle.id: 1})
    bury(redis, handle.id, "email", reason="exhausted", error="KeyError: 'x'\nand more")

    failed = get_failed_jobs(connection=redis)

    (job,) = failed["email"]["jobs"]
    assert failed["email"]["count"] == 1
    assert (job["jobId"], job["messageType"]) == (handle.id, "EMAIL")
    assert (job["reason"], job["error"]) == ("exhausted", "KeyError: 'x'")


def test_a_dead_letter_whose_job_has_no_record_is_told_too(redis: Redis) -> None:
    bury(redis, "gone", "reports:high", reason="expired")

    failed = get_failed_jobs(connection=redis)

    assert list(failed) == ["reports"]
    assert failed["reports"]["jobs"][0]["reason"] == "expired"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_failed_job_of_stock_rq_is_told_with_the_last_line_of_its_traceback(redis: Redis) -> None:
    queue = Queue("notifications", connection=redis)
    job = queue.enqueue("tests.workers.stock_jobs.crash", "no such file")
    SimpleWorker([queue], connection=redis).work(burst=True)

    (told,) = get_failed_jobs(connection=redis)["notifications"]["jobs"]

    assert told["jobId"] == job.id
    assert told["messageType"] is None
    assert (told["reason"], told["error"]) == ("failed", "RuntimeError: no such file")


def test_of_many_failures_the_newest_are_told_and_all_are_counted(redis: Redis) -> None:
    for number in range(7):
        handle = send(redis)
        redis.zadd(keys.failed("email"), {handle.id: number})
        bury(redis, handle.id, "email", error=f"number {number}")

    failed = get_failed_jobs(3, connection=redis)["email"]

    assert failed["count"] == 7
    assert [job["error"] for job in failed["jobs"]] == ["number 6", "number 5", "number 4"]
