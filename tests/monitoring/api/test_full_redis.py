"""A Redis that is full refuses what needs room, and lets everything through that makes some."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.monitoring.api.changes import WHY
from tests.monitoring.api.tokens import refusal
from tests.workers.letters import bury_message, email
from workers import audit, dead_letters, enqueue, keys

Full = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def full(redis) -> Full:
    @contextmanager
    def _full() -> Iterator[None]:
        redis.config_set("maxmemory-policy", "noeviction")
        redis.config_set("maxmemory", 1)
        try:
            yield
        finally:
            redis.config_set("maxmemory", "0")

    return _full


def end(redis, job_id: str) -> None:
    redis.hset(keys.job(job_id), mapping={"status": "finished", "origin": "email"})
    redis.zadd(keys.finished("email"), {job_id: 9e12})


def actions(redis) -> list[str]:
    return [each.action for each in audit.entries(connection=redis)]


def test_a_full_redis_takes_no_message(super_admin, full) -> None:
    data = {"to": "ada@example.com", "subject": "Hi", "template": "welcome"}

    with full():
        answer = super_admin.post("/api/jobs", json={"messageType": "EMAIL", "data": data})

    assert (answer.status_code, refusal(answer)) == (503, "storage_full")


def test_a_full_redis_lets_a_queue_be_cleared(redis, super_admin, full) -> None:
    end(redis, "one")

    with full():
        answer = super_admin.delete("/admin/jobs/queue/email/clear", params={"type": "completed"})

    assert answer.json() == {"success": True, "removed": {"completed": 1, "failed": 0}}
    assert actions(redis) == ["queue.clear_ended", "queue.clear"]


def test_a_full_redis_lets_waiting_jobs_be_cleared(redis, super_admin, full) -> None:
    job_id = enqueue(email(), connection=redis).id

    with full():
        answer = super_admin.delete(
            "/admin/jobs/queue/email/clear", params={"type": "waiting", "dryRun": "false", **WHY}
        )

    assert answer.json()["removed"] == {"waiting": 1}
    assert not redis.exists(keys.job(job_id))


def test_a_full_redis_lets_itself_be_cleaned_up(redis, super_admin, full) -> None:
    end(redis, "one")

    with full():
        answer = super_admin.post(
            "/api/cleanup",
            json={"queue": "email", "state": "completed", "dryRun": False, **WHY},
        )

    assert (answer.status_code, answer.json()["count"]) == (200, 1), answer.text
    assert actions(redis) == ["queue.clean_ended", "queue.clean"]


def test_a_full_redis_lets_a_dead_letter_be_removed(redis, super_admin, full) -> None:
    job_id = bury_message(redis, email())

    with full():
        answer = super_admin.delete(f"/api/dead-letters/{job_id}", params=WHY)

    assert answer.json() == {"success": True, "jobId": job_id}
    assert dead_letters.find(job_id, connection=redis) is None
    assert actions(redis) == ["dead_letter.purge"]


def test_a_full_redis_lets_all_dead_letters_of_a_filter_be_removed(
    redis, super_admin, full
) -> None:
    for number in range(3):
        bury_message(redis, email(number))
    body = {"filter": {"messageType": "EMAIL"}, **WHY}

    with full():
        shown = super_admin.post("/api/dead-letters/purge", json=body)
        done = super_admin.post("/api/dead-letters/purge", json={**body, "dryRun": False})

    assert (shown.json()["count"], done.json()["count"]) == (3, 3), shown.text
    assert dead_letters.count(connection=redis) == 0
    assert actions(redis) == ["dead_letter.purge_all_ended", "dead_letter.purge_all"]


def test_a_full_redis_lets_a_stream_be_trimmed(redis, super_admin, full) -> None:
    redis.xadd("jobs:one", {"job_id": "1"})

    with full():
        answer = super_admin.post("/api/streams/jobs:one/trim", json={"keep": 1, **WHY})

    assert answer.status_code == 200, answer.text
    assert actions(redis) == ["stream.trim"]
