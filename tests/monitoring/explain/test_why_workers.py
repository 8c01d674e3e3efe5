"""Incidents of real workers, which are killed, hang and fail; and a fleet in which all is well."""

import json
import os
import signal
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from redis import Redis
from rq.worker_registration import REDIS_WORKER_KEYS

from monitoring.explain.explanations import Explanation
from monitoring.explain.queue_health import get_health_report
from monitoring.explain.why import why
from monitoring.jobs.stuck import get_stuck_jobs
from postroom.embedded import Server
from tests.faults.nursery import SKEW
from tests.processes import Eventually, StartProcess
from tests.workers.conftest import Worker, launch, message, settled
from workers import By, JobHandle, enqueue, keys, stop
from workers.record import JOB_FUNCTION
from workers.settings import Settings

QUICK = {"HEARTBEAT_SECONDS": "0.2", "LEASE_SECONDS": "0.8", "REAP_SECONDS": "0.2"}
LEFT = Settings(heartbeat_seconds=0.2, lease_seconds=0.8)
PATIENT = Settings(lease_seconds=3_600)

Start = Callable[..., Worker]


@pytest.fixture
def fleet(
    redis: Redis, redis_server: Server, start_warm: StartProcess, tmp_path: Path
) -> Iterator[Start]:
    """Start real workers, which begin within a tenth of a second and are killed with the test."""
    workers: list[Worker] = []

    def _start(**env: str) -> Worker:
        words = ("worker", "-w", "workers.MessageWorker", "-c", "worker_settings", "default")
        own = {"REDIS_URL": redis_server.url, **QUICK, **env}
        worker = launch(start_warm, tmp_path / "trace", *words, **own)
        worker.process.wait_for("Listening on", within=20)
        workers.append(worker)
        return worker

    yield _start
    for worker in workers:  # what they run would keep each of them for a second
        kill(worker)


def kill(worker: Worker) -> None:
    worker.process.popen.kill()
    worker.process.popen.wait(5)


def send(
    redis: Redis, kind: str = "echo", value: float | None = None, **options: object
) -> JobHandle:
    payload = {} if value is None else {"new_value": value}
    return enqueue(message(kind, **payload), connection=redis, **options)


def explained(
    redis: Redis, name: str, *, after: float = 0.0, settings: Settings = LEFT
) -> Explanation:
    now = datetime.now(UTC) + timedelta(seconds=after) if after else None
    (found,) = why(name, connection=redis, now=now, settings=settings)
    return found


def codes(found: Explanation) -> list[str]:
    return [finding.code for finding in found.findings]


def test_a_healthy_system_has_nothing_to_explain(redis: Redis, fleet: Start) -> None:
    fleet()
    handles = [send(redis) for _ in range(50)]
    assert {settled(handle) for handle in handles} == {"finished"}

    queue, job = explained(redis, "default"), explained(redis, handles[-1].id)

    assert (queue.findings, queue.do) == ([], ())
    assert queue.text == "Nothing is wrong with default: 0 jobs are waiting, and 1 worker listens."
    assert job.findings == []
    assert job.text.startswith("It succeeded at ")
    assert get_stuck_jobs(connection=redis) == []
    report = get_health_report(connection=redis)
    assert report["status"] == "healthy"
    (row,) = (row for row in report["queues"] if row["queueName"] == "default")
    assert row["metrics"]["processingRate"] == 50
    assert row["reasons"] == []


def test_workers_that_were_killed(redis: Redis, fleet: Start, eventually: Eventually) -> None:
    fleet()
    fleet()
    kill(fleet())
    handle = eventually(lambda: _died(redis))

    found = explained(redis, "default")

    assert codes(found) == ["workers_died"]
    assert found.sentences[0].startswith("1 of 3 workers of default died or froze at ")
    assert handle


def _died(redis: Redis) -> bool:
    return bool(explained(redis, "default").findings)


