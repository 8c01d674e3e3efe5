"""Pauses: who paused what, what a worker takes meanwhile, and what comes back."""

import time

import pytest

from messages import NoteEnrichmentMessage
from messages.note_enrichment import NoteEnrichmentData
from tests.workers.conftest import message
from tests.workers.takers import Taker, shown_as_started
from workers import (
    By,
    InvalidOption,
    InvalidState,
    JobHandle,
    audit,
    dead_letters,
    enqueue,
    enqueue_many,
    keys,
    pauses,
)

WHO = {"by": By("ann", "a fire")}


@pytest.fixture
def pause(redis):
    return lambda kind, name: pauses.pause(kind, name, **WHO, connection=redis)


@pytest.fixture
def resume(redis):
    return lambda kind, name: pauses.resume(kind, name, **WHO, connection=redis)


@pytest.fixture
def taker(redis):
    """A worker that only takes."""
    return Taker(redis)


def waiting(redis, name="default"):
    return [entry.decode() for entry in redis.lrange(keys.queue(name), 0, -1)]


def note(redis, *, tenant=None, **options):
    metadata = {"tenant": tenant} if tenant else None
    made = NoteEnrichmentMessage(data=NoteEnrichmentData(note_id="n"), metadata=metadata)
    return enqueue(made, queue="default", connection=redis, **options)


# --- who paused what -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"), [("queue", "email"), ("type", "EMAIL"), ("tenant", "a:b c")]
)
def test_a_pause_says_who_and_why_until_it_is_resumed(redis, now, kind, name):
    assert pauses.pause(kind, name, **WHO, now=now, connection=redis)

    assert pauses.is_paused(kind, name, connection=redis)
    assert pauses.pauses(connection=redis) == [
        pauses.Pause(kind, name, "ann", "a fire", now.isoformat())
    ]
    assert pauses.resume(kind, name, **WHO, connection=redis) == 0
    assert not pauses.is_paused(kind, name, connection=redis)
    assert pauses.pauses(connection=redis) == []
    assert [entry.action for entry in audit.entries(connection=redis)] == [
        f"{kind}.resume",
        f"{kind}.pause",
    ]


def test_what_is_paused_stays_the_first_ones(redis, pause):
    pause("queue", "email")

    again = pauses.pause("queue", "email", by=By("bob", "me too"), connection=redis)

    assert not again
    assert [each.actor for each in pauses.pauses(connection=redis)] == ["ann"]
    assert len(audit.entries(connection=redis)) == 1


def test_resuming_what_is_not_paused_leaves_no_entry(redis, resume):
    assert resume("queue", "email") is None
    assert audit.entries(connection=redis) == []


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\nb", "email:high"])
def test_a_name_that_can_be_none_is_refused(pause, name):
    with pytest.raises(InvalidOption) as refused:
        pause("queue", name)

    assert refused.value.remedy


def test_there_are_at_most_a_thousand_pauses(redis, pause):
    redis.hset(keys.pauses(), mapping={f"tenant:{n}": "{}" for n in range(1_000)})

    with pytest.raises(InvalidState):
        pause("tenant", "one more")


# --- a paused queue --------------------------------------------------------------------------


def test_nothing_of_a_paused_queue_is_taken_whatever_its_priority(redis, taker, pause, send):
    for priority in ("low", "normal", "high"):
        send(priority=priority)
    pause("queue", "default")

    assert taker.take_all() == []
    assert redis.llen(keys.queue("default")) == 1


# --- a paused type or tenant -----------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name"), [("type", "NOTE_ENRICHMENT"), ("tenant", "acme")])
def test_only_the_paused_wait(redis, taker, pause, kind, name):
    held = note(redis, tenant="acme")
    free = enqueue(message(), connection=redis)
    pause(kind, name)

    assert taker.take_all() == [free.id]
    assert held.status() == "queued"
    assert pauses.pauses(connection=redis)[0].held == 1
    assert taker.held() == shown_as_started(redis) == [free.id]


def test_a_job_is_moved_aside_once(redis, taker, pause):
    note(redis)
    pause("type", "NOTE_ENRICHMENT")
    taker.take_all()

    assert int(redis.get(keys.claim_order())) == 1
    assert taker.take_all() == []
    assert int(redis.get(keys.claim_order())) == 1


