"""Incidents, each made by its true cause: the first sentence names it, with its numbers."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer
from rq.suspension import resume as resume_all
from rq.suspension import suspend

from messages import EmailMessage, MessageScanMessage, NoteEnrichmentMessage
from monitoring.errors import SubjectNotFound
from monitoring.explain.explanations import Explanation
from monitoring.explain.rules.holdups import clock
from monitoring.explain.why import why
from tests.monitoring.conftest import Register
from tests.workers.failing import Failing
from tests.workers.takers import Taker
from workers import (
    By,
    JobHandle,
    PermanentError,
    ResourceUnavailable,
    cancel,
    enqueue,
    enqueue_many,
    keys,
    pause,
    publish,
    stream_keys,
)
from workers import dead_letters as letters
from workers.pauses import pauses
from workers.settings import Settings
from workers.streams.consumers import keep_alive

ANNA = By("anna", "deploy")
EMAIL = ("email:high", "email", "email:low")
SCANS = "jobs:guild:g:message_scan"


def send(redis: Redis, **options: object) -> JobHandle:
    return enqueue(NoteEnrichmentMessage.of("n"), queue="email", connection=redis, **options)


def explained(redis: Redis, name: str, *, after: float = 0.0) -> Explanation:
    """The only explanation, some seconds later."""
    now = datetime.now(UTC) + timedelta(seconds=after) if after else None
    (found,) = why(name, connection=redis, now=now)
    return found


def codes(found: Explanation) -> list[str]:
    return [finding.code for finding in found.findings]


@pytest.fixture
def served(redis: Redis, register: Register) -> Redis:
    """A server on which a worker listens to the queue email."""
    register(redis, *EMAIL)
    return redis


# --- somebody wants nothing to start ------------------------------------------------------------


def test_a_job_of_a_paused_queue_waits_because_of_who_paused_it(served: Redis) -> None:
    pause("queue", "email", by=ANNA, connection=served)
    ids = enqueue_many(
        (NoteEnrichmentMessage.of("n") for _ in range(812)), queue="email", connection=served
    )
    (made,) = pauses(connection=served)

    found = explained(served, ids[-1], after=14 * 60)

    begun = datetime.fromisoformat(made.at)
    since = clock(begun, begun + timedelta(minutes=14))

    assert found.sentences[0] == (
        f"It has been waiting for 14 min because queue email is paused by anna since {since} "
        "(deploy); 812 jobs wait for its end; 811 jobs are ahead of it."
    )
    assert found.do[0] == 'postroom queues resume email --reason "..."'


def test_a_moment_is_told_by_its_day_as_soon_as_that_is_over() -> None:
    evening = datetime(2026, 11, 28, 23, 56, tzinfo=UTC)

    assert clock(evening, evening + timedelta(minutes=3)) == "23:56 UTC"
    assert clock(evening, evening + timedelta(minutes=4)) == "2026-11-28 23:56 UTC"


def test_a_paused_queue_is_explained_by_who_paused_it_and_not_by_its_missing_workers(
    redis: Redis,
) -> None:
    pause("queue", "email", by=ANNA, connection=redis)
    send(redis)

    found = explained(redis, "email")

    assert codes(found) == ["queue_paused"]
    assert found.sentences[0].startswith("Queue email is paused by anna since ")
    assert found.sentences[0].endswith("(deploy); 1 job waits for its end.")


@pytest.mark.parametrize(("kind", "name"), [("type", "NOTE_ENRICHMENT"), ("tenant", "acme")])
def test_a_job_that_a_pause_of_its_type_or_tenant_holds_back(
    served: Redis, kind: str, name: str
) -> None:
    pause(kind, name, by=ANNA, connection=served)
    message = NoteEnrichmentMessage.of("n").model_copy(update={"metadata": {"tenant": "acme"}})
    handle = enqueue(message, queue="email", connection=served)
    assert Taker(served, "email").take() is None

    found = explained(served, handle.id)

    assert (found.state, codes(found)) == ("held", [f"{kind}_paused"])
    assert f"because {kind} {name} is paused by anna since " in found.sentences[0]
    assert found.do == (f'postroom queues resume --{kind} {name} --reason "..."',)
    queue = explained(served, "email")
    assert queue.sentences[0].endswith("(deploy); 1 job waits for its end.")


def test_a_job_that_two_pauses_hold_back_is_told_of_both(served: Redis) -> None:
    pause("type", "NOTE_ENRICHMENT", by=ANNA, connection=served)
    pause("tenant", "acme", by=ANNA, connection=served)
    message = NoteEnrichmentMessage.of("n").model_copy(update={"metadata": {"tenant": "acme"}})
    handle = enqueue(message, queue="email", connection=served)
    assert Taker(served, "email").take() is None

    assert codes(explained(served, handle.id)) == ["type_paused", "tenant_paused"]
    assert len(explained(served, handle.id).do) == 2


def test_everything_is_suspended(served: Redis) -> None:
    handle = send(served)
    suspend(served, ttl=600)

    found = explained(served, handle.id)

    assert codes(found)[0] == "suspended"
    assert (
        "because `rq suspend` was called, so no worker starts any job, for another "
        in (found.sentences[0])
    )
    assert found.do[0] == "rq resume -c worker_settings"
    resume_all(served)
    assert codes(explained(served, handle.id)) == []


# --- nobody works on it -------------------------------------------------------------------------


def test_no_worker_listens(redis: Redis) -> None:
    handle = send(redis)
    send(redis)

    job, queue = explained(redis, handle.id, after=200), explained(redis, "email", after=200)

    assert job.sentences[0] == (
        "It has been waiting for 3 min because no worker listens to email: 2 jobs are waiting "
        "there, the oldest for 3 min; it is the next one."
    )
    assert queue.sentences[0] == (
        "No worker listens to email: 2 jobs are waiting there, the oldest for 3 min."
    )
    assert queue.do == ("postroom worker email",)


def test_a_list_without_a_worker_and_a_worker_that_serves_the_others(
    redis: Redis, register: Register
) -> None:
    register(redis, "email:high", "email")
    handle = send(redis, priority="low")

    found = explained(redis, handle.id)

    assert codes(found) == ["list_without_worker"]
    assert "none of them listens to email:low: 1 job is waiting there" in found.sentences[0]


def test_a_job_in_the_hands_of_a_worker_that_vanished(redis: Redis) -> None:
    handle = send(redis)
    Taker(redis, "email").lease()
    assert "lease_lapsed" not in codes(explained(redis, handle.id))

    found = explained(redis, handle.id, after=75)

    assert found.state == "leased"
    assert codes(found)[0] == "lease_lapsed"
    assert "because the lease of its worker lapsed 59 s ago" in found.sentences[0].replace(
        "60 s", "59 s"
    )
    queue = explained(redis, "email", after=75)
    assert codes(queue) == ["taken_and_abandoned"]
    assert queue.sentences[0].startswith("1 job of email is in the hands of a worker whose lease")


# --- it waits for something ---------------------------------------------------------------------


def test_a_job_that_waits_for_another_one(served: Redis) -> None:
    parent = send(served)
    child = send(served, depends_on=[parent])

    found = explained(served, child.id)

    assert (found.state, codes(found)) == ("deferred", ["waits_for_jobs"])
    assert found.sentences[0] == (
        f"It waits for 1 other job: NOTE_ENRICHMENT {parent.id}, which is queued in email."
    )
    assert found.do == (f"postroom why {parent.id}",)


def test_a_job_that_was_sent_for_later(served: Redis) -> None:
    handle = send(served, delay=3_600)

    found = explained(served, handle.id)

    assert (found.state, codes(found)) == ("scheduled", ["delayed"])
    assert found.sentences[0].endswith(", in 60 min.") or found.sentences[0].endswith(
        ", in 59 min."
    )


def test_a_scheduled_job_that_nobody_moves(redis: Redis) -> None:
    handle = send(redis, delay=30)

    job, queue = explained(redis, handle.id, after=130), explained(redis, "email", after=130)

    assert codes(job)[0] == "overdue"
    assert seconds_in(job.sentences[0], "overdue by ") == pytest.approx(100, rel=0.1)
    assert "1 scheduled job of email is overdue by up to " in queue.text


def test_a_job_that_is_tried_again_after_an_error(served: Redis) -> None:
    job_id = Failing(served).retried(ResourceUnavailable("The mail server is down."))

    found = explained(served, job_id)

    assert codes(found) == ["retry_scheduled"]
    assert found.sentences[0].startswith("It failed at attempt 1 (")
    assert "The mail server is down.), and the next one is due, in " in found.sentences[0]


def test_a_service_that_asks_to_wait(served: Redis) -> None:
    failing = Failing(served)
    for _ in range(3):
        job_id = failing.retried(
            ResourceUnavailable("The text service answered with 429 Too Many Requests.")
        )

    job, queue = explained(served, job_id), explained(served, "email")

    assert codes(job) == codes(queue) == ["service_asks_to_wait"]
    assert job.sentences[0].startswith("A service asked to wait at attempt 1 (")
    assert queue.sentences[0].startswith("A service asks to wait: 3 jobs of email are to be tried")


def test_a_unique_key_that_a_waiting_job_holds(served: Redis) -> None:
    handle = send(served, unique_key="note-7", delay=7_200)
    assert send(served, unique_key="note-7").id == handle.id

    job = explained(served, handle.id, after=600)
    (key,) = why("note-7", connection=served)

    assert codes(job) == ["delayed", "unique_key_held"]
    assert "It has held the unique key note-7 for 10 min" in job.text
    assert (key.kind, codes(key)) == ("unique_key", ["unique_key_held"])
    assert key.sentences[0].startswith(f"Job {handle.id} holds the unique key note-7")


# --- it ended -----------------------------------------------------------------------------------


def test_a_dead_letter_with_its_failure_group(served: Redis) -> None:
    failing = Failing(served)
    for number in range(3):
        job_id = failing.died(PermanentError(f"The address {number} does not exist."))

    job, queue = explained(served, job_id), explained(served, "email")

    assert codes(job) == ["dead_permanent", "failure_group"]
    assert job.sentences[0].startswith("It died because its handler said that it will never work: ")
    assert job.sentences[0].endswith("The address 2 does not exist.")
    assert "There were 3 failures of the same kind in the last 24 hours." in job.text
    assert f"postroom dead-letters show {job_id}" in job.do
    assert codes(queue) == ["dead_letters"]
    assert queue.sentences[0].startswith("3 messages of email died in the last hour (permanent;")


def test_a_message_that_expired(served: Redis) -> None:
    handle = send(served, queue_ttl=1)
    served.hset(keys.job(handle.id), "expires_at", 1)
    assert Taker(served, "email").take() is None

    found = explained(served, handle.id)

    assert codes(found)[0] == "dead_expired"
    assert "because it waited for longer than its queue TTL" in found.sentences[0]


def test_a_dead_letter_without_its_message_is_not_to_be_replayed(redis: Redis) -> None:
    lost = letters.DeadLetter(
        "ghost", None, "email", "expired", "gone", "2026-01-15T12:00:00+00:00"
    )
    letters.import_letters([letters.letter.as_text(lost)], by=ANNA, connection=redis)

    found = explained(redis, "ghost")

    assert found.do == ("postroom dead-letters show ghost",)


def test_a_foreign_function_that_was_refused(served: Redis) -> None:
    job = Queue("email", connection=served, serializer=JSONSerializer).enqueue("os.system", "true")
    assert Taker(served, "email").take() is None

    found = explained(served, job.id)

    assert codes(found)[0] == "dead_foreign_function"
    assert "The job names the function os.system, which ALLOW_FOREIGN_JOBS" in found.sentences[0]


def test_a_job_that_somebody_cancelled(served: Redis) -> None:
    handle = send(served)
    cancel(handle.id, by=By("ben", "sent twice"), connection=served)

    found = explained(served, handle.id)

    assert (found.state, codes(found)) == ("canceled", ["canceled"])
    assert found.sentences[0].startswith("It was cancelled before it began by ben at ")
    assert found.sentences[0].endswith("(sent twice).")


def test_a_job_that_was_cancelled_with_the_one_it_depends_on(served: Redis) -> None:
    parent = send(served)
    child = send(served, depends_on=[parent], on_parent_failure="cancel")
    cancel(parent.id, by=ANNA, connection=served)

    found = explained(served, child.id)

    assert codes(found) == ["canceled_by_parent"]
    assert f"depends on NOTE_ENRICHMENT {parent.id}, which is canceled." in found.sentences[0]


def test_a_job_whose_message_was_sent_again(served: Redis) -> None:
    job_id = Failing(served).died(PermanentError("no"))
    again = letters.replay(job_id, by=ANNA, connection=served)

    found = explained(served, job_id)

    assert codes(found)[0] == "replayed"
    assert found.do[0].startswith("postroom why ")
    assert str(again) in found.text or again is not None


def test_a_failed_job_whose_letter_somebody_purged(served: Redis) -> None:
    job_id = Failing(served).died(PermanentError("no"))
    letters.purge(job_id, by=ANNA, connection=served)

    found = explained(served, job_id)

    assert codes(found) == ["failed_without_letter"]
    assert found.sentences[0].startswith("It failed, and has no dead letter: somebody purged it")


def test_a_failure_kind_that_somebody_muted_is_no_news(served: Redis) -> None:
    Failing(served).died(PermanentError("no"))
    (fingerprint,) = served.zrange(keys.failures(), 0, -1)
    served.hset(keys.failure(fingerprint.decode()), "state", "muted")

    assert codes(explained(served, "email")) == []


# --- streams ------------------------------------------------------------------------------------


@pytest.fixture
def stream(redis: Redis) -> Callable[..., None]:
    """Publish some entries to one stream."""

    def _publish(count: int = 3, **settings: object) -> None:
        for _ in range(count):
            message = MessageScanMessage.of("g", "c", ["m"])
            publish(message, connection=redis, settings=Settings(**settings))

    return _publish


def test_a_stream_that_nobody_reads(redis: Redis, stream) -> None:
    stream(7)

    found = explained(redis, SCANS)

    assert (found.kind, codes(found)) == ("stream", ["no_consumers"])
    assert found.sentences[0] == (
        f"No consumer of group workers reads {SCANS}: 7 entries are waiting."
    )


def test_dead_consumers_that_have_entries_in_hand(redis: Redis, stream) -> None:
    stream(3)
    redis.xgroup_create(SCANS, "workers", "0")
    redis.xreadgroup("workers", "gone", {SCANS: ">"})
    redis.zadd(stream_keys.consumers("workers"), {"gone": 0, "well": 0})
    keep_alive("workers", ["well"], seconds=60, connection=redis)
    redis.xgroup_createconsumer(SCANS, "workers", "well")
    redis.zadd(stream_keys.consumers("workers"), {"gone": 1})

    found = explained(redis, SCANS)

    assert codes(found) == ["dead_consumers"]
    assert found.sentences[0].startswith(
        f"3 entries of {SCANS} are in the hands of 1 dead consumer (gone), idle for "
    )


def test_a_stream_that_is_full(redis: Redis, stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_LIMIT", "5")
    stream(5)

    found = explained(redis, SCANS)

    assert codes(found) == ["stream_full", "no_consumers"]
    assert found.sentences[0] == (
        f"{SCANS} is full: 5 entries are not finished, and STREAM_LIMIT is 5."
    )


# --- Redis itself -------------------------------------------------------------------------------


def test_a_redis_that_is_full(own_server: Redis, register: Register) -> None:
    register(own_server, *EMAIL)
    handle = send(own_server)
    used = own_server.info("memory")["used_memory"]
    own_server.config_set("maxmemory", used + 100_000)

    found = explained(own_server, handle.id)

    assert codes(found)[0] == "memory_nearly_full"
    assert "because Redis uses " in found.sentences[0]
    assert "; when it is full, nothing can be sent" in found.sentences[0]


def test_a_redis_that_removes_keys(own_server: Redis, register: Register) -> None:
    register(own_server, *EMAIL)
    own_server.config_set("maxmemory-policy", "allkeys-lru")

    found = explained(own_server, "email")

    assert codes(found) == ["eviction_policy"]
    assert found.sentences[0].startswith("maxmemory-policy is allkeys-lru")


def test_a_redis_that_does_not_answer() -> None:
    with Redis(port=1, retry=Retry(NoBackoff(), 0)) as nobody:
        (found,) = why("email", connection=nobody)

    assert (found.kind, codes(found)) == ("redis", ["redis_unreachable"])
    assert "127.0.0.1" in found.sentences[0] or "localhost" in found.sentences[0]


# --- nothing is wrong, or nobody knows ----------------------------------------------------------


def test_a_job_on_its_way_has_no_findings(served: Redis) -> None:
    first, second = send(served), send(served)

    found = explained(served, second.id)

    assert (found.state, found.findings, found.do) == ("waiting", [], ())
    assert found.sentences[0].endswith("; 1 job is ahead of it.")
    assert codes(explained(served, first.id)) == []


def test_a_name_that_nothing_has_is_told_with_those_that_are_like_it(redis: Redis) -> None:
    with pytest.raises(SubjectNotFound, match="There is no job, queue, stream or unique key") as e:
        why("emial", connection=redis)

    assert "email" in e.value.remedy


def test_a_job_and_a_queue_of_one_name_are_both_explained(redis: Redis) -> None:
    message = EmailMessage.of("ada@example.com", "Hi", "welcome")
    named = message.model_copy(update={"message_id": "email"})
    enqueue(named, connection=redis)

    assert [each.kind for each in why("email", connection=redis)] == ["job", "queue"]


def test_an_explanation_is_json(redis: Redis) -> None:
    send(redis)

    told = json.loads(json.dumps(explained(redis, "email").as_json()))

    assert set(told) == {
        *("kind", "name", "state", "explanation", "findings", "do"),
        *("startsInSeconds", "drainsInSeconds"),
    }
    assert told["findings"][0]["code"] == "no_worker"


def seconds_in(sentence: str, after: str) -> float:
    """The span that a sentence tells after some words."""
    number, unit = sentence.partition(after)[2].split()[:2]
    return float(number) * {"s": 1, "min": 60, "h": 3_600}[unit.strip(":.,;")]
