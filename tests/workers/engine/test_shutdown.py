"""A worker that is told to stop while a job needs longer than it gets."""

import signal
import time

import pytest
from rq import Worker

from tests.processes import ask_until_true, own_keys
from workers import attempts, keys


def hears_once(process) -> None:
    """The grace of this worker is over soon."""
    process.popen.send_signal(signal.SIGTERM)


def hears_twice(process) -> None:
    """The grace of this worker would be long."""
    process.popen.send_signal(signal.SIGTERM)
    time.sleep(1.1)  # what comes within a second counts as the same signal, passed on twice
    process.popen.send_signal(signal.SIGTERM)


@pytest.mark.slow("a worker starts, and a second signal counts only after a second")
@pytest.mark.parametrize(("grace", "tell"), [("0.3", hears_once), ("60", hears_twice)])
def test_what_still_runs_goes_back_to_the_front_with_its_attempt_unspent(
    redis, send, start_worker, grace, tell
) -> None:
    long = send("sleep", new_value=60)
    worker = start_worker(env={"SHUTDOWN_GRACE": grace})
    ask_until_true(lambda: worker.starts("sleep"))
    behind = send("echo")

    tell(worker.process)

    assert worker.process.popen.wait(timeout=10) == 0
    waiting = [each.decode() for each in redis.lrange(keys.queue("default"), 0, -1)]
    assert waiting == [long.id, behind.id]
    assert long.status() == "queued"
    assert attempts.history(long.id, connection=redis) == ()
    assert redis.hget(keys.job(long.id), "lost") is None
    left = (keys.holders(), keys.started("default"), keys.leases(""))
    assert [key for key in own_keys(redis) if key.decode().startswith(left)] == []


def test_a_worker_that_is_told_to_stop_while_it_starts_signs_off(redis, start_worker) -> None:
    worker = start_worker(worker_class="tests.workers.early_stop.StoppedEarly")

    assert worker.process.popen.wait(timeout=10) == 0, worker.process.output()
    assert redis.smembers(Worker.redis_workers_keys) == set()
