"""Every way to die at once: each job gets one letter, and the next maintenance makes no second."""

import json
import os
import signal
from collections import Counter

import pytest
from rq import Queue
from rq.serializers import JSONSerializer

from tests.processes import ask_until_true
from tests.workers.conftest import settled
from workers import dead_letters, keys
from workers.dead_letters import Filter

pytestmark = pytest.mark.drill

ONCE = {"attempts": 1}
WAYS = {
    "permanent": ({}, "permanent"),
    "transient": ({}, "exhausted"),
    "resource": (ONCE, "exhausted"),
    "plain": (ONCE, "exhausted"),
    "exit": (ONCE, "exhausted"),
    "unspeakable": (ONCE, "exhausted"),
    "sleep": ({"new_value": 30, "timeout": 1, **ONCE}, "timeout"),
    "die": ({}, "crash_loop"),
    "late": ({"queue_ttl": 0.01}, "expired"),
}
ENV = {"UNKNOWN_TYPE_GRACE": "1.5", "UNKNOWN_TYPE_DELAY": "1"}


def handled_ways(send):
    """What a handler or its process does; returns the reason of each job's letter."""
    handles = {kind: send(kind, **options) for kind, (options, _) in WAYS.items()}
    child = send("child", depends_on=handles["permanent"])
    reasons = {handles[kind].id: reason for kind, (_, reason) in WAYS.items()}
    return reasons | {child.id: "parent_failed"}


def spoilt_ways(redis, send):
    """What somebody did to a record in Redis."""
    spoilt, bare, gone = (send() for _ in range(3))
    redis.hset(keys.job(spoilt.id), "created_at", "yesterday")
    redis.hdel(keys.job(bare.id), "data")
    redis.delete(keys.job(gone.id))
    return {spoilt.id: "corrupt", bare.id: "corrupt", gone.id: "expired"}


def foreign_ways(redis):
    """What others put into the queue."""
    queue = Queue("default", connection=redis, serializer=JSONSerializer)
    ours = "workers.jobs.run_message"
    big = {"messageType": "TEST", "data": {"testType": "x" * 300_000}}
    jobs = {
        Queue("default", connection=redis).enqueue("os.system", "true").id: "not_json",
        queue.enqueue("os.system", "true").id: "foreign_function",
        queue.enqueue(ours, {"messageType": "TEST", "data": {}}).id: "invalid_payload",
        queue.enqueue(ours, {"messageType": "FUTURE", "data": {}}).id: "unknown_type",
        queue.enqueue(ours, big).id: "too_large",
    }
    return jobs  # noqa: RET504 - its name says what it is


def under_a_stock_worker(send, start_worker):
    stock = start_worker("worker", "-c", "worker_settings", "-S", "json", worker_class="rq.Worker")
    handle = send("die")
    settled(handle)
    stock.process.end()
    return {handle.id: "crash"}


def with_its_worker(redis, send, gone):
    handle = send("die slowly", new_value=1, attempts=1)
    (_, _, horse) = ask_until_true(lambda: gone.traces("die slowly"))[0]
    gone.process.end(signal.SIGKILL)
    ask_until_true(lambda: not _is_alive(int(horse)))
    started = f"{keys.job_prefix().removesuffix('job:')}wip:default"
    for execution in redis.zrange(started, 0, -1):
        redis.zadd(started, {execution: 1})
    return {handle.id: "permanent"}


def buried_by(workers):
    """How often the workers say that they buried each job."""
    lines = [line for each in workers for line in each.process.output().splitlines()]
    said = [json.loads(line) for line in lines if '"event": "job_buried"' in line]
    return Counter(line["job_id"] for line in said)


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_each_job_is_buried_exactly_once_whichever_way_it_dies(redis, send, start_worker):
    expected = under_a_stock_worker(send, start_worker)
    gone = start_worker(env=ENV)
    expected |= with_its_worker(redis, send, gone)
    expected |= handled_ways(send) | spoilt_ways(redis, send) | foreign_ways(redis)

    first = start_worker(env=ENV)
    ask_until_true(lambda: dead_letters.count(connection=redis) >= len(expected), within=60)
    assert send("echo").wait(20)
    second = start_worker(env=ENV)
    assert send("echo").wait(20)

    letters = dead_letters.matching(Filter(), connection=redis)
    assert {each.job_id: each.reason for each in letters} == expected
    assert buried_by([gone, first, second]) == Counter(expected.keys())
    assert redis.llen(keys.queue("default")) == redis.llen(keys.intermediate("default")) == 0
