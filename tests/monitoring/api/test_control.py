"""What an ADMIN does over HTTP has happened in Redis, and stands in the audit log."""

import json

import pytest
from rq.job import Job
from rq.serializers import JSONSerializer

from tests.monitoring.api.tokens import refusal
from tests.workers.conftest import message
from tests.workers.letters import bury_message, email
from tests.workers.log_messages import PrivateData, PrivateMessage
from tests.workers.takers import Taker
from workers import audit, dead_letters, enqueue, keys, pauses
from workers.attempts import AttemptRecord
from workers.jobs import note_failure

WHY = {"reason": "a fire"}


def last(redis) -> tuple[str, str, str, str]:
    entry = audit.entries(1, connection=redis)[0]
    return entry.action, entry.target, entry.actor, entry.reason


def status(redis, job_id: str) -> str | None:
    stored = redis.hget(keys.job(job_id), "status")
    return None if stored is None else stored.decode()


@pytest.fixture
def sent(redis) -> str:
    return enqueue(message(), connection=redis).id


# --- queues ----------------------------------------------------------------------------------


def test_a_queue_is_paused_and_resumed(redis, admin) -> None:
    answer = admin.patch("/admin/jobs/queue/email/pause", params=WHY)

    assert answer.json() == {
        "success": True,
        "queueName": "email",
        "paused": True,
        "changed": True,
    }
    assert pauses.is_paused("queue", "email", connection=redis)
    assert last(redis) == ("queue.pause", "email", "ann", "a fire")
    assert admin.patch("/admin/jobs/queue/email/resume", params=WHY).json()["changed"]
    assert not pauses.is_paused("queue", "email", connection=redis)
    assert not admin.patch("/admin/jobs/queue/email/resume", params=WHY).json()["changed"]


def test_a_slip_of_the_pen_pauses_nothing_and_is_told(redis, admin) -> None:
    answer = admin.patch("/admin/jobs/queue/emial/pause")

    assert (answer.status_code, refusal(answer)) == (404, "queue_not_found")
    assert "email" in answer.json()["error"]["remedy"]
    assert not redis.exists(keys.pauses())


def ended(redis, count: int) -> None:
    for _ in range(count):
        enqueue(message(), connection=redis)
    Taker(redis).take_all()


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
    assert last(redis)[:3] == ("queue.clear", "default", "ann")


def test_only_a_super_admin_clears_what_never_ran(redis, admin, super_admin, sent) -> None:
    path = "/admin/jobs/queue/default/clear"
    params = {"type": "waiting", "dryRun": "false", **WHY}

    assert admin.delete(path, params=params).status_code == 403
    assert status(redis, sent) == "queued"
    assert super_admin.delete(path, params=params).json()["removed"] == {"waiting": 1}
    assert status(redis, sent) is None
    assert last(redis) == ("queue.clear", "default", "ann", "a fire")


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


def test_blanks_are_no_reason(super_admin) -> None:
    purge = {"dryRun": False, "reason": "  "}
    answers = [
        super_admin.post("/api/dead-letters/purge", json=purge),
        super_admin.delete("/api/dead-letters/one", params={"reason": " "}),
    ]

    assert [each.status_code for each in answers] == [422, 422]
    assert [each.json()["error"]["field"] for each in answers] == ["reason", "reason"]


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
    assert last(redis)[:3] == ("queue.clean", "default", "ann")


# --- jobs ------------------------------------------------------------------------------------


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


# --- dead letters ----------------------------------------------------------------------------


def test_a_letter_is_listed_shown_mended_and_replayed(redis, admin) -> None:
    old = bury_message(redis, email(1))
    listed = admin.get("/api/dead-letters", params={"type": "EMAIL"}).json()
    path = f"/api/dead-letters/{old}"
    edited = admin.patch(path, json={"data": {"subject": "Mended"}, **WHY})
    replayed = admin.post(f"{path}/replay", json=WHY)
    job = Job.fetch(replayed.json()["newJobId"], connection=redis, serializer=JSONSerializer)

    assert [each["jobId"] for each in listed["letters"]] == [old]
    assert edited.json()["changes"][0]["after"] == "Mended"
    assert job.args[0]["data"]["subject"] == "Mended"
    assert admin.get(path).status_code == 404


@pytest.mark.parametrize(
    ("name", "priority"), [("email:high", "high"), ("email", "normal"), ("email:low", "low")]
)
def test_a_letter_is_shown_in_its_queue_as_its_job_is(redis, moderator, name, priority) -> None:
    sent = email(1)
    enqueue(sent, priority=priority, connection=redis)
    redis.hset(keys.job(sent.message_id), "status", "failed")
    bury_message(redis, sent, queue=name)

    asked = {"queue": "email"}
    (listed,) = moderator.get("/api/dead-letters", params=asked).json()["letters"]
    shown = moderator.get(f"/api/dead-letters/{sent.message_id}").json()
    job = moderator.get(f"/api/jobs/{sent.message_id}").json()
    for each in (listed, shown, job):
        assert (each["queue"], each["priority"]) == ("email", priority)


def test_the_groups_of_failures_name_queues(redis, moderator) -> None:
    entry = AttemptRecord(1, "dead", "builtins.OSError", "no disk", fingerprint="0123456789ab")
    for name in ("email:high", "email"):
        note_failure(entry, list_name=name, kind="EMAIL", job_id=name, connection=redis)

    (group,) = moderator.get("/api/failures").json()["groups"]
    assert (group["count"], group["queues"]) == (2, ["email"])


def test_many_letters_are_replayed_after_a_dry_run_that_showed_them(redis, admin) -> None:
    for number in range(3):
        bury_message(redis, email(number))
    bury_message(redis, message(), queue="default")
    wanted = {"filter": {"messageType": "EMAIL"}, **WHY}
    shown = admin.post("/api/dead-letters/replay", json=wanted).json()

    assert (shown["dryRun"], shown["count"]) == (True, 3)
    assert dead_letters.count(connection=redis) == 4
    done = admin.post("/api/dead-letters/replay", json=wanted | {"dryRun": False}).json()
    assert (done["dryRun"], done["count"], sorted(done["sample"])) == (
        False,
        3,
        sorted(shown["sample"]),
    )
    assert dead_letters.count(connection=redis) == 1


def test_a_purge_needs_a_reason(redis, super_admin) -> None:
    old = bury_message(redis, email(1))
    bulk = "/api/dead-letters/purge"

    assert super_admin.delete(f"/api/dead-letters/{old}").status_code == 422
    assert super_admin.post(bulk, json={"dryRun": False}).status_code == 422
    assert dead_letters.count(connection=redis) == 1
    assert super_admin.post(bulk, json={"dryRun": False, **WHY}).json()["count"] == 1
    assert dead_letters.count(connection=redis) == 0
    assert last(redis)[0] == "dead_letter.purge_all"


# --- what is shown ---------------------------------------------------------------------------


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
