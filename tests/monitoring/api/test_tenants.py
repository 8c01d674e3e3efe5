"""What a token for one tenant opens of jobs: its own, and nothing that tells of others."""

import json
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from redis import Redis

from messages import EmailMessage, Message, MessageScanMessage
from monitoring.web.identity import Role
from tests.workers.letters import bury_message
from workers import By, dead_letters, enqueue, keys

OF_JOBS = ("/api/jobs/{}", "/api/jobs/{}/status", "/admin/jobs/{}/logs")
ROUTES = (*OF_JOBS, "/admin/jobs/{}/logs/live", "/api/dead-letters/{}")

Bury = Callable[[Message], str]


@pytest.fixture
def seven(bearing) -> TestClient:
    """Who may see tenant 7 only, and all of it."""
    return bearing(Role.SUPER_ADMIN, tenant="7")


@pytest.fixture
def send(redis: Redis) -> Bury:
    return lambda message: enqueue(message, queue="email", connection=redis).id


@pytest.fixture
def bury(redis: Redis) -> Bury:
    return lambda message: bury_message(redis, message, queue="email")


def an_email(tenant: str | None) -> EmailMessage:
    made = EmailMessage.of("ada@example.com", "A secret plan", "welcome")
    metadata = None if tenant is None else {"tenant": tenant}
    return made.model_copy(update={"metadata": metadata})


def a_scan(guild: str) -> MessageScanMessage:
    return MessageScanMessage.model_validate(
        {"data": {"guildId": guild, "channelId": "1"}, "metadata": {"tenant": "7"}}
    )


def of_nobody(text: str) -> str:
    """The text of a refusal without the id that was asked for."""
    error = json.loads(text)["error"]
    return json.dumps(error | {"message": error["message"].split(" job ")[0]})


def test_a_job_of_the_tenant_is_shown_with_its_log(seven, send, redis: Redis) -> None:
    job_id = send(an_email("7"))
    redis.rpush(keys.job_log(job_id), json.dumps({"number": 1, "event": "sent"}))

    shown = [seven.get(route.format(job_id)) for route in OF_JOBS]

    assert [each.status_code for each in shown] == [200, 200, 200]
    assert shown[0].json()["message"]["data"]["subject"] == "A secret plan"


def test_a_dead_letter_of_the_tenant_is_shown(seven, bury) -> None:
    job_id = bury(an_email("7"))

    assert seven.get(f"/api/dead-letters/{job_id}").json()["jobId"] == job_id
    assert seven.get(f"/api/jobs/{job_id}").status_code == 200


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("tenant", ["8", "", None, "07"])
def test_a_job_of_another_tenant_or_of_none_is_answered_like_one_that_is_not_there(
    seven, bury, route: str, tenant: str | None
) -> None:
    job_id = bury(an_email(tenant))

    refused = seven.get(route.format(job_id))
    missing = seven.get(route.format("0190a0b0-0000-7000-8000-000000000000"))

    assert refused.status_code == missing.status_code == 404
    assert of_nobody(refused.text) == of_nobody(missing.text)
    assert "secret" not in refused.text


@pytest.mark.parametrize("route", OF_JOBS)
def test_a_waiting_job_of_another_tenant_is_not_shown(seven, send, route: str) -> None:
    assert seven.get(route.format(send(an_email("8")))).status_code == 404


def test_what_the_type_says_counts_more_than_what_a_sender_adds(seven, send) -> None:
    assert seven.get(f"/api/jobs/{send(a_scan('7'))}").status_code == 200
    assert seven.get(f"/api/jobs/{send(a_scan('8'))}").status_code == 404


@pytest.mark.parametrize("route", ROUTES)
def test_a_message_that_nobody_can_read_is_nobodys(seven, redis: Redis, bury, route: str) -> None:
    job_id = bury(an_email("7"))
    dead_letters.purge(job_id, by=By("ann", "because"), connection=redis)
    envelope = {"messageType": "NONE-SUCH", "metadata": {"tenant": "7"}, "data": {}}
    redis.hset(
        keys.job(job_id), "data", json.dumps(["workers.jobs.run_message", None, [envelope], {}])
    )

    assert seven.get(route.format(job_id)).status_code == 404


def test_who_may_see_all_sees_each(bearing, bury) -> None:
    for tenant in ("7", "8", None):
        assert bearing(Role.MODERATOR).get(f"/api/jobs/{bury(an_email(tenant))}").is_success
