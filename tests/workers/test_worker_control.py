"""Workers that are stopped from afar."""

import signal
import time

import pytest
from redis import Redis
from rq import Worker
from rq.command import PUBSUB_CHANNEL_TEMPLATE

from workers import By, audit
from workers.errors import WorkerNotFound
from workers.worker_control import stop_worker

BY = By("anna", "a new release")


def test_a_stopped_worker_ends_its_job_and_leaves_though_told_twice(
    redis: Redis, send, start_worker, eventually
) -> None:
    worker = start_worker()
    handle = send("sleep", new_value=1.8)
    later = send("sleep", new_value=0.1)
    eventually(lambda: worker.starts("sleep"))
    [name] = [each.name for each in Worker.all(connection=redis)]

    stop_worker(name, by=BY, connection=redis)
    worker.process.wait_for("eceived shutdown command")
    since = time.monotonic()  # a second signal after a second would end the job at once
    eventually(lambda: time.monotonic() - since > 1.1)
    stop_worker(name, by=BY, connection=redis)

    assert worker.process.popen.wait(timeout=10) == 0
    assert handle.status() == "finished"
    assert later.status() == "queued"
    told = audit.entries(connection=redis)
    assert [(each.action, each.actor, each.reason, each.target) for each in told] == [
        ("worker.stop", "anna", "a new release", name)
    ] * 2


def test_a_killed_worker_is_refused_and_those_like_it_are_named(
    redis: Redis, start_worker, eventually
) -> None:
    worker = start_worker()
    [name] = [each.name for each in Worker.all(connection=redis)]
    worker.process.end(signal.SIGKILL)
    channel = PUBSUB_CHANNEL_TEMPLATE % name
    eventually(lambda: not dict(redis.pubsub_numsub(channel))[channel.encode()])

    with pytest.raises(WorkerNotFound, match="dead"):
        stop_worker(name, by=BY, connection=redis)
    with pytest.raises(WorkerNotFound, match=f"Did you mean {name}"):
        stop_worker(f"{name}x", by=BY, connection=redis)
    assert not audit.entries(connection=redis)
