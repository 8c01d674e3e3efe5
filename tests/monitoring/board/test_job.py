"""What the page of a job says of its attempts and of its log."""

import json
from datetime import timedelta

from rq.utils import utcformat

from tests.monitoring.board.conftest import Read
from tests.workers.letters import email
from workers import attempts, enqueue, keys
from workers.attempts import AttemptRecord
from workers.clock import utc_now


def failed(redis, job_id: str, number: int, *, ago: float = 60.0) -> None:
    began = (utc_now() - timedelta(seconds=ago)).isoformat()
    entry = AttemptRecord(number, "retried", "app.Refused", "no", started_at=began, duration_ms=9)
    attempts.record(entry, job_id=job_id, ttl=1, connection=redis)


def test_a_job_that_was_stopped_counts_the_attempt_that_was(read: Read, redis) -> None:
    job_id = enqueue(email(), queue="email", connection=redis).id
    failed(redis, job_id, 1)
    began, ended = (utcformat(utc_now() - timedelta(seconds=ago)) for ago in (50, 7))
    stopped = {"status": "stopped", "started_at": began, "ended_at": ended}
    redis.hset(keys.job(job_id), mapping=stopped)
    redis.lrem("rq:queue:email", 0, job_id)
    redis.zadd("rq:failed:email", {job_id: 4e9})

    shown = read(f"/jobs/{job_id}")

    assert "Attempt 2 was stopped after" in shown
    assert "Attempts 2 Raw" in shown
    assert "Attempt 2 failed" not in shown
    assert " 2 " in read("/jobs").rpartition("Stopped")[2].partition("email")[0]


def test_where_the_oldest_attempts_are_gone_the_page_says_so(read: Read, redis) -> None:
    job_id = enqueue(email(), connection=redis).id
    for number in range(1, 61):
        failed(redis, job_id, number, ago=600.0 - number)

    shown = read(f"/jobs/{job_id}")

    assert "Attempts newest 50 of 60" in shown
    assert "50 of 60 times" in shown


def test_a_line_of_a_log_is_shown_with_its_values(read: Read, redis) -> None:
    job_id = enqueue(email(), connection=redis).id
    line = {
        "timestamp": "2026-01-15T12:00:00.123456Z",
        "level": "INFO",
        "message": "Pill tick",
        "module": "app",
        "event": "pill_tick",
        "region": "slow",
        "n": 35,
    }
    redis.rpush(keys.job_log(job_id), f"1 0 {json.dumps(line)}")

    for path in (f"/jobs/{job_id}", f"/messages/EMAIL?run={job_id}"):
        assert "12:00:00.123 INFO Pill tick region=slow n=35" in read(path), path