def test_resumed_jobs_come_back_in_front_with_order_and_priority(redis, taker, pause, resume):
    urgent = [note(redis, priority="high") for _ in range(3)]
    normal = [note(redis) for _ in range(3)]
    pause("type", "NOTE_ENRICHMENT")
    taker.take_all()
    later = note(redis)

    assert resume("type", "NOTE_ENRICHMENT") == 6

    assert waiting(redis, "default:high") == [handle.id for handle in urgent]
    assert waiting(redis) == [handle.id for handle in (*normal, later)]
    assert not any(redis.hexists(keys.job(handle.id), "held") for handle in normal)


def test_the_order_is_kept_whichever_worker_is_quicker(redis, taker, pause, resume):
    first, second = note(redis), note(redis)
    pause("type", "NOTE_ENRICHMENT")
    takers = [taker, Taker(redis)]
    leases = [each.lease()[0] for each in takers]

    for each, lease in reversed(list(zip(takers, leases, strict=True))):
        assert each.let_in(lease) is None
    resume("type", "NOTE_ENRICHMENT")

    assert waiting(redis) == [first.id, second.id]


def test_more_than_one_step_of_held_jobs_comes_back_in_order(redis, taker, pause, resume):
    notes = (NoteEnrichmentMessage.of("n") for _ in range(2_100))
    sent = enqueue_many(notes, queue="default", connection=redis)
    pause("type", "NOTE_ENRICHMENT")
    taker.take_all()
    assert waiting(redis) == []

    resume("type", "NOTE_ENRICHMENT")

    assert waiting(redis) == sent


def test_a_job_taken_before_the_resume_runs(redis, taker, pause, resume):
    handle = note(redis)
    pause("type", "NOTE_ENRICHMENT")
    (lease,) = taker.lease()
    resume("type", "NOTE_ENRICHMENT")

    assert lease.job_id == handle.id
    assert taker.let_in(lease) is not None
    assert taker.held() == [handle.id]


def test_a_job_whose_type_and_tenant_are_paused_waits_for_both(redis, taker, pause, resume):
    handle = note(redis, tenant="acme")
    pause("type", "NOTE_ENRICHMENT")
    pause("tenant", "acme")

    seen = [taker.take_all()]
    for kind, name in (("tenant", "acme"), ("type", "NOTE_ENRICHMENT")):
        resume(kind, name)
        seen.append(taker.take_all())

    assert seen == [[], [], [handle.id]]


def test_a_held_job_keeps_its_time_in_the_queue(redis, taker, pause, resume, eventually):
    handle = note(redis, queue_ttl=0.2)
    pause("type", "NOTE_ENRICHMENT")
    taker.take_all()
    expires = float(redis.hget(keys.job(handle.id), "expires_at"))
    eventually(lambda: time.time() > expires + 0.01)  # scripts know whole milliseconds

    resume("type", "NOTE_ENRICHMENT")

    assert taker.take_all() == []
    assert dead_letters.find(handle.id, connection=redis).reason == "expired"


def test_a_held_job_can_be_cancelled(redis, taker, pause, resume):
    handle = note(redis)
    pause("type", "NOTE_ENRICHMENT")
    taker.take_all()

    JobHandle(handle.id, connection=redis).cancel()

    assert handle.status() == "canceled"
    assert resume("type", "NOTE_ENRICHMENT") == 0
    assert waiting(redis) == []


def test_a_job_that_somebody_else_put_back_is_not_held_twice(redis, taker, pause):
    handle = note(redis)
    pause("type", "NOTE_ENRICHMENT")
    (lease,) = taker.lease()
    Taker(redis).put_back_those_of(taker)

    assert taker.let_in(lease) is None
    assert waiting(redis) == [handle.id]
    assert pauses.pauses(connection=redis)[0].held == 0


@pytest.mark.parametrize("metadata", [None, 5, [], {"tenant": 5}])
def test_a_message_of_any_shape_has_its_marks(metadata):
    envelope = {"messageType": "TEST", "metadata": metadata}

    assert list(pauses.marks_of(envelope)) == ["type:TEST"]
    assert list(pauses.marks_of([envelope])) == []