def test_the_last_worker_was_killed_and_jobs_wait(
    redis: Redis, fleet: Start, eventually: Eventually
) -> None:
    kill(fleet())
    handle = send(redis)
    eventually(lambda: len(explained(redis, handle.id).findings) == 2)

    found = explained(redis, handle.id)

    assert codes(found) == ["no_worker", "workers_died"]
    assert "because no worker listens to default: 1 job is waiting there" in found.sentences[0]
    assert found.sentences[1].startswith("1 of 1 worker of default died or froze at ")


def test_a_child_that_was_killed(redis: Redis, fleet: Start, eventually: Eventually) -> None:
    worker = fleet()
    handle = send(redis, "sleep", 60)
    eventually(lambda: worker.starts("sleep"))
    eventually(lambda: float(_told(redis, "child_memory_mb") or 0))
    (child,) = psutil.Process(worker.process.pid).children()
    os.kill(child.pid, signal.SIGKILL)
    eventually(lambda: handle.status() == "scheduled")

    job, queue = explained(redis, handle.id), explained(redis, "default")

    assert codes(job) == ["crashed"]
    assert job.sentences[0].startswith(
        "1 process died while it ran (its process was ended by signal 9)"
    )
    assert codes(queue) == ["children_died"]
    assert "processes of 1 of 1 worker of default died, the last at " in queue.sentences[0]
    assert "(signal 9, with " in queue.sentences[0]
    assert " MB)" in queue.sentences[0]
    assert _told(redis, "child_died_in") == b"default"


def test_a_job_that_kills_every_process(redis: Redis, fleet: Start) -> None:
    fleet(PROMOTE_SECONDS="0.1")
    handle = send(redis, "die")
    _hurry(redis, handle)
    assert settled(handle) == "failed"

    found = explained(redis, handle.id)

    assert codes(found)[0] == "dead_crash_loop"
    assert found.sentences[0].startswith(
        "It died because 3 processes died while they ran it; the last: "
    )
    assert f"postroom logs --job {handle.id}" in found.do


def _hurry(redis: Redis, handle: JobHandle) -> None:
    """Let a crashed job run again at once: nobody waits for the pauses here."""
    deadline = time.monotonic() + 10
    while handle.status() != "failed" and time.monotonic() < deadline:
        if redis.zscore(keys.scheduled("default"), handle.id):
            redis.zadd(keys.scheduled("default"), {handle.id: 0}, xx=True)
        time.sleep(0.02)


def test_a_job_that_took_longer_than_its_timeout(redis: Redis, fleet: Start) -> None:
    fleet()
    handle = send(redis, "sleep", 30, timeout=1, attempts=1)
    assert settled(handle) == "failed"

    found = explained(redis, handle.id)

    assert codes(found)[0] == "dead_timeout"
    assert "the last one took longer than its timeout" in found.sentences[0]
    assert f"postroom dead-letters replay {handle.id} --timeout SECONDS" in found.do


def test_a_job_that_somebody_stopped(redis: Redis, fleet: Start, eventually: Eventually) -> None:
    fleet()
    handle = send(redis, "sleep", 60)
    eventually(lambda: handle.status() == "started")
    stop(handle.id, by=By("ben", "it hangs"), connection=redis)
    assert settled(handle) == "stopped"

    found = explained(redis, handle.id)

    assert (found.state, codes(found)) == ("stopped", ["stopped"])
    assert found.sentences[0].startswith("It was stopped while it ran by ben at ")
    assert found.sentences[0].endswith("(it hangs).")


def test_a_type_that_workers_do_not_know(
    redis: Redis, fleet: Start, eventually: Eventually
) -> None:
    handle = send(redis)
    redis.hset(keys.job(handle.id), "data", _of_a_newer_type())
    fleet(CODE_VERSION="v1")
    eventually(lambda: handle.status() == "scheduled")

    job, queue = explained(redis, handle.id), explained(redis, "default")

    assert codes(job) == codes(queue) == ["unknown_type"]
    assert job.sentences[0].startswith("A worker of release v1 does not know its type")
    assert queue.sentences[0].startswith("1 job of default is handed back by workers of release v1")
    assert "NEWER" in queue.sentences[0]


def _of_a_newer_type() -> bytes:

    envelope = {
        "messageType": "NEWER",
        "messageId": "m",
        "timestamp": "2026-01-01T00:00:00Z",
        "data": {},
    }
    return zlib.compress(json.dumps([JOB_FUNCTION, None, [envelope], {}]).encode())


