"""Several jobs at the same time in one child: threads for `def`, an event loop for `async def`."""

import time

import pytest

from tests.workers.conftest import reason, settled
from workers import attempts, keys

APPLICATIONS = {"threads": "tests.workers.app", "event loop": "tests.workers.async_app"}


@pytest.fixture
def crowd(start_worker, request):
    """Starts a worker with places for twenty jobs, for both kinds of handlers."""
    own = {"CONCURRENCY": "20", "HANDLER_PACKAGES": request.param}
    return lambda **env: start_worker(env={**own, **env})


each_kind = pytest.mark.parametrize(
    "crowd", APPLICATIONS.values(), ids=APPLICATIONS.keys(), indirect=True
)


each_hooked = pytest.mark.parametrize(
    "crowd",
    [f"{application},tests.workers.hook_app" for application in APPLICATIONS.values()],
    ids=APPLICATIONS.keys(),
    indirect=True,
)


@each_kind
def test_jobs_that_wait_do_not_wait_for_each_other(send, crowd):
    crowd()
    begin = time.monotonic()
    handles = [send("sleep", new_value=0.3) for _ in range(40)]

    for handle in handles:
        handle.wait(20)

    assert time.monotonic() - begin < 5  # one after the other: 12 s


@each_kind
def test_each_job_ends_as_its_handler_does(redis, send, crowd):
    crowd()
    handles = [send(kind) for kind in ("echo", "permanent", "echo")]

    assert [settled(handle) for handle in handles] == ["finished", "failed", "finished"]
    assert reason(redis, handles[1]) == "permanent"
    assert handles[0].wait(1) == {"echo": "echo", "attempt": 1}


@pytest.mark.parametrize("crowd", [APPLICATIONS["event loop"]], indirect=True)
def test_a_cancelled_error_of_a_handler_is_an_error_like_any_other(redis, send, crowd):
    crowd()
    handle = send("cancelled", attempts=1)

    assert settled(handle) == "failed"
    assert reason(redis, handle) == "exhausted"


@each_hooked
def test_a_run_that_ends_in_no_way_that_is_known_counts_as_a_crash_of_it_alone(
    redis, send, crowd, eventually
):
    crowd()
    handles = [send(kind) for kind in ("echo", "break the hook", "echo")]

    assert [settled(handle) for handle in handles[::2]] == ["finished", "finished"]
    [record] = eventually(lambda: attempts.history(handles[1].id, connection=redis))
    assert record.outcome == "crashed"
    assert "NotAnException" in record.error
    assert handles[1].status() == "scheduled"


@pytest.mark.parametrize(
    "crowd",
    # A thread cannot be interrupted: its child is killed 5 s after the timeout.
    [pytest.param(APPLICATIONS["threads"], marks=pytest.mark.drill), APPLICATIONS["event loop"]],
    ids=APPLICATIONS.keys(),
    indirect=True,
)
def test_a_job_that_takes_too_long_is_ended_alone(redis, send, crowd):
    crowd()
    slow = send("sleep", new_value=30, timeout=1, attempts=1)
    quick = [send("sleep", new_value=0.2) for _ in range(20)]

    assert {settled(handle) for handle in quick} == {"finished"}
    assert settled(slow) == "failed"
    assert reason(redis, slow) == "timeout"


@pytest.mark.drill
@each_kind
def test_a_job_that_kills_the_child_is_found_and_its_neighbours_run(redis, send, crowd):
    worker = crowd()
    neighbours = [send("sleep", new_value=0.3) for _ in range(5)]
    pill = send("die")
    neighbours += [send("sleep", new_value=0.3) for _ in range(5)]

    assert {settled(handle, within=30) for handle in neighbours} == {"finished"}
    assert settled(pill, within=40) == "failed"
    assert reason(redis, pill) == "crash_loop"
    assert len(worker.starts("die")) <= 4


@each_kind
def test_a_worker_that_is_asked_to_stop_ends_what_runs_and_hands_back_the_rest(
    redis, send, crowd, eventually
):
    worker = crowd(CONCURRENCY="2")
    handles = [send("sleep", new_value=0.8) for _ in range(6)]
    eventually(lambda: len(worker.starts("sleep")) == 2)

    worker.process.popen.terminate()

    assert worker.process.popen.wait(15) == 0
    assert [handle.status() for handle in handles].count("finished") == 2
    assert redis.llen(keys.queue("default")) == 4
    assert redis.zcard(keys.started("default")) == 0
