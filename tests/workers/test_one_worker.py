"""What a message meets under a real `rq worker` process on a real server."""

from datetime import timedelta

import pytest
from rq import Callback, Queue
from rq.job import Job
from rq.registry import FailedJobRegistry, FinishedJobRegistry
from rq.serializers import JSONSerializer

from messages import NoteEnrichmentMessage
from monitoring.jobs import get_job_status
from monitoring.jobs.detail import get_job_detail
from tests.workers.conftest import message, reason, settled
from workers import Backoff, JobFailed, dead_letters, enqueue, enqueue_in, keys
from workers.attempts import history


def test_each_tier_of_failure_is_retried_in_its_own_time(redis, send, worker):
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


def test_the_history_of_attempts_tells_error_delay_and_why(redis, send, worker):
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


def test_a_retried_job_is_told_as_its_runs_and_the_pauses_between_them(redis, send, worker):
    handle = send("retry after", attempts=2)
    settled(handle)

    told = get_job_detail(handle.id, connection=redis)

    spans = told["timeline"]
    assert [span["state"] for span in spans] == [
        "waiting",
        "active",
        "backing off",
        "waiting",
        "active",
        "failed",
    ]
    assert [span.get("attempt") for span in spans] == [None, 1, None, None, 2, None]
    assert 1900 <= spans[2]["durationMs"] < 4000
    assert spans[1]["durationMs"] < 1000
    assert [each["count"] for each in told["states"]] == [2, 2, 1, 1]


def test_a_horse_that_is_killed_once_is_replaced_and_costs_no_attempt(redis, send, worker):

    handle = send("die once", attempts=1)

    assert handle.wait(20) == {"echo": "die once", "attempt": 1}
    assert len(worker.traces("die once")) == 2
    assert [entry.outcome for entry in history(handle.id, connection=redis)] == ["crashed"]


@pytest.mark.drill
def test_a_message_that_kills_every_horse_is_buried_after_three(redis, send, worker):
    handle = send("die")
    good = send("echo")

    assert settled(handle) == "failed"
    assert settled(good) == "finished"
    assert reason(redis, handle) == "crash_loop"
    assert len(worker.traces("die")) == 3
    assert worker.traces("mourned die") == [["crash_loop"]]


def test_a_job_over_its_timeout_is_dead_as_timeout(redis, send, worker):

    handle = send("sleep", new_value=20, timeout=1, attempts=1)

    assert settled(handle) == "failed"
    assert reason(redis, handle) == "timeout"
    assert worker.traces("slept") == []
    assert worker.traces("mourned sleep") == [["timeout"]]


def test_the_outcome_reaches_who_waits(redis, send, worker):

    assert send("echo").wait(10) == {"echo": "echo", "attempt": 1}
    with pytest.raises(JobFailed, match="it will never work"):
        send("permanent").wait(10)


def test_a_delayed_message_is_not_early_and_needs_no_scheduler(redis, worker):
    handle = enqueue_in(timedelta(seconds=1.2), message("later"), connection=redis)
    sent = handle.status()
    began = Job.fetch(handle.id, connection=redis, serializer=JSONSerializer).created_at

    handle.wait(10)

    assert sent == "scheduled"
    assert 1.2 <= worker.starts("later")[0] - began.timestamp() < 4


def test_what_a_handler_sends_names_its_cause(redis, send, worker):
    parent = send("parent")
    child = Job.fetch(parent.wait(10), connection=redis, serializer=JSONSerializer)

    envelope = child.args[0]

    assert envelope["causationId"] == parent.id
    assert envelope["correlationId"] == parent.id


def test_progress_is_seen_from_outside(redis, send, worker):
    handle = send("progress")
    handle.wait(10)

    assert get_job_status(handle.id, connection=redis)["progress"] == {
        "share": 0.5,
        "note": "half of it",
    }


def test_a_foreign_function_is_refused_and_never_imported(redis, worker, tmp_path, eventually):
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


