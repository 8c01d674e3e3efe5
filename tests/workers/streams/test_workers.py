"""`postroom streams worker` as a process, and what it survives."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from redis import Redis

from postroom.embedded import Server
from tests.processes import Eventually, StartProcess
from tests.workers.conftest import ROOT, Worker, message
from tests.workers.streams.places import TEMPLATE, ids_in, own
from tests.workers.streams.readers import consumers_of, pending
from workers import attempts, dead_letters, publish, stream_keys

QUICK = {"LEASE_SECONDS": "1", "HEARTBEAT_SECONDS": "0.3", "REAP_SECONDS": "0.2"}
QUICK |= {"PROMOTE_SECONDS": "0.1", "STREAM_WATCH_SECONDS": "0.2"}


@pytest.fixture
def work(
    redis: Redis, redis_server: Server, start_warm: StartProcess, tmp_path: Path
) -> Callable[..., Worker]:
    """Start a worker of streams with the test application and wait until it has begun."""

    def _work(*words: str, **env: str) -> Worker:
        trace = tmp_path / "trace"
        trace.touch()
        env = {"HANDLER_PACKAGES": "tests.workers.app", "TRACE": str(trace), **QUICK, **env}
        env |= {"REDIS_URL": redis_server.url, "STREAM_TEMPLATE": TEMPLATE}
        env |= {"STREAM_PATTERNS": f"{own('jobs:*')},{own('plain')}"}
        started = start_warm("postroom", "streams", "worker", *words, cwd=ROOT, env=env)
        started.wait_for("streams_worker_started", within=20)
        return Worker(started, trace)

    return _work


def is_done(redis: Redis, stream: str, group: str = "workers") -> bool:
    groups = {each["name"].decode(): each for each in redis.xinfo_groups(stream)}
    if group not in groups:
        return False
    last = redis.xinfo_stream(stream)["last-generated-id"]
    return groups[group]["last-delivered-id"] == last and not groups[group]["pending"]


def looks_at_streams(redis: Redis) -> int:
    """How often anybody has asked how full a stream is."""
    stats = redis.info("commandstats")
    if "cmdstat_xinfo" in stats:
        pytest.skip("Redis 6 does not count subcommands")
    return int(stats.get("cmdstat_xinfo|stream", {}).get("calls", 0))


def child_of(worker: Worker) -> psutil.Process:
    (child,) = psutil.Process(worker.process.pid).children()
    return child


def test_it_runs_what_is_published_and_acknowledges_it(redis, stream, fill, work) -> None:
    fill(3)
    worker = work("--burst")
    assert worker.process.popen.wait(15) == 0

    assert len(worker.starts("echo")) == 3
    assert is_done(redis, stream)
    assert not consumers_of(redis, stream)


def test_an_idle_worker_is_woken_at_once(redis, stream, fill, work, eventually: Eventually) -> None:
    fill(1)
    worker = work()
    eventually(lambda: len(worker.starts("echo")) == 1)
    took = []
    for count in range(2, 7):
        sent = time.time()
        fill(1)
        eventually(lambda n=count: len(worker.starts("echo")) == n)
        took.append(worker.starts("echo")[-1] - sent)

    assert min(took) < 0.1


def test_streams_that_begin_later_are_served_at_once(redis, work, eventually: Eventually) -> None:
    worker = work()
    publish(message().model_copy(update={"metadata": {"tenant": "9"}}), connection=redis)

    eventually(lambda: worker.starts("echo"), within=3)


def test_streams_that_others_make_are_found_too(redis, stream, work, eventually) -> None:
    worker = work(STREAM_SCAN_SECONDS="0.2")
    redis.xadd(stream, {"job_id": "test-1", "job_type": "test_message", "test_type": "echo"})

    eventually(lambda: worker.starts("echo"), within=5)
    assert redis.sismember(stream_keys.streams(), stream)


def test_one_that_leaves_when_all_is_done_has_looked_for_what_others_made(
    redis, stream, work
) -> None:
    redis.xadd(stream, {"job_id": "test-1", "job_type": "test_message", "test_type": "echo"})
    worker = work("--burst")
    assert worker.process.popen.wait(15) == 0

    assert len(worker.starts("echo")) == 1


def test_what_a_killed_worker_had_is_claimed_by_another(
    redis, stream, fill, work, eventually
) -> None:
    first = work()
    publish(sleeping(5), stream=stream, connection=redis)
    fill(5)
    eventually(lambda: first.starts("sleep"))
    child = child_of(first)
    os.kill(first.process.pid, signal.SIGKILL)
    child.wait(5)
    second = work()

    eventually(lambda: len(second.starts("sleep")) == 2, within=10)
    # They wait behind it if the first worker had them in its hands, too.
    eventually(lambda: len(second.starts("echo")) == 5, within=15)


def sleeping(seconds: float):
    return message("sleep", new_value=seconds)


def test_a_slow_message_of_a_living_worker_is_not_started_twice(
    redis, stream, work, eventually
) -> None:
    slow = work()
    publish(sleeping(4), stream=stream, connection=redis)
    eventually(lambda: slow.starts("sleep"))
    work()

    eventually(lambda: slow.traces("slept"), within=10)
    assert len(slow.starts("sleep")) == 1
    eventually(lambda: is_done(redis, stream))


@pytest.mark.slow("it dies three times, and each time there is a pause")
def test_a_message_that_kills_its_process_is_buried_and_its_neighbours_are_not(
    redis, stream, fill, work, eventually
) -> None:
    (killer,) = fill(1, "die")
    fill(20)
    worker = work()

    eventually(lambda: dead_letters.find(killer, connection=redis), within=20)
    eventually(lambda: is_done(redis, stream))
    letter = dead_letters.find(killer, connection=redis)
    assert letter is not None
    assert letter.reason == "crash_loop"
    assert len(worker.starts("die")) == 3
    assert len(worker.starts("echo")) == 20


def test_a_message_that_takes_too_long_is_ended(redis, stream, work, eventually) -> None:
    worker = work(JOB_TIMEOUT="1")
    sent = publish(sleeping(30), stream=stream, connection=redis)

    eventually(lambda: attempts.history(sent.message_id, connection=redis), within=10)
    (record,) = attempts.history(sent.message_id, connection=redis)
    assert "Timeout" in record.error_type
    assert not worker.traces("slept")


def test_told_to_end_it_finishes_what_runs_and_hands_back_the_rest(
    redis, stream, fill, work, eventually
) -> None:
    first = work()
    publish(sleeping(1.5), stream=stream, connection=redis)
    eventually(lambda: first.starts("sleep"))
    fill(5)
    assert first.process.end() == 0

    assert first.traces("slept")
    second = work("--burst")
    assert second.process.popen.wait(15) == 0
    assert len(second.starts("echo")) == 5
    assert all(count == 1 for _, count in pending(redis, stream).values())
    assert not consumers_of(redis, stream)


def test_a_tenth_of_a_second_is_enough_for_the_neighbours_of_a_slow_one(
    redis, stream, fill, work, eventually
) -> None:
    slow = work()
    fill(50)
    eventually(lambda: len(slow.starts("echo")) == 50)
    publish(sleeping(5), stream=stream, connection=redis)
    fill(20)
    eventually(lambda: slow.starts("sleep"))
    work()

    eventually(lambda: len(slow.starts("echo")) == 70, within=4)


def test_several_run_at_the_same_time(redis, stream, work, eventually) -> None:
    worker = work("--concurrency", "5")
    for _ in range(5):
        publish(sleeping(1), stream=stream, connection=redis)

    eventually(lambda: len(worker.traces("slept")) == 5, within=8)
    starts = worker.starts("sleep")
    assert max(starts) - min(starts) < 0.9
    eventually(lambda: is_done(redis, stream))


# --- what others break ---------------------------------------------------------------------------


def test_after_flushall_it_goes_on_and_says_what_was_lost(
    redis, stream, fill, work, eventually
) -> None:
    worker = work()
    publish(sleeping(2), stream=stream, connection=redis)
    eventually(lambda: worker.starts("sleep"))
    fill(10)
    looks = looks_at_streams(redis)
    eventually(lambda: looks_at_streams(redis) > looks + 1)
    redis.flushdb()
    worker.process.wait_for("stream_lost", within=5)
    fill(3)

    eventually(lambda: len(worker.starts("echo")) >= 3, within=5)
    assert '"lost_at_least": 11' in worker.process.output()


def test_a_group_that_is_removed_is_made_again_from_the_first_entry(
    redis, stream, fill, work, eventually
) -> None:
    worker = work()
    fill(2)
    eventually(lambda: is_done(redis, stream))
    redis.xgroup_destroy(stream, "workers")
    fill(1)

    eventually(lambda: len(worker.starts("echo")) == 5, within=5)
    worker.process.wait_for("stream_read_again", within=5)


def test_what_stands_in_the_place_of_a_stream_is_put_aside(
    redis, stream, fill, work, eventually
) -> None:
    worker = work()
    fill(1)
    eventually(lambda: is_done(redis, stream))
    redis.delete(stream)
    redis.set(stream, "mine")
    worker.process.wait_for("stream_displaced", within=5)
    fill(1)

    eventually(lambda: len(worker.starts("echo")) == 2, within=5)
    assert redis.get(stream_keys.displaced(stream)) == b"mine"


def test_it_trims_what_is_done_before_the_stream_is_full(
    redis, stream, fill, work, eventually
) -> None:
    worker = work(STREAM_LIMIT="100")
    ids = fill(90)
    eventually(lambda: len(worker.starts("echo")) == 90)

    eventually(lambda: redis.xlen(stream) < 50, within=30)
    assert ids_in(redis, stream) == ids[-redis.xlen(stream) :]


def test_it_tells_how_much_it_runs_at_once_and_how_long_it_counts_as_alive(
    redis, work, eventually: Eventually
) -> None:
    worker = work(CONCURRENCY="3")
    eventually(lambda: redis.keys(stream_keys.consumer("workers", "*")))
    (key,) = redis.keys(stream_keys.consumer("workers", "*"))
    told = redis.hgetall(key)

    assert (told[b"slots"], told[b"running_count"]) == (b"3", b"0")
    assert float(told[b"lease_seconds"]) == float(QUICK["LEASE_SECONDS"])
    assert told[b"pid"] == str(worker.process.pid).encode()