def test_workers_that_are_busy_with_slow_jobs(
    redis: Redis, fleet: Start, eventually: Eventually
) -> None:
    fleet(LEASE_SECONDS="3600")
    slow = send(redis, "sleep", 60)
    eventually(lambda: slow.status() == "started")
    waiting = [send(redis) for _ in range(4)]
    eventually(lambda: _told(redis, "state") == b"busy")

    job = explained(redis, waiting[-1].id, after=120, settings=PATIENT)
    running = explained(redis, slow.id, after=900, settings=PATIENT)

    assert codes(job) == ["workers_busy"]
    assert job.sentences[0] == (
        "It has been waiting for 2 min because the only worker of default is busy with TEST for "
        "100% of their time; 4 jobs are waiting, the oldest for 2 min; 3 jobs are ahead of it."
    )
    assert codes(running)[0] == "past_timeout"
    assert "It has been running for 15 min, and its timeout is 10 min" in running.sentences[0]


def test_no_start_is_foretold_while_runs_last_longer_than_the_pace_says(
    redis: Redis, fleet: Start, eventually: Eventually
) -> None:
    fleet(LEASE_SECONDS="3600")
    assert {settled(send(redis)) for _ in range(20)} == {"finished"}
    slow, waiting = send(redis, "sleep", 60), send(redis)
    eventually(lambda: slow.status() == "started")

    found = explained(redis, waiting.id, after=60, settings=PATIENT)

    assert (found.starts_in, found.as_json()["startsInSeconds"]) == (None, None)
    assert "it is the next one" in found.text
    assert "starts in" not in found.text


def _told(redis: Redis, field: str) -> bytes | None:
    """What the only worker told of itself."""
    (worker,) = redis.smembers(REDIS_WORKER_KEYS)
    return redis.hget(worker, field)


def test_a_worker_whose_clock_is_ahead(redis: Redis, fleet: Start) -> None:
    fleet(**{SKEW: "40"})

    found = explained(redis, "default")

    assert codes(found) == ["worker_clock_skew"]
    told = found.sentences[0].rpartition("by at least ")[2]
    assert float(told.split()[0]) == pytest.approx(40, rel=0.1)


def test_a_worker_that_froze_with_a_job(redis: Redis, fleet: Start, eventually: Eventually) -> None:
    worker = fleet()
    handle = send(redis, "sleep", 60)
    eventually(lambda: handle.status() == "started")
    processes = [psutil.Process(worker.process.pid)]
    processes += processes[0].children()
    for process in processes:
        process.suspend()
    try:
        found = explained(redis, handle.id, after=30)
    finally:
        for process in processes:
            process.resume()

    assert codes(found)[0] == "lease_lapsed"
    assert found.sentences[0].startswith("The lease of worker ")
    lapsed = float(found.sentences[0].partition("lapsed ")[2].split()[0])
    assert lapsed == pytest.approx(29.5, abs=1.5)


def test_progress_of_a_queue_that_drains_is_foretold(redis: Redis, fleet: Start) -> None:
    handles = [send(redis, "sleep", 0.03) for _ in range(100)]
    fleet()
    handles[10].wait(10)
    began = time.monotonic()

    # What is done until the second look is ahead no more.
    (found,) = why(handles[-1].id, connection=redis, settings=LEFT, look_again_seconds=1.5)
    looked = time.monotonic()
    handles[-1].wait(30)
    took = time.monotonic() - looked

    assert found.starts_in is not None
    assert looked - began < 3
    assert found.starts_in.total_seconds() == pytest.approx(took, rel=0.3)
    assert found.sentences[-1].startswith("It starts in about ")


def test_nobody_waits_for_a_queue_that_does_not_move(redis: Redis) -> None:
    handle, later = send(redis), send(redis, delay=3_600)
    began = time.monotonic()

    for name in (handle.id, later.id, "default"):
        assert why(name, connection=redis, settings=LEFT, look_again_seconds=60)

    assert time.monotonic() - began < 10
