"""What has ended, and what never ran, is removed over HTTP, and the audit log has it."""

import pytest

from tests.monitoring.api.changes import WHY, last, status
from tests.monitoring.api.tokens import refusal
from tests.workers.conftest import message
from workers import enqueue, keys


@pytest.fixture
def sent(redis) -> str:
    return enqueue(message(), connection=redis).id


@pytest.mark.parametrize(
    ("kind", "removed"),
    [
        (None, {"completed": 2, "failed": 1}),
        ("all", {"completed": 2, "failed": 1}),
        ("completed", {"completed": 2, "failed": 0}),
        ("failed", {"completed": 0, "failed": 1}),
    ],
)
def test_a_queue_is_cleared_of_what_has_ended(redis, admin, sent, kind, removed) -> None:
    redis.zadd(keys.finished("default"), {"one": 9e12, "two": 9e12})
    redis.zadd(keys.failed("default"), {"three": 9e12})
    for job_id in ("one", "two", "three"):
        redis.hset(keys.job(job_id), "status", "failed" if job_id == "three" else "finished")
    params = {} if kind is None else {"type": kind}
    answer = admin.delete("/admin/jobs/queue/default/clear", params=params)

    assert answer.json() == {"success": True, "removed": removed}
    assert status(redis, sent) == "queued"
    assert last(redis)[:3] == ("queue.clear_ended", "default", "ann")


def test_only_a_super_admin_clears_what_never_ran(redis, admin, super_admin, sent) -> None:
    path = "/admin/jobs/queue/default/clear"
    params = {"type": "waiting", "dryRun": "false", **WHY}

    assert admin.delete(path, params=params).status_code == 403
    assert status(redis, sent) == "queued"
    assert super_admin.delete(path, params=params).json()["removed"] == {"waiting": 1}
    assert status(redis, sent) is None
    assert last(redis) == ("queue.clear_ended", "default", "ann", "a fire")


def test_what_never_ran_is_shown_before_it_is_cleared(redis, super_admin, sent) -> None:
    path = "/admin/jobs/queue/default/clear"

    shown = super_admin.delete(path, params={"type": "waiting", **WHY}).json()

    assert shown == {"success": True, "dryRun": True, "found": {"waiting": 1}, "sample": [sent]}
    assert status(redis, sent) == "queued"


@pytest.mark.parametrize("reason", [{}, {"reason": " "}])
def test_what_never_ran_is_not_cleared_without_a_reason(redis, super_admin, sent, reason) -> None:
    params = {"type": "waiting", "dryRun": "false", **reason}
    answer = super_admin.delete("/admin/jobs/queue/default/clear", params=params)

    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "reason")
    assert status(redis, sent) == "queued"


def test_what_has_ended_is_shown_if_somebody_asks(redis, admin) -> None:
    redis.sadd(keys.queues(), keys.queue("default"))
    redis.zadd(keys.finished("default"), {"one": 9e12, "two": 9e12})
    redis.zadd(keys.failed("default"), {"three": 9e12})

    shown = admin.delete("/admin/jobs/queue/default/clear", params={"dryRun": "true"}).json()

    assert shown["found"] == {"completed": 2, "failed": 1}
    assert shown["sample"] == ["one", "two", "three"]
    assert redis.zcard(keys.finished("default")) == 2


def test_in_production_nothing_is_cleared_unless_that_is_allowed(redis, app, admin, sent) -> None:
    app.state.engine = app.state.engine.model_copy(update={"environment": "production"})
    answer = admin.delete("/admin/jobs/queue/default/clear")

    assert (answer.status_code, refusal(answer)) == (403, "clear_refused")


def test_ended_jobs_are_removed_by_age_after_a_dry_run(redis, admin) -> None:
    redis.zadd(keys.finished("default"), {"one": 9e12, "two": 9e12})
    redis.sadd(keys.queues(), keys.queue("default"))
    body = {"queue": "default", "state": "completed", "keepNewest": 1, **WHY}
    shown = admin.post("/api/cleanup", json=body).json()

    assert (shown["dryRun"], shown["count"]) == (True, 1)
    assert redis.zcard(keys.finished("default")) == 2
    done = admin.post("/api/cleanup", json=body | {"dryRun": False}).json()
    assert (done["count"], done["sample"]) == (1, shown["sample"])
    assert redis.zcard(keys.finished("default")) == 1
    assert last(redis)[:3] == ("queue.clean_ended", "default", "ann")
