"""A command to stop a job that comes when the job is just over."""

import json
import subprocess
from collections.abc import Iterator

import pytest
from redis import Redis

from workers import MessageWorker
from workers.engine.horse import Horse
from workers.engine.keeper import Keeper
from workers.engine.page import Page
from workers.engine.rq_aftermath import RqAftermath
from workers.engine.stable import Stable
from workers.engine.task import Task


@pytest.fixture
def horse() -> Iterator[Horse]:
    """A process that does nothing, in the place of a child."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        yield Horse(process.pid, "holder", Page(1))
        process.kill()


@pytest.fixture
def stable(redis: Redis, horse: Horse, monkeypatch: pytest.MonkeyPatch) -> Stable:
    monkeypatch.setenv("STOP_GRACE", "0")
    worker = MessageWorker(["default"], connection=redis)
    worker.page = horse.page
    stable = Stable(
        worker, Task(), Keeper(worker, worker.leases, worker.settings), RqAftermath(worker)
    )
    run(horse, "first")
    told(worker, "stop-job", job_id="first")
    return stable


def told(worker: MessageWorker, command: str, **words: str) -> None:
    worker.handle_payload({"data": json.dumps({"command": command, **words}).encode()})


def run(horse: Horse, job_id: str) -> None:
    horse.page.start(0, f"default\n{job_id}\nexecution".encode(), 600)


def test_the_job_that_was_meant_is_stopped(stable: Stable, horse: Horse) -> None:
    stable._keep_to_limits(horse)

    assert horse.wait(5) == -9


def test_the_job_after_it_goes_on(stable: Stable, horse: Horse) -> None:
    run(horse, "second")

    stable._keep_to_limits(horse)

    assert horse.wait(0.2) is None
    assert not horse.page.is_to_end(0)


def test_a_child_that_runs_nothing_goes_on(stable: Stable, horse: Horse) -> None:
    horse.page.end(0)

    stable._keep_to_limits(horse)

    assert horse.wait(0.2) is None
