"""A job that somebody stops ends by itself if its handler lets it, and its neighbours go on."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from rq.command import send_command

from tests.processes import ask_until_true
from tests.workers.conftest import settled
from tests.workers.engine.places import GRACE, Place
from tests.workers.takers import Taker
from workers import (
    By,
    InvalidState,
    JobHandle,
    audit,
    keys,
    operations,
)
from workers.engine.cancelled import without_cancelled

# --- one job ------------------------------------------------------------------------------------


def test_a_handler_is_interrupted_and_cleans_up_and_its_process_goes_on(place) -> None:
    process = place.send("quick").wait(10)
    handle = place.send("work")

    place.stop(handle, "work")

    assert settled(handle) == "stopped"
    assert place.said("work") == ["began", "cleaned up"]
    place.check_left(handle)
    assert [line.split()[-1] for line in place.lines_of(handle)] == [handle.id, "stopped"]
    assert place.send("quick").wait(10) == process


@pytest.mark.parametrize("kind", ["ask", "ask and fail"])
def test_a_handler_that_asks_is_not_interrupted_and_ends_by_itself(place, kind) -> None:
    handle = place.send(kind)

    place.stop(handle, kind)

    assert settled(handle) == "stopped"
    assert place.said(kind) == (["began", "ended"] if kind == "ask" else ["began"])
    place.check_left(handle)


def test_what_a_handler_returns_after_it_was_stopped_does_not_count(place) -> None:
    handle = place.send("swallow")

    place.stop(handle, "swallow")

    assert settled(handle) == "stopped"
    assert place.said("swallow") == ["began", "ended"]
    place.check_left(handle)


def test_an_async_handler_is_cancelled_where_it_waits(place) -> None:
    handle = place.send_async("await")

    place.stop(handle, "await")

    assert settled(handle) == "stopped"
    assert place.said("await") == ["began", "was cancelled, True", "cleaned up"]
    place.check_left(handle)


def test_who_does_not_end_in_time_is_killed_and_what_waits_runs(place) -> None:
    process = place.send("quick").wait(10)
    handle = place.send("ignore")

    place.stop(handle, "ignore")
    begin = time.monotonic()
    behind = place.send("quick")

    assert settled(handle) == "stopped"
    assert time.monotonic() - begin > GRACE - 0.1
    assert behind.wait(10)
    assert place.send("quick").wait(10) != process
    assert place.said("ignore") == ["began"]
    place.check_left(handle)


# --- with neighbours ----------------------------------------------------------------------------


def test_the_neighbours_of_a_job_that_is_stopped_go_on(crowd) -> None:
    neighbours = [crowd.send("nap", new_value=0.5), crowd.send_async("neighbour")]
    stopped = [crowd.send("work"), crowd.send_async("await")]
    for handle, kind in zip(stopped, ("work", "await"), strict=True):
        crowd.stop(handle, kind)

    assert [settled(each) for each in stopped] == ["stopped", "stopped"]
    assert [settled(each) for each in neighbours] == ["finished", "finished"]
    for kind in ("nap", "neighbour"):
        assert crowd.said(kind) == ["began", "ended"]


def test_of_runs_that_share_the_name_of_their_step_one_is_stopped(crowd) -> None:
    crowd.send("quick").wait(10)
    first, stopped, last = crowd.send_all("nap", "work", "nap", new_value=0.4)
    ask_until_true(lambda: crowd.said("work"))
    execution = crowd.execution_of(stopped)
    assert execution == crowd.execution_of(first)

    words = {"job_id": stopped.id, "execution_id": execution}
    send_command(crowd.redis, crowd.queue, "stop-execution", **words)

    assert settled(stopped) == "stopped"
    assert [settled(each) for each in (first, last)] == ["finished", "finished"]


# --- jobs that were not begun ---------------------------------------------------------------------


def test_a_job_in_a_workers_hands_is_cancelled_before_it_is_begun(redis, send) -> None:
    handles = [send("quick") for _ in range(3)]
    taker = Taker(redis)
    leased = taker.lease(3)
    with ThreadPoolExecutor(1) as pool:
        by = By("ann", "a test")
        cancelled = pool.submit(operations.cancel, handles[1].id, by=by, connection=redis)
        ask_until_true(lambda: redis.exists(keys.cancel_wish(handles[1].id)))

        left = taker.rq_lane.may_start(leased)
        cancelled.result(5)

    assert [each.job_id for each in left] == [handles[0].id, handles[2].id]
    assert handles[1].status() == "canceled"
    assert taker.held() == [handles[0].id, handles[2].id]
    assert [entry.action for entry in audit.entries(connection=redis)] == ["job.cancel"]


def test_a_wish_that_was_withdrawn_cancels_nothing(redis, send) -> None:
    handle = send("quick")
    taker = Taker(redis)
    leased = taker.lease()
    with pytest.raises(InvalidState, match="taken by a worker"):
        handle.cancel()

    assert list(taker.rq_lane.may_start(leased)) == list(leased)
    assert handle.status() == "queued"


def test_a_job_whose_cancelling_was_not_heard_of_is_not_started(redis, send) -> None:
    handle = send("quick")
    taker = Taker(redis)
    leased = taker.lease()
    redis.set(keys.cancel_wish(handle.id), "")

    first, again = (without_cancelled(taker.leases, leased) for _ in range(2))

    assert (first, again) == ([], [])


def test_who_is_told_that_a_job_is_cancelled_can_rely_on_it(serial) -> None:
    rounds = count()
    # Once the worker had one of them in its hands; until then all were in the list, or had begun.
    ask_until_true(lambda: cancels_every_third(serial, f"round {next(rounds)}"), within=20)
    assert serial.redis.keys(keys.cancel_wish("*")) == []


def test_a_job_that_waits_for_a_place_beside_others_is_cancelled(crowd) -> None:
    for handle in crowd.send_all(*["number"] * 20):
        handle.wait(10)
    *naps, gone, other = crowd.send_all(*["nap"] * 4, "gone", "other", new_value=0.4)
    ask_until_true(lambda: crowd.redis.zcard(keys.started(crowd.queue)) == 6)

    gone.cancel()

    assert [each.status() for each in naps] == ["queued"] * 4
    assert other.wait(10)
    assert [settled(each) for each in (*naps, gone)] == ["finished"] * 4 + ["canceled"]
    assert crowd.said("gone") == []


def cancels_every_third(place: Place, name: str) -> bool:
    """Whether its worker was asked for one of them, and took it out."""
    kinds = [f"{name}, number {number}" for number in range(150)]
    handles = place.send_all(*kinds)
    ask_until_true(lambda: place.said(kinds[0]))
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(was_cancelled, handles[::3]))

    assert {settled(each) for each in handles} <= {"finished", "canceled"}
    refused = {kind for kind, gone in zip(kinds[::3], told, strict=True) if not gone}
    began = {kind for kind in kinds if place.said(kind)}
    assert began == (set(kinds) - set(kinds[::3])) | refused
    return "Job cancelled" in place.worker.process.output()


def was_cancelled(handle: JobHandle) -> bool:
    try:
        handle.cancel()
    except InvalidState:
        return False
    return True
