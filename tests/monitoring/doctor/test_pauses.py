"""What the doctor says of pauses that somebody may have forgotten."""

from datetime import timedelta

import pytest
from redis import Redis

from messages import NoteEnrichmentMessage
from monitoring.doctor import Finding, examine
from tests.monitoring.conftest import Register, utc_now
from workers import By, JobHandle, enqueue, keys, pause
from workers.pauses import Kind, Taken, hold
from workers.settings import Settings

EMAIL = ("email:high", "email", "email:low")


def send(redis: Redis, queue: str = "email", **options: object) -> JobHandle:
    return enqueue(NoteEnrichmentMessage.of("note-1"), connection=redis, queue=queue, **options)


def set_aside(redis: Redis, paused: str) -> None:
    """Send a message, and do what a worker does that takes it during a pause."""
    handle = send(redis)
    redis.lpop(keys.queue("email"))
    redis.zadd(keys.leases("ours"), {f"{handle.id}:1": 1})
    taken = Taken(handle.id, "email", (keys.leases("ours"), f"{handle.id}:1"), 1, {})
    assert hold(taken, paused, connection=redis)


def examined(redis: Redis) -> list[Finding]:
    return examine(connection=redis, settings=Settings(), now=utc_now())


@pytest.mark.parametrize(
    ("minutes", "codes"), [(59, []), (60, ["paused_for_long"])], ids=["less", "an hour"]
)
def test_a_queue_that_has_been_paused_for_an_hour_while_jobs_wait_is_told(
    own_server: Redis, register: Register, minutes: int, codes: list[str]
) -> None:
    register(own_server, *EMAIL)
    since = utc_now() - timedelta(minutes=minutes, seconds=30)
    pause("queue", "email", by=By("ann", "a fire"), now=since, connection=own_server)
    empty = examined(own_server)
    send(own_server, priority="low")

    findings = examined(own_server)

    assert empty == []
    assert [finding.code for finding in findings] == codes


@pytest.mark.parametrize(
    ("kind", "name", "command"),
    [
        ("queue", "email", "postroom queues resume email"),
        ("type", "NOTE_ENRICHMENT", "postroom queues resume --type NOTE_ENRICHMENT"),
        ("tenant", "acme", "postroom queues resume --tenant acme"),
    ],
)
def test_a_forgotten_pause_is_told_with_who_why_and_the_way_out(
    own_server: Redis, register: Register, kind: Kind, name: str, command: str
) -> None:
    register(own_server, *EMAIL)
    long_ago = utc_now() - timedelta(minutes=150)
    pause(kind, name, by=By("ann", "a fire"), now=long_ago, connection=own_server)
    if kind == "queue":
        send(own_server)
    else:
        set_aside(own_server, f"{kind}:{name}")

    (finding,) = examined(own_server)

    assert (finding.code, finding.severity) == ("paused_for_long", "warning")
    assert finding.what == (
        f"The {kind} {name} has been paused for 2 h, by ann (a fire): 1 job waits."
    )
    assert finding.remedy.startswith(f"`{command} --reason")


def test_of_many_forgotten_pauses_the_oldest_is_told_and_how_many_there_are(
    own_server: Redis, register: Register
) -> None:
    register(own_server, *EMAIL)
    for hours, queue in ((3, "workouts"), (5, "email"), (4, "activity")):
        long_ago = utc_now() - timedelta(hours=hours, minutes=1)
        pause("queue", queue, by=By("ann", "a fire"), now=long_ago, connection=own_server)
        register(own_server, f"{queue}:high", queue, f"{queue}:low", name=queue)
        send(own_server, queue)

    (finding,) = examined(own_server)

    assert finding.what.startswith("The queue email has been paused for 5 h")
    assert finding.what.endswith("There are 2 more such pauses.")
