"""Messages are sent, and jobs retried, promoted, cancelled and deleted over HTTP."""

import pytest
from rq.job import Job
from rq.serializers import JSONSerializer

from tests.monitoring.api.changes import WHY, last, status
from tests.monitoring.api.tokens import refusal
from tests.workers.conftest import message
from tests.workers.letters import bury_message, email
from workers import dead_letters, enqueue, keys


@pytest.fixture
def sent(redis) -> str:
    return enqueue(message(), connection=redis).id


def test_the_description_of_a_back_off_says_that_a_random_part_is_waited(moderator) -> None:
    schemas = moderator.get("/openapi.json").json()["components"]["schemas"]

    assert "`fixed` keeps it, and waits a random part of it" in schemas["Backoff"]["description"]


def test_a_message_is_sent(redis, admin) -> None:
    body = {
        "messageType": "EMAIL",
        "data": {"to": "ada@example.com", "subject": "Hi", "template": "welcome"},
        "userId": "user-1",
        "timestamp": "2026-01-22T10:30:00.000Z",
        "options": {"delay": 60_000, "attempts": 5, "priority": "high"},
    }
    answer = admin.post("/api/jobs", json=body)
    job_id = answer.json()["data"]["jobId"]
    job = Job.fetch(job_id, connection=redis, serializer=JSONSerializer)

    assert (answer.status_code, answer.json()["success"]) == (201, True)
    assert (job.origin, job.get_status(), job.meta["attempts"]) == ("email:high", "scheduled", 5)
    assert job.args[0]["userId"] == "user-1"
    assert job.args[0]["timestamp"] == "2026-01-22T10:30:00Z"


def test_a_message_is_added_to_a_stream(redis, admin) -> None:
    data = {"guildId": "7", "channelId": "7-1"}
    body = {"messageType": "MESSAGE_SCAN", "data": data, "options": {"priority": "low"}}
    answer = admin.post("/api/streams", json=body)
    later = admin.post("/api/streams", json=body | {"options": {"stream": "s", "delay": 60_000}})

    found = answer.json()["data"]
    assert (answer.status_code, found["stream"]) == (201, "jobs:guild:7:message_scan:low")
    ((entry_id, fields),) = redis.xrange(found["stream"])
    assert (entry_id.decode(), fields[b"job_id"].decode()) == (found["entryId"], found["messageId"])
    assert (later.json()["data"]["stream"], later.json()["data"]["entryId"]) == ("s", None)
    refused = admin.post("/api/streams", json=body | {"options": {"queue": "email"}})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "options.queue")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"messageType": "EMIAL"}, "messageType"),
        ({"data": {"to": "ada@example.com"}}, "data.subject"),
        ({"options": {"attempts": 0}}, "options.attempts"),
        ({"options": {"dely": 1}}, "options.dely"),
        ({"options": {"priority": 11}}, "options.priority"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_message_is_refused_and_nothing_is_stored(redis, admin, change, field) -> None:
    data = {"to": "ada@example.com", "subject": "Hi", "template": "welcome"}
    answer = admin.post("/api/jobs", json={"messageType": "EMAIL", "data": data} | change)

    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field
    assert not redis.keys(keys.job("*"))


def test_a_field_of_several_forms_is_told_all_of_them(admin) -> None:
    body = {"messageType": "EMAIL", "data": {}, "options": {"priority": "urgent"}}
    error = admin.post("/api/jobs", json=body).json()["error"]

    assert error["field"] == "options.priority"
    assert "integer" in error["message"]
    assert "'high', 'normal' or 'low'" in error["message"]


def test_a_failed_job_is_retried_as_the_contract_says(redis, admin) -> None:
    old = bury_message(redis, email(1))
    body = {
        "priority": 1,
        "attempts": 5,
        "backoff": {"type": "exponential", "delay": 5000},
        "dataOverrides": {"subject": "Again"},
        "removeOriginal": True,
    }
    answer = admin.post(f"/admin/jobs/retry/email/{old}", json=body)
    assert answer.status_code == 200, answer.text
    new = answer.json()["newJobId"]
    job = Job.fetch(new, connection=redis, serializer=JSONSerializer)

    assert answer.json() == {
        "success": True,
        "newJobId": new,
        "message": f"Job retried with ID {new}",
    }
    assert job.args[0]["data"]["subject"] == "Again"
    assert (job.origin, job.meta["attempts"]) == ("email:high", 5)
    assert job.meta["backoff"] == {"type": "exponential", "delay": 5.0}
    assert dead_letters.find(old, connection=redis) is None


def test_an_override_that_does_not_fit_changes_nothing(redis, admin) -> None:
    old = bury_message(redis, email(1))
    answer = admin.post(
        f"/admin/jobs/retry/email/{old}", json={"dataOverrides": {"customParam": 1}}
    )

    assert answer.status_code == 422
    assert "customParam" in answer.json()["error"]["field"]
    assert dead_letters.find(old, connection=redis) is not None


@pytest.mark.parametrize(
    ("queue", "code"), [("default", "invalid_state"), ("email", "job_not_found")]
)
def test_a_job_that_has_not_failed_or_is_elsewhere_is_not_retried(
    admin, sent, queue: str, code: str
) -> None:
    answer = admin.post(f"/admin/jobs/retry/{queue}/{sent}")

    assert refusal(answer) == code
    assert answer.status_code == {"invalid_state": 409, "job_not_found": 404}[code]


def test_a_job_is_promoted_cancelled_and_deleted(redis, admin) -> None:
    job_id = enqueue(message(), delay=3600, connection=redis).id
    path = f"/admin/jobs/default/{job_id}"

    assert admin.post(f"{path}/promote", params=WHY).status_code == 200
    assert status(redis, job_id) == "queued"
    assert admin.post(f"{path}/cancel", params=WHY).status_code == 200
    assert status(redis, job_id) == "canceled"
    assert admin.post(f"{path}/stop", params=WHY).status_code == 409
    assert admin.delete(path, params=WHY).status_code == 200
    assert status(redis, job_id) is None
    assert last(redis) == ("job.delete", job_id, "ann", "a fire")
