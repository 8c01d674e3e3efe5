"""A reason reaches the audit log from wherever it is given, and no field of a body is ignored."""

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from redis import Redis

from monitoring.web.app import closed_routers
from monitoring.web.auth import SAFE, declared
from tests.monitoring.api.tokens import refusal
from tests.workers.conftest import message
from tests.workers.letters import bury_message, email
from workers import audit, dead_letters, enqueue, pauses

PAUSE = "/admin/jobs/queue/email/pause"
CHANGES = [
    (method, each.path)
    for each in declared(closed_routers())
    for method in each.methods
    if method not in SAFE and not each.path.startswith("/rq")
]


def last_reason(redis: Redis) -> str:
    return audit.entries(1, connection=redis)[0].reason


def test_the_reason_of_a_pause_may_stand_in_the_body(redis: Redis, admin: TestClient) -> None:
    assert admin.patch(PAUSE, json={"reason": " a fire "}).json()["changed"]
    assert last_reason(redis) == "a fire"
    assert admin.patch(PAUSE.replace("pause", "resume"), json={"reason": "it is out"}).is_success
    assert last_reason(redis) == "it is out"


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "a fire"}, None])
def test_a_reason_that_is_given_twice_alike_or_once_is_one(
    redis: Redis, admin: TestClient, body: object
) -> None:
    assert admin.patch(PAUSE, params={"reason": "a fire"}, json=body).is_success
    assert last_reason(redis) == "a fire"


def test_two_reasons_that_differ_change_nothing(redis: Redis, admin: TestClient) -> None:
    answer = admin.patch(PAUSE, params={"reason": "a fire"}, json={"reason": "a flood"})

    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "reason")
    assert refusal(answer) == "invalid_option"
    assert not pauses.is_paused("queue", "email", connection=redis)


def test_no_change_is_made_with_a_field_that_nobody_knows(
    app: FastAPI, super_admin: TestClient
) -> None:
    paths = app.openapi()["paths"]  # once: it takes long
    for method, path in CHANGES:
        address = re.sub(r"{.*?}", "email", path)
        answer = super_admin.request(method, address, json={"reson": "a fire"})

        assert answer.status_code == 422, path
        if not paths[path][method.lower()]["requestBody"].get("required"):
            assert answer.json()["error"]["field"] == "reson", path


def test_a_body_that_is_no_json_is_refused_too(redis: Redis, admin: TestClient) -> None:
    answer = admin.patch(PAUSE, data={"reason": "a fire"})

    assert answer.status_code == 422
    assert not pauses.is_paused("queue", "email", connection=redis)


def test_what_needs_a_reason_takes_it_from_the_body(redis: Redis, super_admin: TestClient) -> None:
    bury_message(redis, email(1))
    (letter,) = dead_letters.page(connection=redis).letters
    path = f"/api/dead-letters/{letter.job_id}"

    assert super_admin.delete(path).json()["error"]["field"] == "reason"
    assert super_admin.request("DELETE", path, json={"reason": "a test"}).is_success
    assert last_reason(redis) == "a test"


def test_a_retry_may_say_why_in_its_body(redis: Redis, admin: TestClient) -> None:
    old = bury_message(redis, email(1))
    path = f"/admin/jobs/retry/email/{old}"

    assert admin.post(path, json={"attempts": 2, "reason": "it is mended"}).is_success
    assert last_reason(redis) == "it is mended"


def test_a_job_is_cancelled_with_the_reason_of_the_body(redis: Redis, admin: TestClient) -> None:
    sent = enqueue(message(), connection=redis)

    path = f"/admin/jobs/default/{sent.id}/cancel"
    assert admin.post(path, json={"reason": "by mistake"}).is_success
    assert last_reason(redis) == "by mistake"
