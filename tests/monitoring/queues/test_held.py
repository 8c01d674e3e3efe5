"""What pauses hold back is seen: in the counts, in a queue's health, and in the job itself."""

from collections.abc import Callable

import pytest
from redis import Redis

from messages import NoteEnrichmentMessage
from monitoring.health import get_queue_health, get_system_health
from monitoring.jobs import get_job_status
from monitoring.queues import get_queue_stats
from monitoring.queues.overview import get_overview
from tests.workers.takers import Taker
from workers import By, JobHandle, enqueue, keys, pause, resume

BY = By("ann", "a fire")
TYPE = "NOTE_ENRICHMENT"


def set_aside(redis: Redis, handle: JobHandle, paused: str) -> None:
    """What a worker does with a job that it takes during a pause."""
    assert Taker(redis, "email").take() is None
    name = redis.hget(keys.job(handle.id), "origin").decode()
    assert redis.zscore(keys.held(paused, name), handle.id) is not None


@pytest.fixture
def hold(redis: Redis) -> Callable[..., JobHandle]:
    """Send a message of a paused type, and have it moved aside."""

    def _hold(**options: object) -> JobHandle:
        pause("type", TYPE, by=BY, connection=redis)
        handle = enqueue(NoteEnrichmentMessage.of("n"), queue="email", connection=redis, **options)
        set_aside(redis, handle, f"type:{TYPE}")
        return handle

    return _hold


def test_a_held_job_is_counted_once_and_apart_from_those_that_wait(redis, hold) -> None:
    hold()
    hold(priority="low")

    stats = get_queue_stats(connection=redis)

    for figures in (stats["queues"]["email"], stats["totals"]):
        assert (figures["held"], figures["waiting"]) == (2, 0)
        assert sum(figures.values()) == 2
    assert get_overview(connection=redis)["queues"]["email"]["held"] == 2


def test_a_held_job_is_among_the_newest_jobs(redis, hold) -> None:
    handle = hold()

    (job,) = get_queue_stats(True, connection=redis)["jobs"]

    assert job["jobId"] == handle.id


def test_a_held_job_is_part_of_its_queues_size(redis, hold) -> None:
    hold(priority="high")

    assert get_system_health(connection=redis)["queue_stats"]["email"]["queue_size"] == 1
    health = get_queue_health("email", connection=redis)
    assert (health["queue_size"], health["held_jobs"]) == (1, 1)
    assert health["priorities"]["high"]["queue_size"] == 1


def test_the_health_of_a_queue_names_the_pauses_that_keep_its_jobs_back(redis, hold) -> None:
    hold()
    pause("queue", "default", by=BY, connection=redis)

    held, stopped, other = (
        get_queue_health(name, connection=redis) for name in ("email", "default", "workouts")
    )

    assert [health["paused"] for health in (held, stopped, other)] == [False, True, False]
    told = [[(each["kind"], each["name"]) for each in h["pauses"]] for h in (held, stopped, other)]
    assert told == [[("type", TYPE)], [("queue", "default")], []]
    (only,) = held["pauses"]
    assert (only["actor"], only["reason"], only["held"]) == ("ann", "a fire", 1)


@pytest.mark.parametrize(("kind", "name"), [("type", TYPE), ("tenant", "acme"), ("queue", "email")])
def test_a_waiting_job_names_the_pause_that_holds_it_until_it_is_resumed(redis, kind, name) -> None:
    message = NoteEnrichmentMessage(data={"note_id": "n"}, metadata={"tenant": "acme"})
    handle = enqueue(message, queue="email", connection=redis)
    pause(kind, name, by=BY, connection=redis)
    if kind != "queue":
        set_aside(redis, handle, f"{kind}:{name}")

    held = get_job_status(handle.id, connection=redis)["heldBy"]
    resume(kind, name, by=BY, connection=redis)

    assert held.pop("at")
    assert held == {"kind": kind, "name": name, "actor": "ann", "reason": "a fire"}
    assert get_job_status(handle.id, connection=redis)["heldBy"] is None


def test_a_job_that_does_not_wait_is_held_by_nothing(redis) -> None:
    handle = enqueue(NoteEnrichmentMessage.of("n"), queue="email", delay=60, connection=redis)
    pause("queue", "email", by=BY, connection=redis)

    assert get_job_status(handle.id, connection=redis)["heldBy"] is None


def test_a_paused_tenant_whose_name_holds_a_colon_is_not_taken_for_another(redis) -> None:
    message = NoteEnrichmentMessage(data={"note_id": "n"}, metadata={"tenant": "a:b"})
    handle = enqueue(message, queue="email", connection=redis)
    for name in ("a", "a:b"):
        pause("tenant", name, by=By("ann", f"because of {name}"), connection=redis)
    set_aside(redis, handle, "tenant:a:b")

    assert get_job_status(handle.id, connection=redis)["heldBy"]["name"] == "a:b"
