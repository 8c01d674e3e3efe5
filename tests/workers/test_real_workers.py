"""What a message meets under real `rq worker` processes on a real server."""

import json
import os
import signal

import pytest
from rq import Callback, Queue, Worker
from rq.serializers import JSONSerializer

from tests.workers.conftest import message, reason, settled
from workers import dead_letters, enqueue_in, keys
from workers.attempts import history


def test_sigterm_lets_the_job_in_hand_finish(redis, send, start_worker, eventually):
    worker = start_worker()
    handle = send("sleep", new_value=0.6)
    eventually(lambda: worker.starts("sleep"))

    code = worker.process.end(signal.SIGTERM)

    assert code == 0
    assert handle.status() == "finished"
    assert worker.traces("slept") == [["1"]]


def test_a_foreign_function_that_is_allowed_runs_as_under_stock(
    redis, start_worker, tmp_path, eventually
):
    start_worker(env={"ALLOW_FOREIGN_JOBS": "tests.workers.stock_jobs"})
    queue = Queue("default", connection=redis, serializer=JSONSerializer)
    target = tmp_path / "touched"
    good = queue.enqueue("tests.workers.stock_jobs.touch", str(target))
    bad = queue.enqueue(
        "tests.workers.stock_jobs.crash",
        "x",
        on_failure=Callback("tests.workers.stock_jobs.complain"),
    )

    eventually(lambda: good.get_status() == "finished")
    eventually(lambda: bad.get_status() == "failed")
    assert target.exists()
    assert redis.hget(bad.key, "complained") == bad.id.encode()
    assert dead_letters.count(connection=redis) == 0


def test_a_pickled_job_is_buried_and_never_unpickled(redis, start_worker, tmp_path, eventually):
    start_worker(env={"ALLOW_FOREIGN_JOBS": "tests.workers.stock_jobs"})
    target = tmp_path / "touched"

    job = Queue("default", connection=redis).enqueue("tests.workers.stock_jobs.touch", str(target))

    eventually(lambda: dead_letters.find(job.id, connection=redis))
    assert dead_letters.find(job.id, connection=redis).reason == "not_json"
    assert not target.exists()


def test_corrupt_records_are_buried_and_their_neighbours_run(redis, send, start_worker):
    broken = [send() for _ in range(4)]
    good = send()
    redis.hset(keys.job(broken[0].id), "created_at", "yesterday")
    redis.hset(keys.job(broken[1].id), "status", b"\xff")
    redis.hdel(keys.job(broken[2].id), "data")
    redis.delete(keys.job(broken[3].id))

    worker = start_worker()

    assert good.wait(10)
    assert [reason(redis, handle) for handle in broken] == ["corrupt"] * 3 + ["expired"]
    assert len(worker.traces("echo")) == 1
    assert redis.llen(keys.intermediate("default")) == 0


def test_a_message_that_waited_too_long_is_buried_with_its_payload(redis, send, start_worker):
    handle = send("late", queue_ttl=0.01)

    worker = start_worker()

    assert settled(handle) == "failed"
    letter = dead_letters.find(handle.id, connection=redis)
    assert letter.reason == "expired"
    assert letter.envelope["data"]["testType"] == "late"
    assert worker.traces("late") == []
    assert worker.traces("mourned late") == [["expired"]]


def test_a_type_that_only_a_newer_release_knows_waits_and_is_buried_after_its_grace(
    redis, start_worker, eventually
):
    start_worker(env={"UNKNOWN_TYPE_GRACE": "1.5", "UNKNOWN_TYPE_DELAY": "1"})
    queue = Queue("default", connection=redis, serializer=JSONSerializer)
    job = queue.enqueue("workers.jobs.run_message", {"messageType": "FUTURE", "data": {}})

    eventually(lambda: job.get_status() == "scheduled")
    eventually(lambda: dead_letters.find(job.id, connection=redis))

    letter = dead_letters.find(job.id, connection=redis)
    assert letter.reason == "unknown_type"
    assert int(redis.hget(keys.handed_back(), "FUTURE")) >= 1
    assert {entry["outcome"] for entry in letter.attempts} == {"handed_back", "dead"}


