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

    assert (told["count"], told["refusedCount"]) == (2, 1)
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


def test_a_run_tells_of_what_it_left_out_as_its_dry_run_does(redis, admin) -> None:
    late = enqueue(email(1), delay=3_600, connection=redis).id
    runs = enqueue(email(2), connection=redis).id
    redis.hset(keys.job(runs), "status", "started")
    body = {"jobIds": [late, "none-such", runs], **WHY}

    shown = admin.post(CANCEL, json=body).json()
    redis.hset(keys.job(runs), "status", "failed")
    after = admin.post(CANCEL, json={**body, "dryRun": False}).json()
    at_once = admin.post(CANCEL, json={**body, "dryRun": False}).json()

    assert [each["jobId"] for each in shown["refused"]] == ["none-such", runs]
    assert (after["count"], after["refused"]) == (1, shown["refused"])
    assert (at_once["count"], at_once["refusedCount"]) == (0, 3)
    assert f"Job {late} is canceled" in at_once["refused"][0]["error"]["message"]


def test_a_run_tells_which_jobs_of_its_search_it_could_not_be_done_to(redis, admin) -> None:
    waits, ended = (enqueue(email(n), connection=redis).id for n in range(2))
    redis.hset(keys.job(ended), "status", "finished")

    told = admin.post(CANCEL, json={"query": "type:EMAIL", **WHY, "dryRun": False}).json()

    assert told["sample"] == [waits]
    assert [each["jobId"] for each in told["refused"]] == [ended]


def test_what_is_refused_in_the_run_comes_behind_what_the_dry_run_refused(redis, admin) -> None:
    job_id = enqueue(email(), connection=redis).id
    body = {"jobIds": [job_id, "none-such"], **WHY}

    admin.post(CANCEL, json=body)
    redis.hset(keys.job(job_id), "status", "finished")
    told = admin.post(CANCEL, json={**body, "dryRun": False}).json()

    assert told["count"] == 0
    assert [each["jobId"] for each in told["refused"]] == ["none-such", job_id]


def test_a_plan_of_an_older_release_has_jobs_only(redis, admin) -> None:
    job_id = enqueue(email(), connection=redis).id
    body = {"query": "type:EMAIL", **WHY}

    admin.post(CANCEL, json=body)
    (plan,) = redis.keys(keys.job_plan("*"))
    redis.lset(plan, 0, "")

    assert admin.post(CANCEL, json={**body, "dryRun": False}).json()["sample"] == [job_id]


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
