"""What became of a job: each run one span, pauses apart, and no time told twice."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from monitoring.jobs.detail import get_job_detail
from monitoring.jobs.timeline import spans_of, time_by_state
from tests.workers.conftest import message
from tests.workers.letters import bury_message
from workers import By, enqueue, keys, operations, retry_job

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
ANN = By("ann", "to see what is told")
JsonDict = dict[str, Any]


def at(seconds: float | None) -> str | None:
    return None if seconds is None else (NOON + timedelta(seconds=seconds)).isoformat()


def attempt(number: int, began: float, took: float | None, outcome: str, **known: Any) -> JsonDict:
    return {
        "number": number,
        "outcome": outcome,
        "startedAt": at(began),
        "durationMs": None if took is None else took * 1000,
        "worker": "w1",
        "error": "" if outcome in {"completed", "running"} else "it broke",
    } | known


def status(word: str, *attempts: JsonDict, **times: float) -> JsonDict:
    told: JsonDict = {"status": word, "attempts": attempts, "dependsOn": [], "worker": "w1"}
    told |= dict.fromkeys(("reason", "replayedAs", "replayedAt", "replayedBy"))
    names = ("created", "enqueued", "started", "ended")
    return told | {f"{name}At": at(times.get(name)) for name in names}


def told(job: JsonDict) -> list[tuple[str, float, float | None]]:
    """State, begin and end, in seconds since noon."""
    spans = spans_of(job)
    for one, other in pairwise(spans):
        assert one.until == other.at
    return [
        (
            span.state,
            (span.at - NOON).total_seconds(),
            (span.until - NOON).total_seconds() if span.until else None,
        )
        for span in spans
    ]


TWICE = (
    attempt(1, 2, 3, "retried", delaySeconds=10, tier="resource", why="1. retry"),
    attempt(2, 16, 1, "dead"),
)


def test_the_end_of_a_job_has_the_reason_of_its_dead_letter() -> None:
    job = status("failed", *TWICE, created=0, enqueued=15, started=16, ended=17)
    *_, end = spans_of(job | {"reason": "exhausted"})

    assert (end.state, end.facts) == ("failed", {"reason": "exhausted"})


@pytest.mark.parametrize(
    ("job", "wanted"),
    [
        (status("queued", created=0, enqueued=0), [("waiting", 0, None)]),
        (status("scheduled", created=0, enqueued=0), [("delayed", 0, None)]),
        (status("deferred", created=0, enqueued=0), [("deferred", 0, None)]),
        (
            status("queued", created=0, enqueued=60),
            [("delayed", 0, 60), ("waiting", 60, None)],
        ),
        (
            status("started", attempt(1, 2, None, "running"), created=0, enqueued=0, started=2),
            [("waiting", 0, 2), ("active", 2, None)],
        ),
        (
            status("finished", attempt(1, 2, 3, "completed"), created=0, enqueued=0, ended=5),
            [("waiting", 0, 2), ("active", 2, 5), ("completed", 5, None)],
        ),
        (
            status("scheduled", TWICE[0], created=0, enqueued=0),
            [("waiting", 0, 2), ("active", 2, 5), ("backing off", 5, None)],
        ),
        (  # somebody promoted it, so its back-off was short
            status("queued", TWICE[0], created=0, enqueued=7),
            [("waiting", 0, 2), ("active", 2, 5), ("backing off", 5, 7), ("waiting", 7, None)],
        ),
        (
            status("failed", *TWICE, created=0, enqueued=15.5, started=16, ended=17),
            [
                ("waiting", 0, 2),
                ("active", 2, 5),
                ("backing off", 5, 15.5),
                ("waiting", 15.5, 16),
                ("active", 16, 17),
                ("failed", 17, None),
            ],
        ),
        (  # of back-offs before the last one only the decision is known
            status(
                "finished",
                TWICE[0],
                attempt(2, 16, 1, "retried", delaySeconds=0),
                attempt(3, 17, 1, "completed"),
                created=0,
                enqueued=17,
                ended=18,
            ),
            [
                ("waiting", 0, 2),
                ("active", 2, 5),
                ("backing off", 5, 15),
                ("waiting", 15, 16),
                ("active", 16, 17),
                ("waiting", 17, 17),
                ("active", 17, 18),
                ("completed", 18, None),
            ],
        ),
        (
            status("stopped", created=0, enqueued=0, started=1, ended=4),
            [("waiting", 0, 1), ("active", 1, 4), ("stopped", 4, None)],
        ),
        (  # it waited for too long, and never ran
            status("failed", created=0, enqueued=0, started=9, ended=9),
            [("waiting", 0, 9), ("failed", 9, None)],
        ),
        (  # all of it in one millisecond
            status("failed", attempt(1, 0, 0, "dead"), created=0, enqueued=0, ended=0),
            [("waiting", 0, 0), ("active", 0, 0), ("failed", 0, None)],
        ),
        (  # requeued, and its letter is still there
            status("queued", *TWICE, created=0, enqueued=40, ended=17),
            [
                ("waiting", 0, 2),
                ("active", 2, 5),
                ("backing off", 5, 15),
                ("waiting", 15, 16),
                ("active", 16, 17),
                ("failed", 17, 40),
                ("waiting", 40, None),
            ],
        ),
        (  # its record is gone, a letter is left
            status("failed", *TWICE, ended=17.5),
            [
                ("active", 2, 5),
                ("backing off", 5, 15),
                ("waiting", 15, 16),
                ("active", 16, 17),
                ("failed", 17, None),
            ],
        ),
    ],
)
def test_one_run_is_one_span_and_the_pauses_stand_apart(job, wanted) -> None:
    assert told(job) == wanted


def test_a_job_that_waits_for_others_is_told_as_deferred() -> None:
    job = status("queued", created=0, enqueued=60) | {"dependsOn": ["another"]}

    assert told(job)[0] == ("deferred", 0, 60)


def test_spans_tell_what_was_decided_and_why() -> None:
    spans = spans_of(status("failed", *TWICE, created=0, enqueued=15, ended=17))
    facts = [span.told() for span in spans]

    assert facts[1] == {
        "state": "active",
        "at": "2026-01-15T12:00:02.000Z",
        "until": "2026-01-15T12:00:05.000Z",
        "durationMs": 3000,
        "attempt": 1,
        "outcome": "retried",
        "worker": "w1",
        "error": "it broke",
    }
    decided = {name: facts[2][name] for name in ("state", "delaySeconds", "tier", "why")}
    assert decided == {
        "state": "backing off",
        "delaySeconds": 10,
        "tier": "resource",
        "why": "1. retry",
    }


def test_the_time_of_each_state_is_added_up_to_now() -> None:
    job = status("scheduled", TWICE[0], created=0, enqueued=0)
    states = time_by_state(spans_of(job), now=NOON + timedelta(seconds=9))

    assert [tuple(each.values()) for each in states] == [
        ("waiting", 1, 2000, False),
        ("active", 1, 3000, False),
        ("backing off", 1, 4000, True),
    ]


def test_a_state_in_which_a_job_stays_has_no_time() -> None:
    job = status("failed", *TWICE, created=0, enqueued=15, ended=17)
    states = {each["state"]: each for each in time_by_state(spans_of(job), now=NOON)}

    assert (states["active"]["count"], states["active"]["totalMs"]) == (2, 4000)
    assert states["failed"] == {"state": "failed", "count": 1, "totalMs": None, "isPresent": True}


@pytest.mark.parametrize(
    "strange",
    [
        {},
        {"startedAt": "at noon"},
        {"startedAt": 5},
        {"startedAt": "2026-01-15T12:00:00", "outcome": ["dead"], "number": "x"},
        {"startedAt": "2026-01-15T12:00:00Z", "durationMs": float("inf"), "delaySeconds": -1},
        {"startedAt": "2026-01-15T12:00:00Z", "durationMs": "long", "delaySeconds": {}},
    ],
)
def test_an_attempt_that_no_worker_wrote_does_no_harm(strange: JsonDict) -> None:
    assert told(status("failed", strange, created=0, enqueued=0, ended=9))[-1][0] == "failed"


def test_a_replayed_job_says_as_what_and_by_whom(redis) -> None:
    sent = message()
    enqueue(sent, connection=redis)
    redis.hset(keys.job(sent.message_id), "status", "failed")
    old = bury_message(redis, sent, queue="default")
    new = retry_job(old, by=ANN, connection=redis)

    last = get_job_detail(old, connection=redis)["timeline"][-1]
    assert (last["state"], last["jobId"], last["by"]) == ("replayed", new, "ann")


def test_a_cancelled_job_says_when_that_was(redis) -> None:
    job_id = enqueue(message(), delay=60, connection=redis).id
    due = get_job_detail(job_id, connection=redis)["dueAt"]
    operations.cancel(job_id, by=ANN, connection=redis)

    shown = get_job_detail(job_id, connection=redis)
    assert datetime.fromisoformat(due) > datetime.now(UTC) + timedelta(seconds=50)
    assert [each["state"] for each in shown["timeline"]] == ["waiting", "canceled"]
    assert shown["states"][-1]["isPresent"]


def test_a_crash_after_which_it_was_buried_is_followed_by_no_wait() -> None:
    crashes = (attempt(n, 10 * n, 1, "crashed") for n in (1, 2, 3))
    job = status("failed", *crashes, created=0, enqueued=0, started=30, ended=31)

    assert [state for state, *_ in told(job)][-2:] == ["active", "failed"]