def test_dependents_follow_what_their_caller_wished(redis, send, start_worker):
    parent = send("permanent")
    children = {
        wish: send(f"child {wish}", depends_on=parent, on_parent_failure=wish)
        for wish in ("fail", "run", "cancel")
    }
    grandchild = send("grandchild", depends_on=children["fail"])
    happy = send("happy", depends_on=send("echo"))
    assert {child.status() for child in children.values()} == {"deferred"}

    worker = start_worker()

    assert {wish: settled(child) for wish, child in children.items()} == {
        "fail": "failed",
        "run": "finished",
        "cancel": "canceled",
    }
    assert settled(grandchild) == "failed"
    assert settled(happy) == "finished"
    assert reason(redis, children["fail"]) == "parent_failed"
    assert worker.traces("child fail") == []


@pytest.mark.parametrize("worker_class", ["rq.Worker", "rq.SimpleWorker"])
def test_stock_workers_run_our_messages(redis, send, start_worker, worker_class):
    worker = start_worker(
        "worker", "-c", "worker_settings", "-S", "json", worker_class=worker_class
    )

    assert send("echo").wait(10) == {"echo": "echo", "attempt": 1}
    transient = send("transient")
    permanent = send("permanent")

    assert settled(transient) == "failed"
    assert settled(permanent) == "failed"
    assert len(worker.traces("transient")) == 3
    assert reason(redis, permanent) == "permanent"
    names = [name.decode() for name in redis.zrange(keys.failures(), 0, -1)]
    counts = [redis.hget(keys.failure(name), "count") for name in names]
    assert sorted(counts) == [b"1", b"3"]
    [day] = redis.keys(keys.stats("d", 0)[:-1] + "*")
    assert {redis.hget(day, f"failure|{name}|default|TEST|n") for name in names} == set(counts)


def test_a_job_that_died_under_a_stock_worker_is_buried_by_the_next_of_ours(
    redis, send, start_worker, eventually
):
    stock = start_worker("worker", "-c", "worker_settings", "-S", "json", worker_class="rq.Worker")
    handle = send("die")
    assert settled(handle) == "failed"
    assert dead_letters.find(handle.id, connection=redis) is None
    stock.process.end()

    start_worker(env={"MAINTENANCE_SECONDS": "0.2"})

    letter = eventually(lambda: dead_letters.find(handle.id, connection=redis))
    assert letter.reason == "crash"
    assert "signal 9" in letter.error


def test_a_pool_of_three_shares_the_work(redis, send, start_worker):
    worker = start_worker(
        *("worker-pool", "-n", "3", "-w", "workers.MessageWorker", "-c", "worker_settings"),
    )
    handles = [send("sleep", new_value=0.2) for _ in range(9)]

    for handle in handles:
        handle.wait(20)

    horses = {words[2] for words in worker.traces("sleep")}
    assert len(horses) == 3  # one child each
    assert redis.scard(Worker.redis_workers_keys) == 3


def test_rq_info_shows_queues_and_workers(redis, send, start_worker, rq):
    start_worker()
    send("echo").wait(10)
    send("permanent")
    settled(send("echo"))

    shown = rq("info", "-c", "worker_settings")

    assert "default" in shown
    assert "1 workers" in shown
    assert "2 finished, 1 failed" in shown


def test_a_worker_without_a_handler_for_its_queue_refuses_to_start(start_process, redis_server):
    process = start_process(
        *("rq", "worker", "-w", "workers.MessageWorker", "-c", "worker_settings"),
        *("default", "email"),
        env={"REDIS_URL": redis_server.url, "HANDLER_PACKAGES": "tests.workers.app", "TRACE": "x"},
    )

    assert process.popen.wait(20) != 0
    assert "EMAIL (queue email)" in process.output()


