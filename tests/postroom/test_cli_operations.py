"""The commands of an operator, against a real server and real workers."""

import json
import os
import pwd
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Worker
from rq.suspension import resume, suspend

from messages import NoteEnrichmentMessage, TestData, TestMessage, TestPayload
from postroom.acting import actor_name
from postroom.cli import main
from tests.processes import Eventually, StartedProcess, StartProcess
from tests.workers.takers import Taker
from workers import JobHandle, connection, enqueue, keys, settings

ROOT = Path(__file__).parents[2]
WHY = ("--reason", "a fire")


class Postroom:
    """The command line in this process, with settings read anew each time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        forget_settings()
        self._monkeypatch.setattr(sys, "argv", ["postroom", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        written = self._capsys.readouterr()
        assert int(ended.value.code or 0) == code, written
        return written.err if code and not written.out else written.out

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", code=code))


def forget_settings() -> None:
    settings.load_settings.cache_clear()
    connection.connection_for.cache_clear()


@pytest.fixture
def postroom(redis, monkeypatch, capsys):
    monkeypatch.delenv("ALLOW_CLEAR", raising=False)
    yield Postroom(monkeypatch, capsys)
    forget_settings()


@pytest.fixture
def note(redis: Redis):
    return lambda **options: enqueue(
        NoteEnrichmentMessage.of("n"), queue="quiet", connection=redis, **options
    )


# --- queues ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "kind", "name"),
    [
        (("email",), "queue", "email"),
        (("--type", "EMAIL"), "type", "EMAIL"),
        (("--tenant", "acme"), "tenant", "acme"),
    ],
)
def test_a_pause_is_listed_with_who_and_why_until_it_is_resumed(postroom, words, kind, name):
    told = {"success": True, "kind": kind, "name": name}

    assert postroom.json("queues", "pause", *words, *WHY) == {**told, "changed": True, "used": True}
    (listed,) = postroom.json("queues", "list")["pauses"]
    assert (listed["name"], listed["actor"], listed["reason"]) == (name, actor_name(None), "a fire")
    assert "a fire" in postroom("queues", "list")
    released = {**told, "changed": True, "released": 0}
    assert postroom.json("queues", "resume", *words, *WHY) == released
    again = {**told, "changed": False, "released": 0}
    assert postroom.json("queues", "resume", *words, *WHY) == again


def test_a_pause_of_a_queue_that_was_never_used_says_so(postroom):
    assert postroom.json("queues", "pause", "emial", *WHY)["used"] is False
    assert "never used" in postroom("queues", "pause", "emial", *WHY)


def test_a_pause_of_a_type_that_is_not_known_says_so(postroom):
    assert postroom.json("queues", "pause", "--type", "EMIAL", *WHY)["used"] is False
    assert "not known here" in postroom("queues", "pause", "--type", "EMIAL", *WHY)


def test_a_paused_queue_is_marked_in_the_list(postroom):
    postroom("queues", "pause", "email", *WHY)

    lines = postroom("queues", "list").splitlines()

    assert [line.split()[-1] for line in lines if line.startswith("email ")] == ["paused"]
    assert [line.split()[-1] for line in lines if line.startswith("default ")] == ["-"]


@pytest.mark.parametrize("words", [(), ("email", "--type", "EMAIL")])
def test_one_thing_is_paused_at_a_time(postroom, words):
    error = postroom.json("queues", "pause", *words, *WHY, code=2)["error"]

    assert error["code"] == "invalid_option"
    assert "--tenant" in error["remedy"]


def test_a_command_without_a_reason_is_refused(postroom, redis):
    assert "--reason" in postroom("queues", "pause", "email", code=2)
    assert not redis.exists(keys.pauses())


def test_clear_tells_what_it_removed(postroom, note):
    note()

    first = postroom.json("queues", "clear", "quiet", "all", *WHY)
    second = postroom.json("queues", "clear", "quiet", "--waiting", *WHY)

    assert first == {"success": True, "removed": {"completed": 0, "failed": 0, "waiting": 0}}
    assert second["removed"]["waiting"] == 1


def test_clear_shows_first_what_it_would_remove(postroom, note):
    sent = note()

    shown = postroom.json("queues", "clear", "quiet", "--waiting", "--dry-run", *WHY)

    assert shown["dryRun"]
    assert shown["found"] == {"completed": 0, "failed": 0, "waiting": 1}
    assert shown["sample"] == [sent.id]
    removed = postroom.json("queues", "clear", "quiet", "--waiting", *WHY)["removed"]
    assert removed == shown["found"]


def test_clear_of_a_queue_that_was_never_used_asks_for_its_name(postroom, note):
    note()

    assert "spelled right" in postroom("queues", "clear", "quite", *WHY)
    assert "spelled right" not in postroom("queues", "clear", "quiet", *WHY)


def test_clear_is_refused_in_production_with_the_way_out(postroom, monkeypatch):
    monkeypatch.setenv("ENVIRONMENT", "production")

    assert "ALLOW_CLEAR=1" in postroom("queues", "clear", "quiet", *WHY, code=2)
    monkeypatch.setenv("ALLOW_CLEAR", "1")
    assert "Removed from quiet" in postroom("queues", "clear", "quiet", *WHY)


# --- jobs ------------------------------------------------------------------------------------


def test_jobs_are_listed_by_queue_state_and_type(postroom, note):
    handle, later = note(), note(delay=60)

    def listed(*words: str) -> list[str]:
        return [job["jobId"] for job in postroom.json("jobs", *words)["jobs"]]

    assert listed() == [later.id, handle.id]
    assert listed("--state", "waiting") == [handle.id]
    assert listed("--queue", "email") == []
    assert listed("--type", "EMAIL") == []
    assert listed("--type", "NOTE_ENRICHMENT", "--limit", "1") == [later.id]
    assert handle.id in postroom("jobs")
    assert "Use waiting" in postroom("jobs", "--state", "lost", code=2)


def test_jobs_are_listed_page_by_page(postroom, note):
    handles = [note() for _ in range(3)]
    first = postroom("jobs", "--limit", "1")
    assert handles[2].id in first
    cursor = first.split("More: --cursor ")[1].strip()

    page = postroom.json("jobs", "--limit", "1", "--cursor", cursor)
    rest = postroom("jobs", "--cursor", page["cursor"])
    assert [job["jobId"] for job in page["jobs"]] == [handles[1].id]
    assert handles[0].id in rest
    assert "More" not in rest
    assert "no cursor of this query" in postroom("jobs", "--cursor", "none", code=2)


@pytest.mark.parametrize(
    ("verb", "delay", "status"), [("cancel", 0, "canceled"), ("promote", 60, "queued")]
)
def test_a_job_is_acted_on_by_its_id(postroom, note, verb, delay, status):
    handle: JobHandle = note(delay=delay)

    told = postroom.json("jobs", verb, handle.id, *WHY)

    assert told == {"success": True, "jobId": handle.id}
    assert handle.status() == status


def test_a_deleted_job_is_gone(postroom, note, redis):
    handle = note()

    assert handle.id in postroom("jobs", "delete", handle.id, *WHY)
    assert not redis.exists(keys.job(handle.id))


@pytest.mark.parametrize("verb", ["cancel", "stop", "promote", "delete", "retry"])
def test_an_action_that_cannot_be_done_says_why(postroom, verb):
    error = postroom.json("jobs", verb, "nobody", *WHY, code=2)["error"]

    assert (error["code"], error["field"]) == ("job_not_found", "job_id")
    assert error["remedy"]


def test_a_clean_up_is_tried_first(postroom, note):
    note().cancel()
    words = ("jobs", "clean", "--queue", "quiet", "--state", "canceled", *WHY)

    dry = postroom.json(*words, "--dry-run")

    assert (dry["dryRun"], dry["count"], len(dry["jobIds"])) == (True, 1, 1)
    assert postroom.json(*words) == {**dry, "dryRun": False}
    assert postroom.json(*words)["count"] == 0


def test_a_clean_up_tells_how_far_it_is_on_a_terminal(postroom, note, monkeypatch):
    note().cancel()
    told = []

    @contextmanager
    def bar(title, *, shown):
        yield lambda done, total: told.append((title, shown, done, total))

    monkeypatch.setattr("postroom.cli.jobs.progress_bar", bar)
    postroom("jobs", "clean", "--queue", "quiet", "--state", "canceled", *WHY)

    assert told == [("Cleaning", True, 1, None)]


@pytest.mark.parametrize(
    ("span", "count"), [("0", 1), ("30", 0), ("10m", 0), ("24h", 0), ("7d", 0)]
)
def test_an_age_is_written_as_rq_writes_it_or_in_days(postroom, note, span, count):
    note().cancel()

    words = ("jobs", "clean", "--queue", "quiet", "--state", "canceled", "--older-than", span)

    assert postroom.json(*words, *WHY, "--dry-run")["count"] == count


@pytest.mark.parametrize("span", ["soon", "d", "1w", ""])
def test_an_age_that_is_none_is_refused(postroom, span):
    words = ("jobs", "clean", "--queue", "quiet", "--state", "canceled", "--older-than", span)

    assert postroom.json(*words, *WHY, code=2)["error"]["field"] == "older_than"


def failed(redis: Redis, handle: JobHandle) -> str:
    redis.lrem(keys.queue("quiet"), 1, handle.id)
    redis.hset(keys.job(handle.id), "status", "failed")
    return handle.id


def test_a_failed_job_is_retried_with_changes(postroom, note, redis):
    old = failed(redis, note())
    changes = ("--data", '{"noteId": "other"}', "--priority", "1", "--attempts", "5")
    more = ("--backoff", "exponential:5", "--timeout", "90", "--to-queue", "calm")

    told = postroom.json("jobs", "retry", old, *changes, *more, *WHY, "--actor", "ann")

    new = told["newJobId"]
    assert told == {"success": True, "newJobId": new, "message": f"Job retried with ID {new}"}
    record = redis.hgetall(keys.job(new))
    assert json.loads(record[b"data"])[2][0]["data"] == {"noteId": "other"}
    assert (record[b"origin"], record[b"timeout"]) == (b"calm:high", b"90")
    assert json.loads(record[b"meta"]) == {
        "attempts": 5,
        "backoff": {"type": "exponential", "delay": 5.0},
    }
    (entry,) = postroom.json("audit")["entries"]
    assert (entry["action"], entry["target"], entry["actor"]) == ("job.retry", old, "ann")


def test_a_retried_job_names_the_one_that_was_sent_instead(postroom, note, redis):
    old = failed(redis, note())
    new = postroom.json("jobs", "retry", old, *WHY)["newJobId"]

    assert postroom.json("job", old)["replayedAs"] == new
    assert f"sent again as job {new}" in postroom("job", old)
    assert postroom.json("job", new)["replayedAs"] is None


def test_a_retry_whose_data_does_not_fit_names_the_field(postroom, note, redis):
    old = failed(redis, note())

    error = postroom.json("jobs", "retry", old, "--data", '{"no": 1}', *WHY, code=2)["error"]

    assert (error["code"], error["field"]) == ("invalid_payload", "data.no")


def test_a_job_that_a_pause_holds_back_says_so_with_its_name_and_reason(postroom, note, redis):
    handle = note()
    postroom("queues", "pause", "--type", "NOTE_ENRICHMENT", "--actor", "ann", *WHY)
    assert Taker(redis, "quiet").take() is None

    text = postroom("job", handle.id)

    assert "held back by a pause of the type NOTE_ENRICHMENT" in text
    assert "by ann: a fire" in text
    assert postroom.json("job", handle.id)["heldBy"]["reason"] == "a fire"
    (line,) = [line for line in postroom("queues", "list").splitlines() if "quiet" in line]
    assert line.split()[:3] == ["quiet", "0", "1"]


# --- audit -----------------------------------------------------------------------------------


def test_the_audit_log_shows_who_did_what_newest_first(postroom, note):
    handle = note()
    postroom("jobs", "cancel", handle.id, *WHY, "--actor", "ann")
    postroom("queues", "pause", "quiet", "--reason", "too hot")

    found = postroom.json("audit")["entries"]

    assert [(entry["action"], entry["target"], entry["actor"]) for entry in found] == [
        ("queue.pause", "quiet", pwd.getpwuid(os.getuid()).pw_name),
        ("job.cancel", handle.id, "ann"),
    ]
    assert "too hot" in postroom("audit")
    assert len(postroom.json("audit", "--limit", "1")["entries"]) == 1


# --- worker ----------------------------------------------------------------------------------


@pytest.fixture
def start(start_warm: StartProcess, redis: Redis, tmp_path: Path):
    trace = tmp_path / "trace"
    trace.touch()
    env = {"HANDLER_PACKAGES": "tests.workers.app", "TRACE": str(trace)}
    return lambda *words: start_warm("postroom", "worker", *words, cwd=ROOT, env=env)


def send(redis: Redis) -> JobHandle:
    data = TestData(test_type="echo", payload=TestPayload())
    return enqueue(TestMessage(data=data), connection=redis)


def test_a_worker_runs_jobs_and_ends_when_it_is_told_to(redis, start):
    process: StartedProcess = start("default")

    assert send(redis).wait(20) == {"echo": "echo", "attempt": 1}
    assert process.end(signal.SIGTERM) == 0, process.output()


def test_a_worker_waits_while_rq_is_suspended(redis, start, eventually: Eventually):
    suspend(redis)
    process = start("default")
    handle = send(redis)
    process.wait_for("worker_suspended", within=20)
    assert (process.popen.poll(), handle.status()) == (None, "queued")
    assert [worker.get_state() for worker in Worker.all(connection=redis)] == ["suspended"]

    resume(redis)

    assert handle.wait(20)
    assert process.end() == 0


def test_several_workers_end_together(redis, start, eventually: Eventually):
    process = start("--count", "2", "default")
    eventually(lambda: redis.scard(Worker.redis_workers_keys) == 2, within=20)

    assert send(redis).wait(20)
    assert process.end() == 0, process.output()
    assert redis.scard(Worker.redis_workers_keys) == 0


@pytest.mark.parametrize("count", ["1", "2"])
def test_burst_workers_end_when_nothing_waits(redis, start, count):
    handle = send(redis)

    process = start("--burst", "--count", count, "default")

    assert process.popen.wait(20) == 0, process.output()
    assert handle.status() == "finished"


def test_a_worker_that_could_serve_nothing_does_not_start(redis, start):
    process = start("--count", "2", "email")

    assert process.popen.wait(20) == 2
    assert "no handler for EMAIL" in process.output()
    assert "Traceback" not in process.output()
