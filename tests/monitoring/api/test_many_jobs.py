"""Many jobs are retried or cancelled at once: just those that a dry run showed, with one entry."""

import pytest

from monitoring.web.identity import Role
from tests.monitoring.api.tokens import refusal
from tests.workers.letters import bury_message, email
from workers import audit, dead_letters, enqueue, enqueue_many, keys
from workers.many_jobs import MOST

WHY = {"reason": "the mail server is back"}
CANCEL, RETRY = "/api/jobs/cancel", "/api/jobs/retry"


def status(redis, job_id: str) -> bytes | None:
    return redis.hget(keys.job(job_id), "status")


def of_tenant(tenant: str):
    return email(metadata={"tenant": tenant})


def test_a_dry_run_shows_which_and_the_run_after_it_does_just_those(redis, admin) -> None:
    shown = [enqueue(email(n), connection=redis).id for n in range(3)]
    body = {"query": "type:EMAIL state:waiting", **WHY}

    tried = admin.post(CANCEL, json=body).json()
    later = enqueue(email(9), connection=redis).id
    done = admin.post(CANCEL, json={**body, "dryRun": False}).json()

    assert (tried["dryRun"], tried["count"], set(tried["sample"])) == (True, 3, set(shown))
    assert (done["dryRun"], done["count"], done["isAll"]) == (False, 3, True)
    assert {status(redis, each) for each in shown} == {b"canceled"}
    assert status(redis, later) == b"queued"


def test_a_dry_run_changes_nothing(redis, admin) -> None:
    job_id = enqueue(email(), connection=redis).id

    admin.post(CANCEL, json={"query": "state:waiting", **WHY})

    assert status(redis, job_id) == b"queued"
    assert audit.entries(1, connection=redis) == []


def test_who_asks_again_gets_the_next_thousand(redis, admin) -> None:
    every = enqueue_many((email(n) for n in range(MOST + 3)), connection=redis)
    body = {"query": "type:EMAIL", **WHY, "dryRun": False}

    first = admin.post(CANCEL, json=body).json()
    rest = admin.post(CANCEL, json=body).json()

    assert (first["count"], first["isAll"]) == (MOST, False)
    assert (rest["count"], rest["isAll"]) == (3, True)
    assert {status(redis, each) for each in every} == {b"canceled"}


def test_the_audit_log_has_what_it_was_to_do_and_what_was_left_after_it(redis, admin) -> None:
    for number in range(2):
        enqueue(email(number), connection=redis)
    admin.post(CANCEL, json={"query": "state:waiting", **WHY, "dryRun": False})

    ended, begun = audit.entries(5, connection=redis)
    assert (begun.action, begun.details) == ("job.cancel_all", {"jobs": 2})
    assert (ended.action, ended.details) == ("job.cancel_all_ended", {"before": 2, "after": 0})
    for entry in (begun, ended):
        assert (entry.target, entry.actor) == ("state:waiting", "ann")
        assert entry.reason == WHY["reason"]


def test_what_died_is_sent_again_and_what_is_due_later_runs_now(redis, admin) -> None:
    dead = bury_message(redis, email(1))
    late = enqueue(email(2), delay=3_600, connection=redis).id
    waits = enqueue(email(3), connection=redis).id
    body = {"jobIds": [dead, late, waits], **WHY, "dryRun": False}

    told = admin.post(RETRY, json=body).json()

    assert (told["count"], told["refusedCount"]) == (2, 0)  # the dry run left the third one out
    assert dead_letters.find(dead, connection=redis) is None
    assert status(redis, late) == b"queued"
    assert redis.llen(keys.queue("email")) == 3
    assert admin.post(RETRY, json=body).json()["count"] == 0


def test_why_a_job_is_left_out_is_told(redis, admin) -> None:
    job_id = enqueue(email(), connection=redis).id

    told = admin.post(RETRY, json={"jobIds": [job_id, "none-such"], **WHY}).json()

    messages = [each["error"]["message"] for each in told["refused"]]
    assert messages == [
        f"Job {job_id} is queued, so it cannot be retried.",
        "Job none-such is gone, so it cannot be retried.",
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "query"),
        ({"query": "state:waiting", "jobIds": ["a"]}, "query"),
        ({"query": " "}, "query"),
        ({"query": "state:nowhere"}, "state"),
        ({"jobIds": ["a"] * (MOST + 1)}, "jobIds"),
    ],
)
def test_what_cannot_be_meant_is_refused(admin, body, field) -> None:
    answer = admin.post(CANCEL, json={**body, **WHY})

    assert (answer.status_code, field in answer.json()["error"]["field"]) == (422, True)


def test_a_tenant_reaches_what_is_its_own(redis, bearing) -> None:
    own, theirs = (enqueue(of_tenant(each), connection=redis).id for each in ("7", "8"))

    seven = bearing(Role.ADMIN, tenant="7")

    told = seven.post(CANCEL, json={"query": "state:waiting", **WHY, "dryRun": False}).json()
    named = seven.post(CANCEL, json={"jobIds": [theirs], **WHY, "dryRun": False})

    assert told["sample"] == [own]
    assert (named.status_code, refusal(named)) == (404, "job_not_found")
    assert status(redis, theirs) == b"queued"