def test_urgent_messages_overtake_and_low_ones_are_served(redis, send, start_worker):
    for _ in range(30):
        send("high", priority="high")
        send("normal")
        send("low", priority=10)

    worker = start_worker(env={"BATCH_JOBS": "1"})

    last = send("end", priority="low")
    last.wait(30)
    order = [line.partition(":")[0] for line in worker.trace.read_text().splitlines()]
    first = [kind for kind in order if kind in {"high", "normal", "low"}][:30]
    assert first.count("high") == 18
    assert first.count("low") == 3


def test_log_lines_have_the_promised_shape_and_no_payload(redis, send, start_worker, eventually):
    worker = start_worker()
    handle = send("echo", new_value=123456789)
    handle.wait(10)
    eventually(lambda: "job_completed" in worker.process.output())

    lines = [json.loads(line) for line in worker.process.output().splitlines() if line[:1] == "{"]
    done = next(line for line in lines if line["event"] == "job_completed")

    assert list(done)[:4] == ["timestamp", "level", "message", "module"]
    assert done["timestamp"].endswith("Z")
    assert done["level"] == "INFO"
    assert done["job_id"] == handle.id
    assert done["message_type"] == "TEST"
    assert done["attempt"] == 1
    assert "123456789" not in worker.process.output()


def test_an_expired_message_that_is_requeued_runs(redis, send, start_worker, rq):
    handle = send("echo", queue_ttl=0.01)
    start_worker()
    assert settled(handle) == "failed"

    rq("requeue", "-c", "worker_settings", "--queue", "default", "-S", "json", handle.id)

    assert settled(handle) == "finished"
    assert dead_letters.count(connection=redis) == 0


def test_children_of_a_quarantined_parent_do_not_wait_for_ever(redis, send, start_worker):
    parent = send()
    child = send("child", depends_on=parent)
    redis.hset(keys.job(parent.id), "created_at", "yesterday")

    start_worker()

    assert settled(child) == "failed"
    assert reason(redis, child) == "parent_failed"


def test_a_job_whose_worker_vanished_runs_again_and_the_old_horse_is_dead(
    redis, send, start_worker, eventually
):
    quick = {"LEASE_SECONDS": "1.5", "HEARTBEAT_SECONDS": "0.4", "REAP_SECONDS": "0.2"}
    gone = start_worker(env=quick)
    handle = send("sleep", new_value=0.5, attempts=1)
    (_, _, horse) = eventually(lambda: gone.traces("sleep"))[0]
    gone.process.end(signal.SIGKILL)
    eventually(lambda: not _alive(int(horse)))
    _lease_is_over(redis, "default")

    heir = start_worker(env=quick)

    assert handle.wait(20) == {"echo": "sleep", "attempt": 1}
    assert len(heir.traces("slept")) == 1
    assert [entry.outcome for entry in history(handle.id, connection=redis)] == ["crashed"]


def test_a_job_that_was_taken_and_never_started_runs_again(redis, send, start_worker):
    handle = send("echo")
    redis.lmove(keys.queue("default"), keys.intermediate("default"))
    # RQ gives a taken job a minute from the first time it sees it there.
    redis.set(f"{keys.intermediate('default')}:first_seen:{handle.id}", 1)

    start_worker()

    assert handle.wait(20)


@pytest.mark.drill
def test_a_stock_worker_with_rqs_scheduler_runs_our_delayed_messages(redis, start_worker):
    worker = start_worker(
        *("worker", "-c", "worker_settings", "-S", "json", "--with-scheduler"),
        worker_class="rq.Worker",
    )

    assert enqueue_in(1, message("later"), connection=redis).wait(20)
    assert len(worker.traces("later")) == 1


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _lease_is_over(redis, name):
    started = f"{keys.job_prefix().removesuffix('job:')}wip:{name}"
    for execution in redis.zrange(started, 0, -1):
        redis.zadd(started, {execution: 1})
