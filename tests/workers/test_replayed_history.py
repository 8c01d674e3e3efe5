"""A job whose message was sent again keeps what it died of, and says as what and by whom."""

from dataclasses import asdict
from datetime import UTC, datetime

import pytest

from monitoring.jobs import get_job_status
from tests.workers.conftest import message
from tests.workers.letters import bury_message
from workers import By, attempts, dead_letters, enqueue, keys, operations, retry_job
from workers.attempts import AttemptRecord
from workers.clock import shown_time

ANN = By("ann", "the disk is mended")
DAY = 86_400


def attempt(number: int, outcome: str) -> AttemptRecord:
    began = f"2026-01-15T12:00:0{number}+00:00"
    return AttemptRecord(number, outcome, "builtins.OSError", 'no "disk" \ud800', started_at=began)


@pytest.fixture
def dead(redis) -> str:
    """A job that failed twice and has a dead letter; its record expires in an hour."""
    sent = message()
    enqueue(sent, connection=redis)
    redis.lpop(keys.queue("default"))
    for entry in (attempt(1, "retried"), attempt(2, "dead")):
        attempts.record(entry, job_id=sent.message_id, ttl=DAY, connection=redis)
    redis.hset(keys.job(sent.message_id), "status", "failed")
    redis.expire(keys.job(sent.message_id), 3_600)
    return bury_message(redis, sent, queue="default", error="OSError: no disk")


def replay(job_id: str, redis) -> str:
    return dead_letters.replay(job_id, by=ANN, connection=redis)


def replay_all(_: str, redis) -> None:
    dead_letters.replay_all(dead_letters.Filter(), by=ANN, connection=redis)


def retry(job_id: str, redis) -> str:
    return retry_job(job_id, by=ANN, connection=redis)


@pytest.mark.parametrize("resend", [replay, replay_all, retry])
def test_a_replayed_job_goes_on_to_show_its_attempts_and_its_error(redis, dead, resend) -> None:
    before = get_job_status(dead, connection=redis)
    began = shown_time(datetime.now(UTC))
    resend(dead, redis)

    after = get_job_status(dead, connection=redis)
    assert not redis.exists(keys.dead_letter(dead))
    assert [each["number"] for each in after["attempts"]] == [1, 2]
    same = ("attempts", "error", "reason", "status")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert redis.hget(keys.job(after["replayedAs"]), "status") == b"queued"
    assert after["replayedBy"] == "ann"
    assert began <= after["replayedAt"] <= shown_time(datetime.now(UTC))


def test_what_a_replayed_job_keeps_goes_with_its_record(redis, dead) -> None:
    replay(dead, redis)

    assert 3_590 <= redis.ttl(keys.attempts(dead)) <= 3_600
    operations.delete(dead, by=ANN, connection=redis)
    assert not redis.exists(keys.attempts(dead))


def test_of_a_job_whose_record_is_gone_a_replay_leaves_nothing(redis, dead) -> None:
    redis.delete(keys.job(dead))
    replay(dead, redis)

    assert not redis.exists(keys.attempts(dead), keys.job(dead))


def test_a_retry_of_a_job_without_a_letter_says_who_it_was(redis) -> None:
    job_id = enqueue(message(), connection=redis).id
    entry = attempt(1, "retried")
    attempts.record(entry, job_id=job_id, ttl=DAY, connection=redis)
    redis.hset(keys.job(job_id), "status", "stopped")
    new_id = retry(job_id, redis)

    told = get_job_status(job_id, connection=redis)
    assert (told["replayedAs"], told["replayedBy"], told["error"]) == (new_id, "ann", None)
    assert attempts.history(job_id, connection=redis) == (entry,)


def test_the_attempts_come_back_as_they_were(redis, dead) -> None:
    replay(dead, redis)

    kept = attempts.history(dead, connection=redis)
    assert [asdict(each) for each in kept] == [
        asdict(attempt(1, "retried")),
        asdict(attempt(2, "dead")),
    ]


def test_a_job_that_an_older_release_replayed_says_only_as_what(redis, dead) -> None:
    new_id = replay(dead, redis)
    redis.hdel(keys.job(dead), "replayed")

    told = get_job_status(dead, connection=redis)
    assert (told["replayedAs"], told["replayedAt"], told["replayedBy"]) == (new_id, None, None)
