"""A worker's clean-up asks little where there is nothing to do, and finds what there is."""

import time

import pytest
from redis import Redis
from rq import Queue
from rq.rate_limit import RateLimitRegistry
from rq.serializers import JSONSerializer

from benchmarks.monitor import counted_commands
from tests.workers.conftest import message
from tests.workers.engine.bells import port_of
from tests.workers.stock_jobs import give
from workers import MessageWorker, enqueue, keys
from workers.engine.untidy import untidy

LISTS = ("a", "b", "c")
KEEP = 2


def found(redis: Redis) -> list[str]:
    return list(untidy(LISTS, keep=KEEP, connection=redis))


def test_where_all_is_well_there_is_nothing_to_do(redis):
    enqueue(message("echo"), queue="a", connection=redis)
    redis.zadd(keys.finished("b"), {"job": time.time() + 60})
    redis.zadd(keys.started("b"), {"job:1": time.time() + 60})
    redis.zadd(keys.canceled("c"), {"job": 0})
    assert found(redis) == []


@pytest.mark.parametrize(
    "leave",
    [
        pytest.param(lambda to: to.zadd(keys.finished("b"), {"job": 1}), id="expired history"),
        pytest.param(lambda to: to.zadd(keys.started("b"), {"job:1": 1}), id="abandoned run"),
        pytest.param(lambda to: to.zadd(keys.failed("b"), {"job": time.time() + 60}), id="failure"),
        pytest.param(lambda to: to.zadd(keys.deferred("b"), {"job": 1}), id="waits for another"),
        pytest.param(
            lambda to: to.zadd(keys.canceled("b"), {"1": 1, "2": 2, "3": 3}),
            id="too many cancelled",
        ),
        pytest.param(
            lambda to: to.sadd(f"{keys.rq_prefix()}workers:b", "rq:worker:gone"), id="dead worker"
        ),
        pytest.param(
            lambda to: to.rpush(f"{keys.queue('b')}:intermediate", "job"), id="half popped"
        ),
        pytest.param(
            lambda to: to.zadd(f"{keys.rq_prefix()}ready:b", {"job": 1}), id="half enqueued"
        ),
    ],
)
def test_what_was_left_behind_is_found(redis, leave):
    leave(redis)
    assert found(redis) == ["b"]


def test_rate_limits_are_looked_after_although_they_belong_to_no_list(redis):
    with redis.pipeline() as pipe:
        RateLimitRegistry("limit", redis).register(1, pipe)
        pipe.execute()
    assert found(redis) == ["a"]


def test_thirty_queues_are_looked_at_in_a_few_commands(redis):
    worker = MessageWorker([f"queue-{number}" for number in range(30)], connection=redis)
    worker.run_maintenance_tasks()  # which loads its scripts
    with counted_commands(port_of(redis)) as counted:
        worker.run_maintenance_tasks()
    assert counted.commands <= 8


def test_an_abandoned_run_of_a_stock_worker_is_still_ended(redis):
    queue = Queue("b", connection=redis, serializer=JSONSerializer)
    job = queue.enqueue(give, 1)
    redis.lpop(queue.key)
    redis.hset(job.key, "status", "started")
    redis.zadd(keys.started("b"), {f"{job.id}:1": 1})
    worker = MessageWorker(["a", "b"], connection=redis)
    worker.run_maintenance_tasks()
    assert redis.zcard(keys.started("b")) == 0
    assert len(worker.queues) == 6
