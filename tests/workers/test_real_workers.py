"""What a message meets under real `rq worker` processes on a real server."""

import json
import os
import signal
import subprocess
from datetime import timedelta

import pytest
from rq import Callback, Queue
from rq.job import Job
from rq.registry import FailedJobRegistry, FinishedJobRegistry
from rq.serializers import JSONSerializer

from messages import NoteEnrichmentMessage
from monitoring.jobs import get_job_status
from tests.workers.conftest import message, settled
from workers import Backoff, JobFailed, dead_letters, enqueue, enqueue_in, keys
from workers.attempts import history


def reason(redis, handle):
    letter = dead_letters.find(handle.id, connection=redis)
    assert letter is not None
    return letter.reason


def test_each_tier_of_failure_is_retried_in_its_own_time(redis, send, start_worker):
    worker = start_worker()
    two_seconds = Backoff(type="fixed", delay=1)
    handles = {
        kind: send(kind, **options)
        for kind, options in {
            "echo": {},
            "transient": {},
            "transient once": {},
            "permanent": {},
            "retry after": {"attempts": 2},
            "plain": {"attempts": 2, "backoff": two_seconds},
        }.items()
    }

    outcomes = {kind: settled(handle) for kind, handle in handles.items()}

    assert outcomes == {
        "echo": "finished",
        "transient": "failed",
        "transient once": "finished",
        "permanent": "failed",
        "retry after": "failed",
        "plain": "failed",
    }
    assert len(worker.starts("permanent")) == 1
    first, _, last = worker.starts("transient")
    assert last - first < 1.5
    first, second = worker.starts("retry after")
    assert 2 <= second - first < 5
    assert len(worker.starts("plain")) == 2
    assert [reason(redis, handles[kind]) for kind in ("transient", "permanent", "plain")] == [
        "exhausted",
        "permanent",
        "exhausted",
    ]


def test_the_history_of_attempts_tells_error_delay_and_why(redis, send, start_worker):
    start_worker()
    handle = send("retry after", attempts=2)
    settled(handle)

    first, second = get_job_status(handle.id, connection=redis)["attempts"]

    assert first["outcome"] == "retried"
    assert first["errorType"] == "workers.errors.ResourceUnavailable"
    assert first["error"] == "slow down"
    assert "in do_as_asked" in first["traceback"]
    assert first["delaySeconds"] == 2
    assert first["why"] == "Retry-After asked for 2 s"
    assert first["worker"]
    assert first["durationMs"] >= 0
    assert second["outcome"] == "dead"
    assert second["delaySeconds"] is None
    assert second["why"] == "all 2 attempts are used up"


def test_a_horse_that_is_killed_once_is_replaced_and_costs_no_attempt(redis, send, start_worker):
    worker = start_worker()

    handle = send("die once", attempts=1)

    assert handle.wait(20) == {"echo": "die once", "attempt": 1}
    assert len(worker.traces("die once")) == 2
    assert [entry.outcome for entry in history(handle.id, connection=redis)] == ["crashed"]


@pytest.mark.slow(reason="the pauses between the three crashes are 1 s and 5 s")
def test_a_message_that_kills_every_horse_is_buried_after_three(redis, send, start_worker):
    worker = start_worker()
    handle = send("die")
    good = send("echo")

    assert settled(handle) == "failed"
    assert settled(good) == "finished"
    assert reason(redis, handle) == "crash_loop"
    assert len(worker.traces("die")) == 3
    assert worker.traces("mourned die") == [["crash_loop"]]


def test_sigterm_lets_the_job_in_hand_finish(redis, send, start_worker, eventually):
    worker = start_worker()
    handle = send("sleep", new_value=1.5)
    eventually(lambda: worker.starts("sleep"))

    code = worker.process.end(signal.SIGTERM)

    assert code == 0
    assert handle.status() == "finished"
    assert worker.traces("slept") == [["1"]]


def test_a_job_over_its_timeout_is_dead_as_timeout(redis, send, start_worker):
    worker = start_worker()

    handle = send("sleep", new_value=20, timeout=1, attempts=1)

    assert settled(handle) == "failed"
    assert reason(redis, handle) == "timeout"
    assert worker.traces("slept") == []
    assert worker.traces("mourned sleep") == [["timeout"]]


