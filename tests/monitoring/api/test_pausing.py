"""Queues, types and tenants are paused and resumed over HTTP, and the audit log has it."""

from tests.monitoring.api.changes import WHY, last
from tests.monitoring.api.tokens import refusal
from workers import keys, pauses


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


def test_types_and_tenants_are_paused_too(redis, admin) -> None:
    body = {"kind": "type", "name": "EMAIL", "reason": "the mail server is away"}

    assert admin.post("/api/pauses", json=body).json()["changed"]
    (shown,) = admin.get("/api/pauses").json()["pauses"]
    assert (shown["kind"], shown["name"], shown["actor"]) == ("type", "EMAIL", "ann")
    assert admin.post("/api/pauses/resume", json=body).json()["changed"]
    assert admin.get("/api/pauses").json() == {"pauses": []}


def test_a_queue_that_is_not_there_is_not_paused(redis, admin) -> None:
    body = {"kind": "queue", "name": "emial", "reason": "x"}

    assert refusal(admin.post("/api/pauses", json=body)) == "queue_not_found"


def test_a_type_that_nobody_knows_cannot_be_paused(redis, admin) -> None:
    body = {"kind": "type", "name": "EMIAL", "reason": "x"}
    answer = admin.post("/api/pauses", json=body)

    assert (answer.status_code, refusal(answer)) == (404, "type_not_found")
    assert answer.json()["error"]["remedy"] == "Did you mean EMAIL?"
    assert not redis.exists(keys.pauses())
    redis.hset(keys.handlers(), "EMIAL", "{}")
    assert admin.post("/api/pauses", json=body).status_code == 201
