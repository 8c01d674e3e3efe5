"""A job that somebody stops ends by itself if its handler lets it, and its neighbours go on."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from redis import Redis
from rq.command import send_command
from rq.job import Job
from rq.serializers import JSONSerializer

from messages import NoteEnrichmentMessage
from postroom.embedded import Server
from tests.faults.nursery import Nursery
from tests.processes import ask_until_true
from tests.warm import WarmStarted
from tests.workers.conftest import Worker, launch, message, settled
from tests.workers.takers import Taker
from workers import (
    By,
    InvalidState,
    JobHandle,
    attempts,
    audit,
    dead_letters,
    enqueue,
    enqueue_many,
    keys,
    operations,
)
from workers.engine.cancelled import without_cancelled

GRACE = 0.4  # seconds


@dataclass
class Place:
    """A worker with a queue of its own, and what its handlers said."""

    queue: str
    worker: Worker
    redis: Redis

    def send(self, kind: str, **payload: float) -> JobHandle:
        """Enqueue a message for a `def` handler."""
        return enqueue(message(kind, **payload), queue=self.queue, connection=self.redis)

    def send_all(self, *kinds: str, **payload: float) -> list[JobHandle]:
        """Enqueue several at once."""
        sent = [message(kind, **payload) for kind in kinds]
        ids = enqueue_many(sent, queue=self.queue, connection=self.redis)
        return [JobHandle(each, connection=self.redis) for each in ids]

    def send_async(self, kind: str) -> JobHandle:
        """Enqueue a message for an `async def` handler."""
        sent = NoteEnrichmentMessage.of(kind)
        return enqueue(sent, queue=self.queue, connection=self.redis)

    def said(self, kind: str) -> list[str]:
        return [" ".join(words) for words in self.worker.traces(kind)]

    def stop(self, handle: JobHandle, kind: str) -> None:
        """Stop a job once it runs; nobody is to wait until RQ's readers are shown that it does."""
        ask_until_true(lambda: self.said(kind))
        send_command(self.redis, self.queue, "stop-job", job_id=handle.id)

    def execution_of(self, handle: JobHandle) -> str:
        begin = f"{handle.id}:".encode()
        tokens = self.redis.zrange(keys.started(self.queue), 0, -1)
        return next(each for each in tokens if each.startswith(begin)).decode().split(":")[1]

    def lines_of(self, handle: JobHandle) -> list[str]:
        lines = self.worker.process.output().splitlines()
        return [json.loads(line)["message"] for line in lines if handle.id in line]

    def check_left(self, handle: JobHandle) -> None:
        """It is stopped as RQ has it, and nothing holds it any more."""
        job = Job.fetch(handle.id, connection=self.redis, serializer=JSONSerializer)
        result = job.latest_result()
        assert result is not None
        assert "Job stopped by user" in str(result.exc_string)
        assert self.redis.zscore(keys.failed(self.queue), handle.id) is not None
        assert dead_letters.find(handle.id, connection=self.redis) is None
        assert attempts.history(handle.id, connection=self.redis) == ()
        assert self.redis.zcard(keys.started(self.queue)) == 0
        assert self.redis.keys(keys.leases("*")) == []
        assert self.redis.llen(keys.queue(self.queue)) == 0


@contextmanager
def started(
    folder: Path, nursery: Nursery, server: Server, queue: str, places: str
) -> Iterator[Place]:
    own = WarmStarted(folder, nursery=nursery)
    words = ("worker", "-w", "workers.MessageWorker", "-c", "worker_settings", "-n", queue, queue)
    env = {"HANDLER_PACKAGES": "tests.workers.stop_app", "REDIS_URL": server.url}
    env |= {"CONCURRENCY": places, "STOP_GRACE": str(GRACE), "HEARTBEAT_SECONDS": "0.3"}
    made = launch(own.start, folder / "trace", *words, **env)
    made.process.wait_for("Listening on", within=20)
    with Redis.from_url(server.url) as client:
        yield Place(queue, made, client)
    own.end()


@pytest.fixture(scope="module")
def serial_place(
    redis_server: Server, warm_nursery: Nursery, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("serial")
    with started(folder, warm_nursery, redis_server, "serial", "1") as made:
        yield made


@pytest.fixture(scope="module")
def crowd_place(
    redis_server: Server, warm_nursery: Nursery, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("crowd")
    with started(folder, warm_nursery, redis_server, "crowd", "4") as made:
        yield made


@pytest.fixture
def serial(redis: Redis, serial_place: Place) -> Place:
    """The one that runs one job after the other."""
    serial_place.worker.trace.write_text("", encoding="utf-8")
    return serial_place


@pytest.fixture
def crowd(redis: Redis, crowd_place: Place) -> Place:
    """The one that runs four at once."""
    crowd_place.worker.trace.write_text("", encoding="utf-8")
    return crowd_place


@pytest.fixture(params=["serial", "crowd"])
def place(request: pytest.FixtureRequest) -> Place:
    """Each of the two."""
    found: Place = request.getfixturevalue(request.param)
    return found


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

    assert {settled(each) for each in handles} == {"finished", "canceled"}
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