def test_the_outcome_reaches_who_waits(redis, send, start_worker):
    start_worker()

    assert send("echo").wait(10) == {"echo": "echo", "attempt": 1}
    with pytest.raises(JobFailed, match="it will never work"):
        send("permanent").wait(10)


def test_a_delayed_message_is_not_early_and_needs_no_scheduler(redis, start_worker):
    worker = start_worker()
    handle = enqueue_in(timedelta(seconds=1.2), message("later"), connection=redis)
    sent = handle.status()
    began = Job.fetch(handle.id, connection=redis, serializer=JSONSerializer).created_at

    handle.wait(10)

    assert sent == "scheduled"
    assert 1.2 <= worker.starts("later")[0] - began.timestamp() < 4


def test_what_a_handler_sends_names_its_cause(redis, send, start_worker):
    start_worker()
    parent = send("parent")
    child = Job.fetch(parent.wait(10), connection=redis, serializer=JSONSerializer)

    envelope = child.args[0]

    assert envelope["causationId"] == parent.id
    assert envelope["correlationId"] == parent.id


def test_progress_is_seen_from_outside(redis, send, start_worker):
    start_worker()
    handle = send("progress")
    handle.wait(10)

    assert get_job_status(handle.id, connection=redis)["progress"] == {
        "share": 0.5,
        "note": "half of it",
    }


def test_a_foreign_function_is_refused_and_never_imported(
    redis, start_worker, tmp_path, eventually
):
    start_worker()
    queue = Queue("default", connection=redis, serializer=JSONSerializer)
    target = tmp_path / "touched"
    evil = queue.enqueue("os.system", f"touch {target}")
    ours = queue.enqueue("workers.jobs.run_message", {}, on_failure=Callback("os.system"))
    eventually(lambda: dead_letters.count(connection=redis) == 2)

    letters = {letter.job_id: letter for letter in dead_letters.newest(9, connection=redis)}

    assert letters[evil.id].reason == "foreign_function"
    assert "os.system" in letters[evil.id].error
    assert letters[ours.id].reason == "foreign_function"
    assert "callback os.system" in letters[ours.id].error
    assert evil.get_status() == "failed"
    assert not target.exists()


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
    assert redis.get("complained") == bad.id.encode()
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


def test_an_invalid_message_is_buried_at_once_and_names_the_field(redis, start_worker, eventually):
    start_worker()
    queue = Queue("default", connection=redis, serializer=JSONSerializer)

    job = queue.enqueue(
        "workers.jobs.run_message", {"messageType": "TEST", "data": {"testType": 5}}
    )

    eventually(lambda: dead_letters.find(job.id, connection=redis))
    letter = dead_letters.find(job.id, connection=redis)
    assert (letter.reason, letter.message_type) == ("invalid_payload", "TEST")
    assert "data.testType" in letter.error


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


def test_a_message_whose_handler_only_another_worker_has_is_handed_back(
    redis, start_worker, eventually
):
    start_worker()
    handle = enqueue(NoteEnrichmentMessage.of("note-1"), connection=redis, queue="default")

    eventually(lambda: handle.status() == "scheduled")

    assert history(handle.id, connection=redis)[0].outcome == "handed_back"


def test_unknown_fields_of_a_newer_producer_are_left_out_and_counted(
    redis, start_worker, eventually
):
    start_worker()
    queue = Queue("default", connection=redis, serializer=JSONSerializer)
    document = {"messageType": "TEST", "data": {"testType": "echo", "newField": 1}, "alsoNew": 2}

    job = queue.enqueue("workers.jobs.run_message", document)

    eventually(lambda: job.get_status() == "finished")
    assert redis.hget(keys.unknown_fields(), "TEST") == b"2"


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


def test_a_child_of_a_job_that_is_dead_already_does_not_wait(redis, send, start_worker):
    start_worker()
    parent = send("permanent")
    settled(parent)

    late = {
        wish: send(wish, depends_on=[parent], on_parent_failure=wish)
        for wish in ("fail", "run", "cancel")
    }

    assert {wish: settled(child) for wish, child in late.items()} == {
        "fail": "failed",
        "run": "finished",
        "cancel": "canceled",
    }


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


