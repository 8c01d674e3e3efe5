"""Each verdict is found where its cause is, and only there."""

import os
import time

import pytest
from redis import Redis

from messages import TestData, TestMessage
from tests.faults.census import Census, census
from tests.faults.checker import Verdict, check
from tests.faults.ledger import Ledger, write
from workers import enqueue, keys

pytestmark = pytest.mark.skipif(
    "RQ_KEY_PREFIX" in os.environ, reason="a census is of a whole server, and this one is shared"
)

CLEAN = dict.fromkeys(vars(Verdict()), 0)


@pytest.fixture
def done(redis: Redis, ledger: Ledger) -> str:
    """A job that was sent, ran once and is finished."""
    job = _sent(redis, ledger)
    redis.lpop(keys.queue("a"))
    redis.hset(keys.job(job), "status", "finished")
    redis.zadd(keys.finished("a"), {job: 2e9})
    for what in ("start", "end", "finished"):
        write(ledger.path, what, job, "work")
    return job


def _sent(redis: Redis, ledger: Ledger) -> str:
    message = TestMessage(data=TestData(test_type="work"))
    for what in ("attempted", "acked"):
        write(ledger.path, what, message.message_id, "work")
    return enqueue(message, connection=redis, queue="a").id


def _look(redis: Redis, ledger: Ledger) -> Census:
    return census(redis, ledger.refresh().ids("attempted"), ["a"])


def _verdict(redis: Redis, ledger: Ledger) -> dict[str, float]:
    return check(ledger, _look(redis, ledger)).counts()


def test_a_job_that_ran_once_is_clean(redis, ledger, done):
    assert _verdict(redis, ledger) == CLEAN


def test_a_job_that_is_in_no_list_is_lost(redis, ledger):
    _sent(redis, ledger)
    redis.delete(keys.queue("a"))

    assert _verdict(redis, ledger) == {**CLEAN, "lost": 1}


def test_a_job_whose_record_is_gone_is_lost(redis, ledger):
    redis.delete(keys.job(_sent(redis, ledger)), keys.queue("a"))

    assert _verdict(redis, ledger) == {**CLEAN, "lost": 1}


def test_a_job_that_is_finished_and_never_came_to_its_end_is_lost(redis, ledger):
    job = _sent(redis, ledger)
    redis.delete(keys.queue("a"))
    redis.hset(keys.job(job), "status", "finished")
    write(ledger.path, "start", job, "work")

    assert _verdict(redis, ledger) == {**CLEAN, "lost": 1}


def test_a_job_that_still_waits_is_stuck(redis, ledger):
    _sent(redis, ledger)

    assert _verdict(redis, ledger) == {**CLEAN, "stuck": 1}


def test_a_job_that_nobody_sent_is_a_phantom(redis, ledger, done):
    write(ledger.path, "start", "ghost", "work")

    assert _verdict(redis, ledger) == {**CLEAN, "phantom": 1}


def test_a_second_start_is_extra(redis, ledger, done):
    write(ledger.path, "start", done, "work")

    assert _verdict(redis, ledger) == {**CLEAN, "extra": 1}


def test_a_planned_second_start_is_not_extra(redis, ledger, done):
    other = _sent(redis, ledger)
    redis.delete(keys.queue("a"))
    redis.hset(keys.job(other), "status", "finished")
    for what in ("start", "start", "end"):
        write(ledger.path, what, other, "blip once")

    assert _verdict(redis, ledger) == CLEAN


def test_two_announced_outcomes_are_split(redis, ledger, done):
    write(ledger.path, "failed", done)

    assert _verdict(redis, ledger) == {**CLEAN, "split": 1}


def test_two_results_are_split(redis, ledger, done):
    for _ in range(2):
        redis.xadd(keys.result(done), {"type": 1})

    assert _verdict(redis, ledger) == {**CLEAN, "split": 1}


def test_a_finished_job_with_a_dead_letter_is_split_and_its_letter_left_over(redis, ledger, done):
    redis.zadd(keys.dead_letters(), {done: time.time()})

    assert _verdict(redis, ledger) == {**CLEAN, "split": 1, "residue": 1}


@pytest.mark.parametrize(
    "leave",
    [
        lambda redis, job: redis.rpush(keys.intermediate("a"), job),
        lambda redis, job: redis.zadd(keys.held("type:TEST", "a"), {f"{job}:1": 1}),
        lambda redis, job: redis.zadd(keys.leases("gone"), {f"{job}:1": 1}),
        lambda redis, _: redis.zadd(keys.holders(), {"gone": 1}),
        lambda redis, _: redis.set("postroom:nobody-knows", 1),
        lambda redis, job: redis.sadd("nobody-knows", job),
    ],
    ids=["list of taken jobs", "set of held jobs", "lease", "holder", "unknown key", "foreign set"],
)
def test_what_no_live_job_explains_is_residue(redis, ledger, done, leave):
    leave(redis, done)

    assert _verdict(redis, ledger)["residue"] >= 1


def test_what_expires_is_no_residue(redis, ledger, done):
    redis.set("postroom:nobody-knows", 1, ex=60)

    assert _verdict(redis, ledger) == CLEAN


def test_a_job_that_the_drill_has_damaged_only_has_to_end_somewhere(redis, ledger):
    job = _sent(redis, ledger)
    redis.delete(keys.job(job), keys.queue("a"))
    redis.zadd(keys.dead_letters(), {job: time.time()})

    found = check(ledger, _look(redis, ledger), spoiled={job})

    assert found.counts() == CLEAN
