"""Entries whose runs the policy for stuck jobs ends, on real workers: for good, or to try again."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis

from messages import MessageScanMessage
from postroom.embedded import Server
from tests.processes import StartProcess, ask_until_true
from tests.workers.conftest import ROOT, Worker
from tests.workers.streams.places import entry_ids, own
from tests.workers.streams.readers import Consumer, pending
from tests.workers.streams.test_workers import QUICK
from workers import attempts, audit, dead_letters, publish, stream_keys
from workers.errors import InvalidOption
from workers.streams import consumers
from workers.streams.orders import run_line, runs_in, take_orders
from workers.stuck_entries import StuckEntry, resolve_entry
from workers.stuck_policies import StuckPolicy

STOP, REQUEUE = StuckPolicy("stop"), StuckPolicy("requeue")


@pytest.fixture
def work(
    redis: Redis, redis_server: Server, start_warm: StartProcess, tmp_path: Path
) -> Callable[..., Worker]:
    """Start a worker with handlers that take long."""

    def _work(**env: str) -> Worker:
        trace = tmp_path / "trace"
        trace.touch()
        env = {"HANDLER_PACKAGES": "tests.workers.stop_app", "TRACE": str(trace), **QUICK, **env}
        env |= {"REDIS_URL": redis_server.url, "STREAM_PATTERNS": own("plain"), "STOP_GRACE": "0.5"}
        started = start_warm("postroom", "streams", "worker", cwd=ROOT, env=env)
        started.wait_for("streams_worker_started", within=20)
        return Worker(started, trace)

    return _work


def told_runs(redis: Redis, group: str = "workers") -> dict[str, dict[tuple[str, str], float]]:
    """By consumer, what each tells that it runs."""
    names = [name.decode() for name in redis.zrange(stream_keys.consumers(group), 0, -1)]
    told = {name: redis.hget(stream_keys.consumer(group, name), "runs") for name in names}
    return {name: runs_in((runs or b"").decode()) for name, runs in told.items()}


def running(redis: Redis, stream: str, job_id: str) -> StuckEntry:
    """Wait until a consumer tells that it runs the only entry of a stream."""
    (entry,) = entry_ids(redis, stream)
    ask_until_true(lambda: any((stream, entry) in each for each in told_runs(redis).values()))
    (name,) = [who for who, runs in told_runs(redis).items() if (stream, entry) in runs]
    return StuckEntry(job_id, stream, entry, "workers", name, "TEST", 3_600)


def starts(worker: Worker, kind: str) -> int:
    return len([line for line in worker.traces(kind) if line == ["began"]])


def test_stop_ends_a_run_for_good_and_leaves_a_letter(redis, stream, fill, work) -> None:
    worker = work()
    (job_id,) = fill(1, "work")
    stuck = running(redis, stream, job_id)

    assert resolve_entry(stuck, STOP, connection=redis) == "done"
    assert resolve_entry(stuck, STOP, connection=redis) == "done_before"
    ask_until_true(lambda: dead_letters.find(job_id, connection=redis) is not None)

    letter = dead_letters.find(job_id, connection=redis)
    assert (letter.reason, letter.error) == ("stopped", "STUCK_POLICY stopped its run.")
    assert (starts(worker, "work"), worker.traces("work")[1:]) == (1, [["cleaned", "up"]])
    ask_until_true(lambda: not pending(redis, stream))
    (entry,) = audit.entries(9, connection=redis)
    assert (entry.actor, entry.action, entry.target) == ("stuck policy", "entry.stop", job_id)


def test_requeue_tries_the_message_again_as_an_attempt_that_counts(
    redis, stream, fill, work
) -> None:
    worker = work()
    (job_id,) = fill(1, "work")
    stuck = running(redis, stream, job_id)

    assert resolve_entry(stuck, REQUEUE, connection=redis) == "done"
    ask_until_true(lambda: starts(worker, "work") == 2, within=10)

    (record,) = attempts.history(job_id, connection=redis)
    assert (record.outcome, record.counts) == ("retried", True)
    assert "JobStuck" in record.error_type
    assert stuck.entry_id not in pending(redis, stream)
    assert entry_ids(redis, stream) != [stuck.entry_id]


def test_a_handler_that_does_not_listen_is_killed_and_its_message_buried(
    redis, stream, fill, work
) -> None:
    worker = work()
    (job_id,) = fill(1, "ignore")

    assert resolve_entry(running(redis, stream, job_id), STOP, connection=redis) == "done"
    ask_until_true(lambda: dead_letters.find(job_id, connection=redis) is not None, within=10)

    assert dead_letters.find(job_id, connection=redis).reason == "stopped"
    assert starts(worker, "ignore") == 1
    ask_until_true(lambda: not pending(redis, stream))


def test_a_handler_that_does_not_listen_is_killed_and_its_message_tried_again(
    redis, stream, fill, work
) -> None:
    worker = work()
    (job_id,) = fill(1, "ignore")

    assert resolve_entry(running(redis, stream, job_id), REQUEUE, connection=redis) == "done"
    ask_until_true(lambda: starts(worker, "ignore") == 2, within=10)

    (record,) = attempts.history(job_id, connection=redis)
    assert (record.outcome, "JobStuck" in record.error_type) == ("retried", True)


def test_what_runs_beside_it_goes_on(redis, stream, fill, work) -> None:
    worker = work(CONCURRENCY="2")
    (job_id,) = fill(1, "work")
    stuck = running(redis, stream, job_id)
    fill(1, "ask")
    ask_until_true(lambda: starts(worker, "ask") == 1)

    assert resolve_entry(stuck, STOP, connection=redis) == "done"
    ask_until_true(lambda: dead_letters.find(job_id, connection=redis) is not None)

    ask_until_true(lambda: stuck.entry_id not in pending(redis, stream))
    ((_, (consumer, deliveries)),) = pending(redis, stream).items()
    assert (consumer, deliveries) == (stuck.consumer, 1)
    assert worker.traces("ask") == [["began"]]


# --- what is refused, without a worker -----------------------------------------------------------


def held(redis: Redis, *, tells: bool = True, runs: bool = True) -> StuckEntry:
    """An entry in the hands of a consumer, which tells that it runs it."""
    stream = own("plain")
    sent = publish(MessageScanMessage.of("g", "c", ["m"]), stream=stream, connection=redis)
    consumer = Consumer(redis)
    (entry,) = consumer.take()
    line = run_line(stream, entry.execution, time.time()) if runs else ""
    facts = {"host": "one"} | ({"runs": line} if tells else {})
    consumers.tell("workers", consumer.consumer, facts, seconds=60, connection=redis)
    return StuckEntry(
        sent.message_id,
        stream,
        entry.execution,
        "workers",
        consumer.consumer,
        "MESSAGE_SCAN",
        3_600,
    )


def orders(redis: Redis, entry: StuckEntry) -> int:
    return len(take_orders(entry.group, entry.consumer, connection=redis))


def test_what_waits_behind_another_run_is_let_alone(redis: Redis) -> None:
    entry = held(redis, runs=False)

    assert resolve_entry(entry, STOP, connection=redis) == "changed"
    assert (orders(redis, entry), redis.exists(entry.mark_key)) == (0, 0)


def test_a_consumer_that_tells_no_runs_takes_no_orders(redis: Redis) -> None:
    entry = held(redis, tells=False)

    assert resolve_entry(entry, REQUEUE, connection=redis) == "stock_worker"
    assert orders(redis, entry) == 0


def test_an_entry_that_is_done_or_whose_consumer_is_dead_is_let_alone(redis: Redis) -> None:
    done, dead = held(redis), held(redis)
    redis.xack(done.stream, "workers", done.entry_id)
    redis.zadd(stream_keys.consumers("workers"), {dead.consumer: 1})

    assert [resolve_entry(each, STOP, connection=redis) for each in (done, dead)] == [
        "changed",
        "changed",
    ]


def test_those_who_ask_at_the_same_moment_give_one_order(redis: Redis) -> None:
    entry = held(redis)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: resolve_entry(entry, STOP, connection=redis), range(8)))

    assert sorted(set(found)) == ["done", "done_before"]
    assert (found.count("done"), orders(redis, entry)) == (1, 1)
    assert orders(redis, entry) == 0  # each is given once


def test_the_run_of_another_consumer_is_another_run(redis: Redis) -> None:
    entry = held(redis)
    assert resolve_entry(entry, STOP, connection=redis) == "done"
    redis.xclaim(entry.stream, "workers", "another", 0, [entry.entry_id])

    assert resolve_entry(entry, STOP, connection=redis) == "done_before"
    assert not redis.exists(
        stream_keys.stuck_entry("workers", "another", entry.stream, entry.entry_id)
    )


def test_an_entry_cannot_be_escalated(redis: Redis) -> None:
    entry = held(redis)

    with pytest.raises(InvalidOption, match="cannot be told to escalate"):
        resolve_entry(entry, StuckPolicy("escalate"), connection=redis)