def test_an_invalid_message_is_buried_at_once_and_names_the_field(redis, worker, eventually):
    queue = Queue("default", connection=redis, serializer=JSONSerializer)

    job = queue.enqueue(
        "workers.jobs.run_message", {"messageType": "TEST", "data": {"testType": 5}}
    )

    eventually(lambda: dead_letters.find(job.id, connection=redis))
    letter = dead_letters.find(job.id, connection=redis)
    assert (letter.reason, letter.message_type) == ("invalid_payload", "TEST")
    assert "data.testType" in letter.error


def test_a_message_whose_handler_only_another_worker_has_is_handed_back(redis, worker, eventually):
    handle = enqueue(NoteEnrichmentMessage.of("note-1"), connection=redis, queue="default")

    eventually(lambda: handle.status() == "scheduled")

    assert history(handle.id, connection=redis)[0].outcome == "handed_back"


def test_unknown_fields_of_a_newer_producer_are_left_out_and_counted(redis, worker, eventually):
    queue = Queue("default", connection=redis, serializer=JSONSerializer)
    document = {"messageType": "TEST", "data": {"testType": "echo", "newField": 1}, "alsoNew": 2}

    job = queue.enqueue("workers.jobs.run_message", document)

    eventually(lambda: job.get_status() == "finished")
    assert redis.hget(keys.unknown_fields(), "TEST") == b"2"


def test_a_child_of_a_job_that_is_dead_already_does_not_wait(redis, send, worker):
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


def test_rq_requeue_of_a_buried_job_resolves_its_letter(redis, send, worker, redis_server, rq):
    handle = send("transient once", attempts=1)
    settled(handle)
    assert reason(redis, handle) == "exhausted"
    worker.trace.write_text("")

    rq("requeue", "-c", "worker_settings", "--queue", "default", "-S", "json", handle.id)
    settled(handle)

    # It starts afresh: attempt 1 of 1, and it fails again in the same way.
    assert worker.traces("transient once")[0][0] == "1"
    assert len(worker.traces("mourned transient once")) == 1
    assert dead_letters.count(connection=redis) == 1


def test_stock_readers_see_jobs_results_and_failures(redis, send, worker):
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


@pytest.mark.parametrize("kind", ["exit", "unspeakable"])
def test_an_odd_way_to_fail_is_an_attempt_like_any_other(redis, send, worker, kind):
    handle = send(kind, attempts=2, backoff=Backoff(type="fixed", delay=0.1))

    assert settled(handle) == "failed"
    assert reason(redis, handle) == "exhausted"
    assert len(worker.traces(kind)) == 2


def test_a_queue_ttl_is_over_when_the_job_starts(redis, send, worker):
    retried = send("retry after", attempts=2, queue_ttl=1.5)
    child = send("child", queue_ttl=1, depends_on=send("sleep", new_value=2))

    assert settled(retried) == "failed"
    assert reason(redis, retried) == "exhausted"
    assert settled(child) == "finished"


def test_a_job_that_is_deleted_while_it_runs_does_not_come_back(redis, send, worker, eventually):
    handle = send("die slowly", new_value=1)
    eventually(lambda: worker.starts("die slowly"))
    Job.fetch(handle.id, connection=redis, serializer=JSONSerializer).delete()

    send("echo").wait(20)

    assert len(worker.traces("die slowly")) == 1
    assert not redis.exists(keys.job(handle.id))


def test_a_child_that_ran_without_its_parent_does_not_run_again_with_it(redis, send, worker, rq):
    parent = send("transient once", attempts=1)
    child = send("child", depends_on=parent, on_parent_failure="run")
    assert (settled(parent), settled(child)) == ("failed", "finished")

    redis.hset(keys.job(parent.id), "meta", '{"attempts": 2, "buried": "exhausted"}')
    rq("requeue", "-c", "worker_settings", "--queue", "default", "-S", "json", parent.id)

    assert settled(parent) == "finished"
    send("echo").wait(10)
    assert len(worker.traces("child")) == 1


def test_a_unique_key_is_given_back_at_the_end(redis, send, worker):

    send("echo", unique_key="order-1").wait(10)

    assert not redis.exists(keys.unique("order-1"))
