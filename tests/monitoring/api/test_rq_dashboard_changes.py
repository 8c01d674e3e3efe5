"""What rq-dashboard changes: as the engine does it, and with an entry in the audit log."""

import pytest
from fastapi.testclient import TestClient
from redis import Redis
from rq import Queue
from rq.job import Job

from monitoring.web.app import create_app
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from tests.monitoring.api.tokens import refusal, token_of
from workers import audit, keys
from workers.settings import Settings


def last(redis: Redis) -> tuple[str, str, str]:
    entry = audit.entries(1, connection=redis)[0]
    return entry.action, entry.target, entry.actor


def test_a_failed_job_is_requeued_and_the_audit_log_has_it(
    redis: Redis, admin, queue: Queue, failed_job: Job
) -> None:
    assert admin.post(f"/rq/job/{failed_job.id}/requeue").json() == {"status": "OK"}
    assert queue.job_ids == [failed_job.id]
    assert last(redis) == ("job.requeue", failed_job.id, "ann")
    again = admin.post(f"/rq/job/{failed_job.id}/requeue")
    assert (again.status_code, refusal(again)) == (409, "invalid_state")


def test_jobs_that_are_gone_do_not_stop_the_others_from_being_requeued(
    redis: Redis, admin, queue: Queue, failed_job: Job
) -> None:
    redis.zadd(keys.failed("email"), {"gone": 0})

    assert admin.post("/rq/requeue/email").json()["count"] == 1
    assert queue.job_ids == [failed_job.id]
    assert last(redis) == ("queue.requeue_ended", "email", "ann")


def test_a_job_is_deleted_as_everywhere(redis: Redis, admin, failed_job: Job) -> None:
    assert admin.post(f"/rq/job/{failed_job.id}/delete").status_code == 200
    assert not redis.exists(failed_job.key)
    assert last(redis) == ("job.delete", failed_job.id, "ann")
    assert admin.post(f"/rq/job/{failed_job.id}/delete").status_code == 404


def test_ended_jobs_of_a_list_are_removed(redis: Redis, admin, failed_job: Job) -> None:
    assert admin.post("/rq/queue/email/failed/empty").status_code == 200
    assert not redis.exists(failed_job.key, keys.failed("email"))
    assert last(redis) == ("queue.clear_ended", "email", "ann")


@pytest.mark.parametrize("registry", ["queued", "scheduled", "deferred", "started"])
def test_jobs_that_have_not_ended_are_not_removed_at_a_click(
    admin, queue: Queue, registry: str
) -> None:
    job = queue.enqueue("nothing.at.all")
    answer = admin.post(f"/rq/queue/email/{registry}/empty")

    assert (answer.status_code, refusal(answer)) == (403, "clear_refused")
    assert queue.job_ids == [job.id]
    assert "empty-btn" not in admin.get(f"/rq/0/view/jobs/email/{registry}/8/asc/1").text.replace(
        "$('#empty-btn')", ""
    )


def test_production_is_not_emptied_unless_that_is_allowed(
    redis: Redis, web: WebSettings, failed_job: Job
) -> None:
    engine = Settings(environment="production")
    app = create_app(connection=redis, settings=web, engine=engine)
    headers = {"Authorization": f"Bearer {token_of(Role.ADMIN, web)}"}
    answer = TestClient(app).post("/rq/queue/email/failed/empty", headers=headers)

    assert (answer.status_code, refusal(answer)) == (403, "clear_refused")
    assert redis.exists(failed_job.key)


def test_a_list_is_not_compacted(admin, queue: Queue) -> None:
    queue.enqueue("nothing.at.all")

    assert admin.post("/rq/queue/email/compact").status_code == 409
    assert queue.count == 1
