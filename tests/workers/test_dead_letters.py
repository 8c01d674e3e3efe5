from datetime import UTC, datetime, timedelta
from multiprocessing.pool import ThreadPool

import pytest

from messages import TestMessage
from tests.workers.conftest import message
from workers import dead_letters, enqueue, keys, on, on_dead
from workers.attempts import AttemptRecord, history, next_attempt, record
from workers.burial import Death, bury_job
from workers.dead_letters import DeadLetter
from workers.registry import separate_registry


def letter(job_id="job-1", *, buried_at="2026-01-15T12:00:00+00:00", reason="permanent"):
    return DeadLetter(job_id, "TEST", "default", reason, "it broke", buried_at)


def attempt(number=1, outcome="retried", **values):
    return AttemptRecord(
        number=number, outcome=outcome, error_type="builtins.KeyError", error="'x'", **values
    )


def test_a_job_is_buried_once_whoever_comes_first(redis):
    def bury(reason):
        return dead_letters.bury(letter(reason=reason), meta={}, connection=redis)

    with ThreadPool(8) as pool:
        stored = pool.map(bury, [f"reason {number}" for number in range(16)])

    assert sum(stored) == 1
    assert dead_letters.count(connection=redis) == 1


def test_a_letter_holds_the_message_and_the_attempts_and_ends_the_history(redis, now):
    handle = enqueue(message(), connection=redis)
    record(attempt(1), job_id=handle.id, ttl=60, connection=redis)

    sent = {"messageType": "TEST", "data": {"testType": "echo"}}
    death = Death(handle.id, "default", "exhausted", "KeyError: 'x'", sent)
    bury_job(death, meta={"attempts": 1}, now=now, connection=redis)

    found = dead_letters.find(handle.id, connection=redis)
    assert found.message_type == "TEST"
    assert found.envelope["data"] == {"testType": "echo"}
    assert [entry["error_type"] for entry in found.attempts] == ["builtins.KeyError"]
    assert found.buried_at == now.isoformat()
    assert history(handle.id, connection=redis) == ()
    assert redis.hget(keys.job(handle.id), "meta") == b'{"attempts": 1, "buried": "exhausted"}'


def test_burying_does_not_bring_a_deleted_job_back(redis):
    dead_letters.bury(letter("gone"), meta={}, connection=redis)

    assert not redis.exists(keys.job("gone"))


def test_the_application_is_told_before_the_letter_is_stored(redis, now):
    seen = []
    with separate_registry():

        @on_dead(TestMessage)
        def mourn(dead, letter):
            seen.append((dead.data.test_type, letter.reason, dead_letters.count(connection=redis)))

        @on("dead")
        def count(letter):
            seen.append((letter.reason, dead_letters.count(connection=redis)))

        for _ in range(2):
            sent = {"messageType": "TEST", "data": {"testType": "echo"}}
            death = Death("job-1", "default", "timeout", "too slow", sent)
            bury_job(death, meta={}, now=now, connection=redis)

    # Twice for on_dead, which may repeat; once for the letter and its hook.
    assert seen == [("echo", "timeout", 0), ("timeout", 1), ("echo", "timeout", 1)]


@pytest.mark.parametrize("envelope", [None, "rubbish", [1], {}, {"messageType": "TEST"}])
def test_what_cannot_be_read_is_kept_as_it_is(redis, now, envelope):
    death = Death("job-1", "default", "invalid_payload", "wrong", envelope)
    bury_job(death, meta={}, now=now, connection=redis)

    assert dead_letters.find("job-1", connection=redis).envelope == envelope


def test_letters_are_listed_newest_first_and_resolved_one_by_one(redis):
    for number in range(3):
        at = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)).isoformat()
        dead_letters.bury(letter(f"job-{number}", buried_at=at), meta={}, connection=redis)

    newest = [found.job_id for found in dead_letters.newest(2, connection=redis)]

    assert newest == ["job-2", "job-1"]
    assert dead_letters.resolve("job-2", connection=redis)
    assert not dead_letters.resolve("job-2", connection=redis)
    assert dead_letters.find("job-2", connection=redis) is None
    assert dead_letters.count(connection=redis) == 2


def test_letters_leave_by_age_and_not_a_day_earlier(redis, now):
    for days in (89, 91):
        at = (now - timedelta(days=days)).isoformat()
        dead_letters.bury(letter(f"{days} days", buried_at=at), meta={}, connection=redis)

    removed = dead_letters.remove_old(older_than=timedelta(days=90), now=now, connection=redis)

    assert removed == 1
    assert dead_letters.find("89 days", connection=redis) is not None


def test_crashes_and_hand_backs_do_not_count_as_attempts(now):
    past = [
        attempt(1, "crashed", started_at=(now - timedelta(seconds=90)).isoformat()),
        attempt(1, "handed_back"),
        attempt(1, "retried", tier="resource"),
        attempt(2, "retried", tier="transient"),
    ]

    found = next_attempt(past, now=now)

    assert (found.number, found.immediate, found.age) == (3, 1, timedelta(seconds=90))


def test_a_history_is_short_and_expires(redis):
    for number in range(60):
        record(attempt(number + 1), job_id="job-1", ttl=5, connection=redis)
    redis.rpush(keys.attempts("job-1"), b"rubbish")

    assert [entry.number for entry in history("job-1", connection=redis)] == list(range(11, 61))
    assert redis.ttl(keys.attempts("job-1")) > 86_000
