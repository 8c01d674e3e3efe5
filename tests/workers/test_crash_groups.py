"""Messages that killed every process that ran them are groups of failures, too."""

import time
from datetime import UTC, datetime

import pytest
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer

from messages import EmailMessage, Message, NoteEnrichmentMessage
from monitoring.failures import get_failure_group, get_failure_groups
from monitoring.jobs import get_job_status
from tests.workers.failing import Failing, an_email, groups, raised
from tests.workers.takers import Taker
from workers import By, attempts, dead_letters, enqueue, failure_groups, keys
from workers.clock import iso, shown_text
from workers.engine.crashes import crashed
from workers.engine.due import Due
from workers.lost import CRASH_LIMIT, give_another_chance
from workers.settings import Settings

KILLED = "its process was ended by signal 9"


class Deaths:
    """A queue whose jobs kill the process that runs them."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.taker = Taker(redis, "email")

    def die(self, cause: str = KILLED, sent: Message | None = None, times: int = 3) -> str:
        """Let a message kill so many processes; returns its id."""
        handle = enqueue(sent or an_email(), queue="email", connection=self.redis)
        for _ in range(times):
            self.redis.zadd(keys.scheduled("email"), {handle.id: 0}, xx=True)
            Due(self.taker.worker.lists, self.redis).promote()
            (lease,) = self.taker.lease()
            crashed(self.taker.leases, lease, cause)
        return handle.id


@pytest.fixture
def deaths(redis: Redis) -> Deaths:
    return Deaths(redis)


def told(redis: Redis) -> list[tuple[str, str, str, int]]:
    return sorted(
        (each["messageType"], each["errorType"], each["message"], each["count"])
        for each in get_failure_groups(connection=redis)["groups"]
    )


def test_a_crash_after_which_it_runs_again_counts_for_no_group(redis, deaths) -> None:
    deaths.die(times=CRASH_LIMIT - 1)

    assert groups(redis) == []


def test_the_crash_by_which_it_is_buried_makes_a_group_with_the_signal(redis, deaths) -> None:
    job_id = deaths.die()

    assert told(redis) == [("EMAIL", "crash", KILLED, 1)]
    (name,) = groups(redis)
    group = get_failure_group(name, connection=redis)
    assert [(job["jobId"], job["deadLetter"]) for job in group["jobs"]] == [(job_id, True)]
    assert sum(each["count"] for each in group["trend"]) == 1
    assert len(group["versions"]) == 1


def test_type_and_cause_tell_groups_apart_and_the_number_of_a_signal_counts(redis, deaths) -> None:
    for cause in (KILLED, KILLED, "its process was ended by signal 11", "its worker vanished"):
        deaths.die(cause)
    deaths.die(KILLED, NoteEnrichmentMessage.of("n"))

    assert told(redis) == [
        ("EMAIL", "crash", "its process was ended by signal 11", 1),
        ("EMAIL", "crash", KILLED, 2),
        ("EMAIL", "crash", "its worker vanished", 1),
        ("NOTE_ENRICHMENT", "crash", KILLED, 1),
    ]


def test_an_error_of_the_same_words_is_another_group(redis, deaths) -> None:
    deaths.die("closed")
    Failing(redis).died(raised("closed"))

    assert len(groups(redis)) == 2


def test_its_dead_letters_are_replayed_by_the_fingerprint(redis, deaths) -> None:
    deaths.die("its worker vanished")
    other = groups(redis)
    job_id = deaths.die()
    (name,) = set(groups(redis)) - set(other)

    done = failure_groups.replay(name, by=By("ada", "more memory now"), connection=redis)

    assert list(done.job_ids) == [job_id]
    assert dead_letters.count(connection=redis) == 1


@pytest.mark.parametrize("crashes", [1, 3])
def test_a_run_that_was_shown_and_crashed_is_told_from_its_start(redis, deaths, crashes) -> None:
    job_id = deaths.die(times=crashes - 1)
    redis.zadd(keys.scheduled("email"), {job_id: 0}, xx=True)
    Due(deaths.taker.worker.lists, redis).promote()
    (lease,) = deaths.taker.lease()
    began = iso(time.time() - 30)
    redis.hset(keys.job(job_id), mapping={"status": "started", "started_at": began})
    crashed(deaths.taker.leases, lease, KILLED)

    last = get_job_status(job_id, connection=redis)["attempts"][-1]
    assert last["startedAt"] == shown_text(began)
    assert 30_000 <= last["durationMs"] < 35_000


def test_what_killed_every_process_is_kept_as_long_as_any_other_failure(redis, deaths) -> None:
    job_id = deaths.die()

    listed = redis.zscore(keys.failed("email"), job_id) - time.time()
    assert abs(redis.ttl(keys.job(job_id)) - Settings().failure_ttl) < 60
    assert abs(listed - Settings().failure_ttl) < 60


def test_a_run_is_told_of_the_worker_that_died_and_not_of_who_took_over(redis, deaths) -> None:
    job_id = enqueue(an_email(), queue="email", connection=redis).id
    (lease,) = deaths.taker.lease()
    shown = {"status": "started", "started_at": iso(time.time() - 1), "worker_name": "the dead"}
    redis.hset(keys.job(job_id), mapping=shown)
    crashed(deaths.taker.leases, lease, "its worker vanished")

    (entry,) = attempts.history(job_id, connection=redis)
    assert entry.worker == "the dead" != deaths.taker.leases.worker


@pytest.mark.parametrize(
    "told", [{}, {"status": "started", "started_at": "soon"}, {"started_at": iso(0)}]
)
def test_a_run_that_crashed_before_anybody_saw_it_is_told_from_its_end(redis, deaths, told) -> None:
    job_id = deaths.die(times=0)
    (lease,) = deaths.taker.lease()
    if told:
        redis.hset(keys.job(job_id), mapping=told)
    crashed(deaths.taker.leases, lease, KILLED)

    (record,) = attempts.history(job_id, connection=redis)
    assert record.duration_ms == 0


def test_who_lost_the_lease_counts_nothing(redis, deaths) -> None:
    handle = enqueue(an_email(), queue="email", connection=redis)
    for left in (2, 1, 0):
        redis.zadd(keys.scheduled("email"), {handle.id: 0}, xx=True)
        Due(deaths.taker.worker.lists, redis).promote()
        (lease,) = deaths.taker.lease()
        if not left:
            deaths.taker.leases.drop(lease)
        crashed(deaths.taker.leases, lease, KILLED)

    assert groups(redis) == []
    assert dead_letters.count(connection=redis) == 0


def test_under_stock_workers_it_is_the_same_group(redis, deaths) -> None:
    handle = enqueue(an_email(), queue="email", connection=redis)
    job = Job.fetch(handle.id, connection=redis, serializer=JSONSerializer)
    now = datetime.now(UTC)
    chances = [
        give_another_chance(job, error=KILLED, worker="stock", now=now) for _ in range(CRASH_LIMIT)
    ]
    assert chances == [True, True, False]
    deaths.redis.delete(keys.queue("email"))
    deaths.die(KILLED, EmailMessage.of("bob@example.com", "Hello", "welcome"))

    assert told(redis) == [("EMAIL", "crash", KILLED, 2)]
