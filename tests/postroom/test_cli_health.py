from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, SimpleWorker, Worker
from rq.suspension import suspend

from messages import NoteEnrichmentMessage
from postroom.address import free_port
from tests.postroom.commands import Postroom
from workers import By, enqueue
from workers.pauses import pause


@pytest.fixture
def postroom(command_line: Postroom, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Postroom:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/none.sqlite3")
    return command_line


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://:hunter2@127.0.0.1:{free_port()}/0")


def send(redis: Redis, **options: object) -> str:
    return enqueue(NoteEnrichmentMessage.of("note-1"), connection=redis, **options).id


def fail(redis: Redis, text: str) -> str:
    queue = Queue("notifications", connection=redis)
    job = queue.enqueue("tests.workers.stock_jobs.crash", text)
    SimpleWorker([queue], connection=redis).work(burst=True)
    return str(job.id)


def test_health_shows_every_queue_and_ends_well(redis: Redis, postroom: Postroom) -> None:
    send(redis, queue="email", priority="high")

    answer = postroom("health")

    assert answer.code == 0
    assert answer.out.startswith("Redis answers. 0 workers, 0 busy.")
    assert ["email", "1", "0", "0"] in [line.split() for line in answer.out.splitlines()]


def test_health_and_info_point_to_what_asks_for_a_person(redis: Redis, postroom: Postroom) -> None:
    assert "dead-letters" not in postroom("health").out
    assert "pause" not in postroom("info").out

    fail(redis, "out of paper")
    pause("type", "EMAIL", by=By("ada", "a fire"), connection=redis)

    assert "`postroom dead-letters list`" in postroom("health").out
    assert "1 pause: `postroom queues list`." in postroom("info").out


def test_health_in_json_is_what_get_system_health_returns(redis: Redis, postroom: Postroom) -> None:
    answer = postroom("health", "--json")

    assert answer.code == 0
    assert sorted(answer.json) == ["queue_stats", "redis_connected", "workers"]


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_health_without_redis_ends_with_1_and_says_why(
    postroom: Postroom, options: tuple[str, ...]
) -> None:
    answer = postroom("health", *options)

    assert answer.code == 1
    assert "Connection refused" in answer.out
    assert "REDIS_URL" in answer.out
    assert "hunter2" not in answer.out + answer.err


def test_info_shows_queues_and_workers(redis: Redis, postroom: Postroom) -> None:
    Worker(["email"], name="stock-1", connection=redis).register_birth()
    send(redis, queue="email", priority="high")
    send(redis, queue="email")

    lines = postroom("info").out.splitlines()

    email = next(line.split() for line in lines if line.startswith("email "))
    worker = next(line for line in lines if line.startswith("stock-1"))
    assert email[:3] == ["email", "2", "1/1/0"]
    assert email[-1] == "1"
    assert "(stock RQ)" in worker
    assert worker.endswith(" email")


def test_info_of_an_empty_system_says_that_no_worker_runs(redis: Redis, postroom: Postroom) -> None:
    assert "No worker runs" in postroom("info").out


def test_info_says_first_that_workers_are_suspended(redis: Redis, postroom: Postroom) -> None:
    suspend(redis)

    assert postroom("info").out.startswith("SUSPENDED")


def test_info_in_json_has_the_same_facts(redis: Redis, postroom: Postroom) -> None:
    send(redis, queue="email")

    found = postroom("info", "--json").json

    assert found["queues"]["email"]["waiting"] == 1
    assert found["queues"]["email"]["waitingByPriority"] == {"high": 0, "normal": 1, "low": 0}
    assert (found["workers"], found["deadLetters"], found["suspended"]) == ([], 0, False)


def test_info_of_one_job_is_what_job_prints(redis: Redis, postroom: Postroom) -> None:
    job_id = send(redis, queue="email")

    assert postroom("info", "-j", job_id) == postroom("job", job_id)
    assert postroom("info", "-j", job_id, "--json") == postroom("job", job_id, "--json")


def test_info_of_an_unknown_job_ends_with_2(redis: Redis, postroom: Postroom) -> None:
    answer = postroom("info", "-j", "nothing")

    assert answer.code == 2
    assert "There is no job nothing" in answer.err


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_only_failures_shows_the_failed_jobs_of_each_queue(
    redis: Redis, postroom: Postroom
) -> None:
    job_id = fail(redis, "no such file")

    lines = postroom("info", "--only-failures").out.splitlines()

    assert lines[0] == "notifications: 1 failed job:"
    assert lines[2].split(maxsplit=3) == [job_id, "-", "failed", "RuntimeError: no such file"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_error_text_cannot_steer_the_terminal(redis: Redis, postroom: Postroom) -> None:
    fail(redis, "\x1b[2J")

    assert "\\x1b[2J" in postroom("info", "--only-failures").out


def test_only_failures_without_any_says_so(redis: Redis, postroom: Postroom) -> None:
    assert postroom("info", "--only-failures").out == "No failed jobs.\n"
    assert postroom("info", "--only-failures", "--json").json == {"queues": {}}


def test_the_doctor_says_where_it_looked_and_ends_well_without_a_critical_finding(
    redis: Redis, postroom: Postroom
) -> None:
    answer = postroom("doctor")

    assert answer.code == ("CRITICAL" in answer.out)  # a server in REDIS_URL may keep nothing
    place = redis.connection_pool.connection_kwargs
    assert answer.out.startswith(f"Examined Redis at {place['host']}:{place['port']}")


def test_the_doctor_prints_each_finding_with_its_remedy_and_ends_with_1_if_critical(
    redis: Redis, postroom: Postroom
) -> None:
    send(redis, queue="email")

    answer = postroom("doctor")

    assert answer.code == 1
    assert "CRITICAL  No worker listens to email: 1 job is waiting there" in answer.out
    assert "          Do: `postroom worker email`\n" in answer.out


def test_the_doctor_in_json_has_code_severity_sentence_and_remedy(
    redis: Redis, postroom: Postroom
) -> None:
    send(redis, queue="email")

    answer = postroom("doctor", "--json")

    found = {finding["code"]: finding for finding in answer.json["findings"]}
    assert answer.code == 1
    assert sorted(found["no_worker"]) == ["code", "remedy", "severity", "what"]
    assert found["no_worker"]["severity"] == "critical"


def test_the_doctor_tries_what_the_handlers_need(
    redis: Redis, postroom: Postroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("SMTP_PORT", str(free_port()))

    answer = postroom("doctor")

    assert answer.code == 1
    assert "CRITICAL  The mail server 127.0.0.1 is not available" in answer.out
    assert "SMTP_HOST" in answer.out


@pytest.mark.usefixtures("nowhere")
def test_the_doctor_without_redis_is_critical_and_keeps_the_password(postroom: Postroom) -> None:
    answer = postroom("doctor")

    assert answer.code == 1
    assert "CRITICAL  Redis cannot be reached" in answer.out
    assert "hunter2" not in answer.out + answer.err
