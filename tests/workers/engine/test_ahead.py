"""The batch that is leased while another runs: it is never lost, run twice, or kept too long."""

import contextlib
import json
import time
from collections.abc import Iterator, Sequence

import pytest
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.processes import ask_until_true
from tests.workers.conftest import message
from tests.workers.engine.bells import Proxy, port_of
from tests.workers.engine.steps import LIST, run_of
from tests.workers.takers import Taker
from workers import enqueue_many, keys
from workers.engine.recovery import uncommitted
from workers.engine.slot import Done
from workers.engine.step import Lease

BATCH = 3


@pytest.fixture
def sent(redis: Redis) -> list[str]:
    return enqueue_many([message("echo") for _ in range(3 * BATCH)], connection=redis)


@pytest.fixture
def proxy(redis: Redis) -> Iterator[Proxy]:
    made = Proxy(port_of(redis))
    yield made
    made.close()


@pytest.fixture
def child(redis: Redis, proxy: Proxy) -> Iterator[Taker]:
    db = redis.connection_pool.connection_kwargs["db"]
    with Redis(port=proxy.port, db=db, retry=Retry(NoBackoff(), 0)) as client:
        yield Taker(client)


def run_first(child: Taker) -> Sequence[Lease]:
    """Lease a batch and the next one ahead, and run the first."""
    step = child.steps.take(BATCH)
    child.steps.send(step, BATCH)
    run(child, step.leased)
    return step.leased


def run(child: Taker, leased: Sequence[Lease]) -> None:
    for lease in leased:
        made = run_of(lease)
        child.page.write(made)
        child.steps.keep(Done(lease, time.time(), None, made), time.monotonic())


def ids(leased: Sequence[Lease]) -> list[str]:
    return [lease.job_id for lease in leased]


def finished(redis: Redis) -> list[str]:
    return sorted(each.decode() for each in redis.zrange(keys.finished(LIST), 0, -1))


def test_the_next_batch_is_leased_while_one_runs_and_the_last_one_committed(redis, child, sent):
    first = run_first(child)
    second = child.steps.next(lambda: 0)
    assert (ids(first), ids(second.leased)) == (sent[:BATCH], sent[BATCH : 2 * BATCH])
    assert finished(redis) == []
    child.steps.send(second, BATCH)
    ask_until_true(lambda: finished(redis) == sent[:BATCH])
    run(child, second.leased)
    assert ids(child.steps.next(lambda: 0).leased) == sent[2 * BATCH :]


def test_a_batch_that_was_not_full_says_that_there_is_nothing_to_lease_ahead(redis, child, sent):
    step = child.steps.take(len(sent) + 1)
    child.steps.send(step, BATCH)
    run(child, step.leased)
    assert child.steps.next(lambda: 0).leased == []
    assert (finished(redis), len(child.page.journal())) == (sent, 0)


def test_an_answer_that_is_lost_is_asked_for_again_and_nothing_is_done_twice(
    redis, child, proxy, sent
):
    run_first(child)
    second = child.steps.next(lambda: 0)
    proxy.holds = True
    child.steps.send(second, BATCH)
    ask_until_true(lambda: proxy.held)
    proxy.cut()
    run(child, second.leased)
    third = child.steps.next(lambda: 0)
    assert (third.state, ids(third.leased)) == ("repeated", sent[2 * BATCH :])
    assert (third.refused, child.held()) == ([], sent[BATCH:])


def test_a_slow_job_gives_back_what_was_leased_ahead_in_its_old_order(redis, child, sent):
    run_first(child)
    child.steps.commit_once()
    child.leases.hand_back(child.steps.give_back())
    assert redis.lrange(keys.queue(LIST), 0, -1) == [each.encode() for each in sent[BATCH:]]
    assert (finished(redis), child.held()) == (sent[:BATCH], [])
    assert child.page.journal() == []


def test_a_commit_in_the_middle_of_a_job_that_fails_is_made_up_for_by_the_next_step(
    redis, child, proxy, sent
):
    run_first(child)
    ask_until_true(lambda: len(child.held()) == 2 * BATCH)
    proxy.close()
    with pytest.raises(RedisError):
        child.steps.commit_once()
    assert len(child.page.journal()) == BATCH
    with contextlib.closing(Proxy(port_of(redis), proxy.port)):
        step = child.steps.next(lambda: 0)
        assert ids(step.leased) == child.held() == sent[BATCH : 2 * BATCH]
    assert (finished(redis), child.page.journal()) == (sent[:BATCH], [])


def test_a_job_that_is_cancelled_while_it_is_leased_ahead_does_not_start(redis, child, sent):
    run_first(child)
    ask_until_true(lambda: len(child.held()) == 2 * BATCH)
    redis.set(keys.cancel_wish(sent[BATCH]), 1)
    child.steps.keep_ahead(child.rq_lane.may_start)
    assert ids(child.steps.next(lambda: 0).leased) == sent[BATCH + 1 : 2 * BATCH]
    assert redis.hget(keys.job(sent[BATCH]), "status") == b"canceled"


def test_a_suspect_is_the_only_job_in_hand_when_it_starts(redis, child, sent, monkeypatch):
    redis.hset(keys.job(sent[BATCH]), "lost", 1)
    in_hand = []
    monkeypatch.setattr(child, "run", lambda *_: in_hand.append(child.held()))
    run_first(child)
    step = child.steps.next(lambda: 0)
    child.steps.send(step, BATCH)
    child.run_batch(step)
    assert in_hand == [[sent[BATCH]]]
    assert finished(redis) == sent[:BATCH]


def test_what_a_dead_child_had_committed_is_not_committed_again(redis, child, sent):
    first = run_first(child)
    second = child.steps.next(lambda: 0)
    child.steps.send(second, BATCH)
    ask_until_true(lambda: finished(redis) == sent[:BATCH])
    run(child, second.leased)
    runs = child.page.journal()
    assert len(runs) == 2 * BATCH
    left = uncommitted(child.leases, runs)
    assert [json.loads(each.split(b"\t")[1])[0] for each in left] == ids(second.leased)
    assert ids(first) == sent[:BATCH]


def test_what_was_taken_over_from_a_dead_child_is_still_refused_and_counted(redis, child, sent):
    run_first(child)
    other = Taker(redis)
    other.put_back_those_of(child)
    assert len(uncommitted(child.leases, child.page.journal())) == BATCH
