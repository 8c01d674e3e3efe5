"""Jobs of which something cannot be read are shown as far as they can be."""

import pytest
from rq import Queue, SimpleWorker

from tests.monitoring.api.changes import WHY
from tests.monitoring.api.tokens import refusal
from tests.processes import StartProcess
from tests.workers.letters import bury_message, email
from workers import keys


@pytest.fixture
def pickled(redis) -> str:
    """A job that stock RQ stored and ran, with its own serializer."""
    queue = Queue("pickled", connection=redis)
    job = queue.enqueue("math.sqrt", 2)
    SimpleWorker([queue], connection=redis).work(burst=True)
    return job.id


def test_a_result_that_is_no_json_is_named_and_never_read(moderator, pickled) -> None:
    for path in (f"/api/jobs/{pickled}", f"/api/jobs/{pickled}/status"):
        told = moderator.get(path).json()

        assert (told["status"], told["queue"], told["result"]) == ("finished", "pickled", None)
        assert told["resultError"].startswith(f"What job {pickled} returned is not JSON.")


def test_the_page_of_a_job_says_that_its_result_is_no_json(moderator, pickled) -> None:
    page = moderator.get(f"/jobs/{pickled}", headers={"Accept": "text/html"})

    assert (page.status_code, "returned is not JSON" in page.text) == (200, True)


def test_the_command_line_says_that_a_result_is_no_json(pickled, start_warm: StartProcess) -> None:
    shown = start_warm("postroom", "job", pickled)

    shown.wait_for("returned is not JSON", within=20)


DAMAGED = {
    "status": "weird",
    "timeout": "abc",
    "ended_at": "never",
    "dependency_ids": "a b",
    "result_ttl": "zz",
    "worker_name": b"\xff",
    "meta": "5",
}


def damage(redis, field: str, job_id: str = "c2") -> None:
    created = "2026-11-29T04:00:00.000000Z"
    record = {"status": "failed", "created_at": created, "origin": "probe", "data": "x"}
    redis.hset(keys.job(job_id), mapping=record | {field: DAMAGED[field]})


@pytest.mark.parametrize("field", DAMAGED)
def test_a_record_with_a_damaged_field_is_told_with_what_helps(redis, admin, field) -> None:
    damage(redis, field)
    page = {"Accept": "text/html"}

    answers = [
        admin.get("/api/jobs/c2"),
        admin.get("/api/jobs/c2/status"),
        admin.post("/admin/jobs/retry/probe/c2", json=WHY),
    ]

    for answer in answers:
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["field"]) == (409, "record_damaged", field)
        assert f"`{field}`" in error["message"]
        assert "`postroom jobs delete c2`" in error["remedy"]
    assert (shown := admin.get("/jobs/c2", headers=page)).status_code == 409
    assert "postroom jobs delete c2" in shown.text
    assert admin.delete("/admin/jobs/probe/c2", params=WHY).status_code == 200
    assert refusal(admin.get("/api/jobs/c2")) == "job_not_found"


def test_a_dead_letter_tells_of_a_job_whose_record_is_damaged(redis, admin) -> None:
    job_id = bury_message(redis, email())
    damage(redis, "timeout", job_id)
    redis.hset(keys.job(job_id), "origin", "email")

    told = admin.get(f"/api/jobs/{job_id}").json()

    assert (told["status"], told["message"]["messageType"]) == ("failed", "EMAIL")
    retried = admin.post(f"/admin/jobs/retry/email/{job_id}", json=WHY)
    assert retried.status_code == 200, retried.text


def test_the_command_line_names_the_damaged_field(redis, start_warm: StartProcess) -> None:
    damage(redis, "timeout")

    start_warm("postroom", "job", "c2").wait_for("its `timeout` is damaged", within=20)
