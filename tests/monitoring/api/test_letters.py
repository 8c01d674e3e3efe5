"""Dead letters are listed, mended, replayed and purged over HTTP."""

import pytest
from rq.job import Job
from rq.serializers import JSONSerializer

from tests.monitoring.api.changes import WHY, last
from tests.workers.conftest import message
from tests.workers.letters import bury_message, email
from workers import dead_letters, enqueue, keys
from workers.attempts import AttemptRecord
from workers.jobs import note_failure


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


def test_the_total_is_of_all_letters_and_the_description_says_so(redis, moderator) -> None:
    for number in range(2):
        bury_message(redis, email(number))
    listed = moderator.get("/api/dead-letters", params={"type": "NOPE"}).json()
    told = moderator.get("/openapi.json").json()["paths"]["/api/dead-letters"]["get"]

    assert (listed["letters"], listed["total"]) == ([], 2)
    assert "`total` counts all letters" in told["description"]


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
    assert last(redis)[0] == "dead_letter.purge_all_ended"


def test_blanks_are_no_reason(super_admin) -> None:
    purge = {"dryRun": False, "reason": "  "}
    answers = [
        super_admin.post("/api/dead-letters/purge", json=purge),
        super_admin.delete("/api/dead-letters/one", params={"reason": " "}),
    ]

    assert [each.status_code for each in answers] == [422, 422]
    assert [each.json()["error"]["field"] for each in answers] == ["reason", "reason"]
