"""`postroom why`, `stuck` and `scale`, and what `postroom health` tells of queues."""

import re
import time

import pytest
from redis import Redis

from messages import NoteEnrichmentMessage
from tests.postroom.commands import Postroom
from tests.postroom.test_cli_health import postroom
from tests.workers.takers import Taker
from workers import By, enqueue
from workers.pauses import pause

__all__ = ["postroom"]  # a fixture


@pytest.fixture
def paused(redis: Redis) -> str:
    """The id of a job in a paused queue."""
    pause("queue", "email", by=By("anna", "deploy"), connection=redis)
    return enqueue(NoteEnrichmentMessage.of("n"), queue="email", connection=redis).id


def test_why_tells_a_person_the_cause_and_what_to_do(postroom: Postroom, paused: str) -> None:
    answer = postroom("why", paused)

    assert (answer.code, answer.err) == (0, "")
    title, *text = answer.out.splitlines()
    assert title == f"Job {paused}: waiting"
    assert "because queue email is paused by anna since" in answer.out
    assert text[-1] == '  Do: postroom queues resume email --reason "..."'


def test_why_tells_a_program_the_same_as_json(postroom: Postroom, paused: str) -> None:
    (found,) = postroom("why", "email", "--json").json["explanations"]

    assert (found["kind"], found["state"]) == ("queue", "in_trouble")
    assert [each["code"] for each in found["findings"]] == ["queue_paused"]
    assert found["do"] == ['postroom queues resume email --reason "..."']
    assert paused not in found["explanation"]


def test_why_says_when_a_name_is_that_of_two_things(postroom: Postroom, redis: Redis) -> None:
    message = NoteEnrichmentMessage.of("n").model_copy(update={"message_id": "email"})
    enqueue(message, queue="email", connection=redis)

    assert postroom("why", "email").out.startswith("email is the name of a job and a queue.\n")


def test_why_refuses_a_name_that_nothing_has(postroom: Postroom, redis: Redis) -> None:
    answer = postroom("why", "emial")

    assert answer.code == 2
    assert "There is no job, queue, stream or unique key 'emial'." in answer.err
    assert "email" in answer.err
    assert postroom("why", "emial", "--json").json["error"]["code"] == "subject_not_found"


def test_scale_has_a_row_for_each_queue(postroom: Postroom, redis: Redis) -> None:
    enqueue(NoteEnrichmentMessage.of("n"), queue="email", connection=redis)

    rows = [line.split() for line in postroom("scale").out.splitlines()]

    assert rows[0][:4] == ["QUEUE", "WORKERS", "DESIRED", "WAITING"]
    assert ["email", "0", "1", "1", "0", "?", "-"] in rows
    assert postroom("scale", "--json").json["queues"]["email"]["desired_workers"] == 1


def test_health_tells_of_each_queue_that_is_not_well(postroom: Postroom, redis: Redis) -> None:
    assert "CRITICAL" not in postroom("health").out
    enqueue(NoteEnrichmentMessage.of("n"), queue="email", connection=redis)

    answer = postroom("health")

    assert answer.code == 0
    assert "CRITICAL  email: No worker listens to email: 1 job is waiting there" in answer.out
    assert "  Do: postroom worker email" in answer.out


def test_stuck_lists_what_runs_for_too_long(
    postroom: Postroom, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert postroom("stuck").out == "Nothing is stuck.\n"
    handle = enqueue(NoteEnrichmentMessage.of("n"), queue="email", timeout=86_400, connection=redis)
    taker = Taker(redis, "email")
    (lease,) = taker.lease()
    taker.leases.show(lease, started=time.time() - 1_900, ttl=90)

    answer = postroom("stuck")

    assert answer.out.splitlines()[1].split() == [
        *("medium", "31", "min", "NOTE_ENRICHMENT", handle.id, "email", "1", "running", "long"),
        "report",
    ]
    assert [each["jobId"] for each in postroom("stuck", "--json").json] == [handle.id]

    monkeypatch.setenv("STUCK_POLICY", "stop:1h")
    found = postroom("stuck").out
    assert re.search(r"running long  stop at 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", found)
