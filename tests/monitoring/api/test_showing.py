"""A job, message types and the audit log are shown over HTTP, without secrets."""

import json

import pytest

from tests.monitoring.api.changes import WHY
from tests.workers.conftest import message
from tests.workers.log_messages import PrivateData, PrivateMessage
from workers import enqueue, keys


@pytest.fixture
def sent(redis) -> str:
    return enqueue(message(), connection=redis).id


def test_a_job_is_shown_with_its_message_and_what_became_of_it(redis, moderator, sent) -> None:
    found = moderator.get(f"/api/jobs/{sent}").json()

    assert found["message"]["messageType"] == "TEST"
    assert [step["state"] for step in found["timeline"]] == ["waiting"]
    assert moderator.get(f"/api/jobs/{sent}/status").json()["status"] == "queued"
    assert (
        moderator.get("/api/jobs", params={"state": "waiting"}).json()["jobs"][0]["jobId"] == sent
    )


def test_an_urgent_job_is_shown_in_its_queue_as_it_is_in_lists(redis, moderator) -> None:
    handle = enqueue(message(), queue="email", priority="high", connection=redis)
    shown = moderator.get(f"/api/jobs/{handle.id}").json()
    (listed,) = moderator.get("/api/jobs", params={"queue": "email"}).json()["jobs"]

    assert (shown["queue"], shown["priority"]) == ("email", "high")
    assert listed["queue"] == shown["queue"]


def test_a_job_that_is_not_due_yet_is_not_shown_as_waiting(redis, moderator) -> None:
    job_id = enqueue(message(), delay=60, connection=redis).id
    found = moderator.get(f"/api/jobs/{job_id}").json()

    assert [step["state"] for step in found["timeline"]] == ["delayed"]


def test_fields_marked_secret_are_masked(redis, moderator) -> None:
    data = PrivateData(user="Ada", pin="tr0ub4dor", codes=["s3cr3t"])
    job_id = enqueue(PrivateMessage(data=data), connection=redis).id
    answer = moderator.get(f"/api/jobs/{job_id}")

    assert "tr0ub4dor" not in answer.text
    assert "s3cr3t" not in answer.text
    assert answer.json()["message"]["data"]["user"] == "Ada"


def test_types_are_shown_with_schema_and_example(redis, moderator) -> None:
    handler = {"message_type": "EMAIL", "max_attempts": 5, "code_version": "1.4"}
    redis.hset(keys.handlers(), "EMAIL", json.dumps(handler))
    types = moderator.get("/api/message-types").json()["types"]
    listed = {each["messageType"]: each for each in types}
    shown = moderator.get("/api/message-types/EMAIL").json()

    assert listed["EMAIL"]["queue"] == "email"
    assert listed["EMAIL"]["example"]["to"]
    assert listed["EMAIL"]["handler"] == {
        "messageType": "EMAIL",
        "maxAttempts": 5,
        "codeVersion": "1.4",
    }
    assert listed["TEST"]["handler"] is None
    assert "to" in str(shown["schema"])
    assert moderator.get("/api/message-types/EMIAL").status_code == 404


def test_the_audit_log_tells_who_did_what(redis, admin, moderator) -> None:
    admin.patch("/admin/jobs/queue/email/pause", params=WHY)

    (entry,) = moderator.get("/api/audit").json()["entries"]
    assert (entry["actor"], entry["action"], entry["reason"]) == ("ann", "queue.pause", "a fire")
