"""Pauses under real workers: nothing starts, nothing is lost, and the order is kept."""

import threading
import time

from messages import NoteEnrichmentMessage
from tests.workers.conftest import message, settled
from tests.workers.takers import Taker
from workers import By, enqueue_many, keys, pauses
from workers.attempts import history

WHO = {"by": By("ann", "a fire")}


def test_a_running_worker_starts_nothing_of_a_paused_queue_and_then_all_in_order(
    redis, send, worker, eventually
):
    pauses.pause("queue", "default", **WHO, connection=redis)
    sent = [send("echo") for _ in range(5)]
    # The worker moves what is due, so its loop goes on.
    late = send("echo", delay=1)
    eventually(lambda: redis.lrange(keys.queue("default"), -1, -1) == [late.id.encode()], within=5)

    assert worker.starts("echo") == []
    assert sent[0].status() == "queued"

    pauses.resume("queue", "default", **WHO, connection=redis)

    assert [settled(handle) for handle in (*sent, late)] == ["finished"] * 6
    ended = [redis.hget(keys.job(handle.id), "started_at") for handle in (*sent, late)]
    assert ended == sorted(ended)


def test_the_others_run_as_fast_beside_four_hundred_and_eighty_paused_jobs(
    redis, worker, eventually
):
    alone = seconds_for_twenty(redis, 20, eventually)
    pauses.pause("type", "NOTE_ENRICHMENT", **WHO, connection=redis)
    notes = (NoteEnrichmentMessage.of("n") for _ in range(480))

    enqueue_many(notes, queue="default", connection=redis)
    beside = seconds_for_twenty(redis, 40, eventually)

    assert beside < alone * 1.5 + 1
    eventually(lambda: pauses.pauses(connection=redis)[0].held == 480)
    assert redis.llen(keys.queue("default")) == 0


def seconds_for_twenty(redis, finished, eventually):
    begin = time.monotonic()
    enqueue_many((message("echo") for _ in range(20)), queue="default", connection=redis)
    eventually(lambda: redis.zcard(keys.finished("default")) == finished, within=30)
    return time.monotonic() - begin


def test_nothing_is_lost_while_pauses_come_and_go(redis, send, start_worker):
    start_worker("worker-pool", "-w", "workers.MessageWorker", "-c", "worker_settings", "-n", "2")
    over = threading.Event()

    def blink():
        while not over.is_set():
            pauses.pause("type", "TEST", **WHO, connection=redis)
            time.sleep(0.01)
            pauses.resume("type", "TEST", **WHO, connection=redis)

    blinker = threading.Thread(target=blink)
    blinker.start()
    try:
        sent = [send("echo") for _ in range(30)]
        states = {settled(handle, within=30) for handle in sent}
    finally:
        over.set()
        blinker.join()

    assert states == {"finished"}
    assert {len(history(handle.id, connection=redis)) for handle in sent} == {0}


def test_a_job_whose_worker_died_before_it_was_held_is_held_by_the_next(
    redis, send, start_worker, eventually
):
    pauses.pause("type", "TEST", **WHO, connection=redis)
    handle = send("echo", queue="apart")
    dead = Taker(redis, "apart")
    assert [lease.job_id for lease in dead.lease()] == [handle.id]
    dead.vanish()

    worker = start_worker(queues=("apart",))
    eventually(lambda: pauses.pauses(connection=redis)[0].held == 1)
    assert worker.starts("echo") == []
    pauses.resume("type", "TEST", **WHO, connection=redis)

    assert handle.wait(10) == {"echo": "echo", "attempt": 1}
