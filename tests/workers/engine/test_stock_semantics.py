"""What a job of plain RQ does is the same under RQ's workers and ours: one run and its end."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from math import inf
from queue import SimpleQueue
from threading import Thread

import pytest
from rq import Callback, Webhook
from rq.job import JobStatus
from rq.results import Result
from typing_extensions import override

from tests.processes import ask_until_true, own_keys
from tests.workers import stock_jobs
from tests.workers.engine.lanes import every_kind, lane
from workers import keys

__all__ = ["lane"]

pytestmark = every_kind
YEAR = 365 * 24 * 3600


def test_a_result_is_kept_with_its_history(lane):
    value = {"list": [1, "two", None]}
    job = lane.done(stock_jobs.give, value)

    result = job.latest_result()
    assert job.get_status() == JobStatus.FINISHED
    assert job.return_value() == value
    assert (result.type, result.worker_name) == (Result.Type.SUCCESSFUL, lane.worker_name)
    assert job.worker_name == lane.worker_name
    assert job.enqueued_at < job.started_at < job.ended_at
    assert result.execution_started_at <= result.execution_ended_at
    assert job.id in lane.queue.finished_job_registry
    assert lane.notes(job) == ["ran"]
    assert len(job.results()) == 1


def test_a_job_that_returns_nothing_has_a_result_all_the_same(lane):
    job = lane.done(stock_jobs.nap, 0)

    assert job.return_value() is None
    assert job.latest_result().type == Result.Type.SUCCESSFUL


@pytest.mark.parametrize(("asked", "expected"), [(None, 500), (7, 7), (-1, -1)])
def test_a_finished_job_is_kept_as_long_as_asked(lane, asked, expected):
    job = lane.done(stock_jobs.give, 1, result_ttl=asked)

    for key in (job.key, keys.result(job.id)):
        assert expected - 3 <= lane.redis.ttl(key) <= expected
    expiry = lane.redis.zscore(keys.finished(job.origin), job.id)
    assert (expiry == inf) == (asked == -1)


def test_a_result_ttl_of_zero_leaves_nothing(lane):
    job = lane.enqueue(stock_jobs.give, 1, result_ttl=0)
    ask_until_true(lambda: not lane.redis.exists(job.key))

    assert lane.notes(job) == ["ran"]
    assert job.id not in lane.queue.finished_job_registry
    assert [key for key in own_keys(lane.redis) if job.id.encode() in key] == []


@pytest.mark.parametrize(("asked", "record", "result"), [(None, YEAR, -1), (9, 9, 9), (-1, -1, -1)])
def test_a_failed_job_says_why_and_for_how_long(lane, asked, record, result):
    job = lane.done(stock_jobs.fail, "too bad", failure_ttl=asked)

    found = job.latest_result()
    assert job.get_status() == JobStatus.FAILED
    assert "ValueError: too bad" in found.exc_string
    assert (found.type, found.worker_name) == (Result.Type.FAILED, lane.worker_name)
    assert record - 3 <= lane.redis.ttl(job.key) <= record
    assert result - 3 <= lane.redis.ttl(keys.result(job.id)) <= result
    expiry = lane.redis.zscore(keys.failed(job.origin), job.id)
    assert expiry == (-1 if asked == -1 else pytest.approx(time.time() + record, abs=3))
    assert job.started_at < job.ended_at


def test_what_cannot_be_imported_fails(lane):
    job = lane.done("tests.workers.stock_jobs.no_such_function")

    assert job.get_status() == JobStatus.FAILED


def test_what_json_cannot_say_is_no_failure(lane):
    job = lane.done(stock_jobs.opaque)

    assert job.get_status() == JobStatus.FINISHED
    assert job.return_value() == "Unserializable return value"


def test_a_job_keeps_its_own_meta(lane):
    job = lane.done(stock_jobs.learn, "a lot", meta={"given": 1})

    assert job.get_meta() == {"given": 1, "learnt": "a lot"}


def test_a_running_job_knows_itself(lane):
    job = lane.done(stock_jobs.tell, job_timeout=33)

    assert job.return_value() == {
        "id": job.id,
        "origin": lane.queue.name,
        "worker": lane.worker_name,
        "status": "started",
        "timeout": 33,
    }


def test_a_job_that_takes_too_long_is_interrupted(lane):
    job = lane.done(stock_jobs.nap, 30, job_timeout=1)

    assert job.get_status() == JobStatus.FAILED
    assert "JobTimeoutException" in job.latest_result().exc_string
    assert (job.ended_at - job.started_at).total_seconds() < 3


def test_a_queued_job_has_a_ttl_until_it_runs(lane):
    with lane.busy():
        job = lane.enqueue(stock_jobs.give, 1, ttl=50, result_ttl=-1)
        assert 48 <= lane.redis.ttl(job.key) <= 50
    job = lane.ended(job)

    assert job.return_value() == 1
    assert lane.redis.ttl(job.key) == -1


def test_a_queued_job_that_outlives_its_ttl_never_runs(lane):
    with lane.busy():
        job = lane.enqueue(stock_jobs.give, 1, ttl=50)
        lane.redis.pexpire(job.key, 1)
        ask_until_true(lambda: not lane.redis.exists(job.key))
        after = lane.enqueue(stock_jobs.give, 2)
    lane.ended(after)

    assert lane.notes(job) == []
    assert not lane.redis.exists(job.key)
    assert lane.queue.job_ids == []


# --- callbacks ----------------------------------------------------------------------------------


def test_a_success_is_told_to_its_callback(lane):
    job = lane.done(
        stock_jobs.give,
        5,
        on_success=Callback(stock_jobs.succeeded),
        on_failure=Callback(stock_jobs.failed),
    )

    assert job.get_status() == JobStatus.FINISHED
    assert lane.notes(job) == ["ran", "succeeded 5 True"]


def test_a_failure_is_told_to_its_callback(lane):
    job = lane.done(
        stock_jobs.fail,
        "alas",
        on_success=Callback(stock_jobs.succeeded),
        on_failure=Callback(stock_jobs.failed),
    )

    assert job.get_status() == JobStatus.FAILED
    assert lane.notes(job) == ["ran", "failed ValueError alas True True"]


def test_a_success_callback_that_fails_makes_the_job_fail(lane):
    job = lane.done(stock_jobs.give, 5, on_success=Callback(stock_jobs.stumble))

    assert job.get_status() == JobStatus.FAILED
    assert "LookupError" in job.latest_result().exc_string


def test_a_failure_callback_that_fails_is_what_the_record_names(lane):
    job = lane.done(stock_jobs.fail, "first", on_failure=Callback(stock_jobs.stumble))

    assert job.get_status() == JobStatus.FAILED
    assert "LookupError" in job.latest_result().exc_string


# --- webhooks -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def letterbox() -> Iterator[tuple[str, SimpleQueue]]:
    """The address of an HTTP server, and what was posted to it."""
    posted: SimpleQueue = SimpleQueue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        @override
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", posted
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "function"), [("finished", "give"), ("failed", "fail")])
def test_a_webhook_is_called_for_its_outcome_only(lane, letterbox, status, function):
    url, posted = letterbox
    hooks = [Webhook(url, each, method="POST") for each in ("finished", "failed")]
    job = lane.done(getattr(stock_jobs, function), "x", webhooks=hooks)

    told = posted.get(timeout=5)
    assert (told["job_id"], told["status"]) == (job.id, status)
    assert ("ValueError: x" in told.get("exc_info", "")) == (status == "failed")
    lane.done(stock_jobs.give)
    assert posted.empty()