def test_a_job_that_died_under_a_stock_worker_is_buried_by_the_next_of_ours(
    redis, send, start_worker
):
    stock = start_worker("worker", "-c", "worker_settings", "-S", "json", worker_class="rq.Worker")
    handle = send("die")
    assert settled(handle) == "failed"
    assert dead_letters.find(handle.id, connection=redis) is None
    stock.process.end()

    ours = start_worker()

    ours.process.wait_for("Listening on")
    letter = dead_letters.find(handle.id, connection=redis)
    for _ in range(100):
        letter = letter or dead_letters.find(handle.id, connection=redis)
        if letter is None:
            send("echo").wait(5)
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
    assert len(horses) == 9
    assert redis.scard("rq:workers") == 3 or os.environ.get("RQ_KEY_PREFIX")


def test_rq_requeue_of_a_buried_job_resolves_its_letter(redis, send, start_worker, redis_server):
    worker = start_worker()
    handle = send("transient once", attempts=1)
    settled(handle)
    assert reason(redis, handle) == "exhausted"
    worker.trace.write_text("")

    _rq("requeue", "-c", "worker_settings", "--queue", "default", "-S", "json", handle.id)
    settled(handle)

    # It starts afresh: attempt 1 of 1, and it fails again in the same way.
    assert worker.traces("transient once")[0][0] == "1"
    assert len(worker.traces("mourned transient once")) == 1
    assert dead_letters.count(connection=redis) == 1


def test_rq_info_shows_queues_and_workers(redis, send, start_worker):
    start_worker()
    send("echo").wait(10)
    send("permanent")
    settled(send("echo"))

    shown = _rq("info", "-c", "worker_settings")

    assert "default" in shown
    assert "1 workers" in shown
    assert "2 finished, 1 failed" in shown


def test_stock_readers_see_jobs_results_and_failures(redis, send, start_worker):
    start_worker()
    good, bad = send("echo"), send("permanent")
    settled(good)
    settled(bad)
    queue = Queue("default", connection=redis, serializer=JSONSerializer)

    assert good.id in FinishedJobRegistry(queue=queue)
    assert bad.id in FailedJobRegistry(queue=queue)
    job = Job.fetch(good.id, connection=redis, serializer=JSONSerializer)
    assert job.return_value() == {"echo": "echo", "attempt": 1}
    assert job.func_name == "workers.jobs.run_message"
    assert job.args[0]["messageType"] == "TEST"
    assert job.timeout == 600
    failed = Job.fetch(bad.id, connection=redis, serializer=JSONSerializer)
    assert "PermanentError: it will never work" in failed.latest_result().exc_string


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

    worker = start_worker()

    last = send("end", priority="low")
    last.wait(30)
    order = [line.partition(":")[0] for line in worker.trace.read_text().splitlines()]
    first = [kind for kind in order if kind in {"high", "normal", "low"}][:30]
    assert first.count("high") == 18
    assert first.count("low") == 3


def test_log_lines_have_the_promised_shape_and_no_payload(redis, send, start_worker):
    worker = start_worker()
    handle = send("echo", new_value=123456789)
    handle.wait(10)

    lines = [json.loads(line) for line in worker.process.output().splitlines() if line[:1] == "{"]
    done = next(line for line in lines if line["event"] == "job_completed")

    assert list(done)[:4] == ["timestamp", "level", "message", "module"]
    assert done["timestamp"].endswith("Z")
    assert done["level"] == "INFO"
    assert done["job_id"] == handle.id
    assert done["message_type"] == "TEST"
    assert done["attempt"] == 1
    assert "123456789" not in worker.process.output()


def test_a_job_whose_worker_vanished_runs_again_and_the_old_horse_is_dead(
    redis, send, start_worker, eventually
):
    gone = start_worker()
    handle = send("sleep", new_value=1, attempts=1)
    (_, _, horse) = eventually(lambda: gone.traces("sleep"))[0]
    gone.process.end(signal.SIGKILL)
    eventually(lambda: not _alive(int(horse)))
    _lease_is_over(redis, "default")

    heir = start_worker()

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


def _rq(*arguments: str) -> str:
    from postroom.settings import child_environment  # noqa: PLC0415 - reads the test's environment

    environment = child_environment({"HANDLER_PACKAGES": "tests.workers.app"})
    done = subprocess.run(
        ["rq", *arguments], capture_output=True, text=True, env=environment, check=True, timeout=30
    )
    return done.stdout
