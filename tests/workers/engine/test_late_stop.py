"""A command to stop a job that comes when the job is just over."""

import subprocess
from collections.abc import Iterator

import pytest
from redis import Redis
from rq.command import handle_command

from workers import MessageWorker
from workers.engine.horse import Horse
from workers.engine.keeper import Keeper
from workers.engine.page import Page
from workers.engine.stable import Stable
from workers.engine.task import Task


@pytest.fixture
def horse() -> Iterator[Horse]:
    """A process that does nothing, in the place of a child."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        yield Horse(process.pid, "holder", Page(1))
        process.kill()


@pytest.fixture
def stable(redis: Redis, horse: Horse) -> Stable:
    worker = MessageWorker(["default"], connection=redis)
    worker.page = horse.page
    stable = Stable(worker, Task(), Keeper(worker, worker.leases, worker.settings))
    run(horse, "first")
    handle_command(worker, {"command": "stop-job", "job_id": "first"})
    return stable


def run(horse: Horse, job_id: str) -> None:
    horse.page.start(0, f"default\n{job_id}\nexecution".encode(), 600)


def test_the_job_that_was_meant_is_stopped(stable: Stable, horse: Horse) -> None:
    stable._keep_to_limits(horse)

    assert horse.wait(5) == -9


def test_the_job_after_it_goes_on(stable: Stable, horse: Horse) -> None:
    run(horse, "second")

    stable._keep_to_limits(horse)

    assert horse.wait(0.2) is None
    assert stable._worker.stopped_job_id is None


def test_a_child_that_runs_nothing_goes_on(stable: Stable, horse: Horse) -> None:
    horse.page.end(0)

    stable._keep_to_limits(horse)

    assert horse.wait(0.2) is None
