"""rq-dashboard shows real jobs in each state, and works with RQ 3."""

from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from redis import Redis
from rq import Queue, SimpleWorker, Worker
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from rq.worker_registration import REDIS_WORKER_KEYS

from monitoring.web.app import create_app
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from postroom.address import free_port
from postroom.embedded import Server
from tests.monitoring.api.tokens import refusal, token_of
from tests.monitoring.trips import counting
from tests.workers import stock_jobs
from workers import keys
from workers.connection import connect
from workers.settings import Settings


@pytest.fixture
def jobs(
    redis: Redis, queue: Queue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> dict[str, str]:
    """One job for each registry: ids by their state."""
    monkeypatch.setenv("TRACE", str(tmp_path / "trace"))
    finished = queue.enqueue(stock_jobs.give, 7, result_ttl=60)
    failed = queue.enqueue(stock_jobs.fail, "too bad")
    waits = queue.enqueue(stock_jobs.give, depends_on=[finished, failed])
    SimpleWorker([queue], connection=redis, serializer=JSONSerializer).work(burst=True)
    canceled = queue.enqueue(stock_jobs.give)
    canceled.cancel()
    started = queue.enqueue(stock_jobs.give)
    queue.remove(started)
    started.set_status(JobStatus.STARTED)
    redis.zadd(keys.started("email"), {f"{started.id}:one": 2_000_000_000})
    scheduled = queue.enqueue_in(timedelta(hours=1), stock_jobs.give)
    queued = queue.enqueue(stock_jobs.give)
    found = (finished, failed, waits, canceled, started, scheduled, queued)
    names = ("finished", "failed", "deferred", "canceled", "started", "scheduled", "queued")
    return {name: job.id for name, job in zip(names, found, strict=True)}


def test_every_page_opens_and_shows_the_jobs_that_are_there(admin, jobs: dict[str, str]) -> None:
    for state, job_id in jobs.items():
        for order in ("asc", "dsc"):
            page = admin.get(f"/rq/0/view/jobs/email/{state}/8/{order}/1")
            told = admin.get(f"/rq/0/data/jobs/email/{state}/8/{order}/1.json").json()
            assert page.status_code == 200, page.text
            assert [job["id"] for job in told["jobs"]] == [job_id], state
        assert admin.get(f"/rq/0/view/job/{job_id}").status_code == 200
        assert admin.get(f"/rq/0/data/job/{job_id}.json").json()["status"] == state
    for path in ("", "0/view/queues", "0/view/jobs", "0/view/workers", "0/data/workers.json"):
        assert admin.get(f"/rq/{path}").status_code == 200, path
    (told,) = admin.get("/rq/0/data/queues.json").json()["queues"]
    counts = {state: told.get(f"{state}_job_registry_count", told["count"]) for state in jobs}
    assert set(counts.values()) == {1}


def test_a_job_that_waits_for_others_names_them(redis: Redis, admin, jobs: dict[str, str]) -> None:
    redis.delete(keys.job(jobs["finished"]))
    told = admin.get(f"/rq/0/data/job/{jobs['deferred']}.json").json()
    parents = dict(zip(told["depends_on"], told["depends_on_status"], strict=True))

    assert parents == {jobs["finished"]: "expired", jobs["failed"]: "active"}


def test_results_and_errors_are_shown(admin, jobs: dict[str, str]) -> None:
    assert admin.get(f"/rq/0/data/job/{jobs['finished']}.json").json()["result"] == 7
    assert "too bad" in admin.get(f"/rq/0/data/job/{jobs['failed']}.json").json()["exc_info"]


def test_looking_at_a_job_that_is_gone_removes_nothing(redis: Redis, admin) -> None:
    redis.rpush(keys.queue("email"), "gone")

    assert admin.get("/rq/0/data/jobs/email/queued/8/asc/1.json").json()["jobs"] == []
    assert redis.llen(keys.queue("email")) == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("none-such", 404),
        ("0/view/job/none-such", 404),
        ("0/data/job/none-such.json", 404),
        ("0/view/job/<b>no id", 404),
        ("1/view/queues", 404),
        ("static/none-such.js", 404),
        ("static/../application.py", 404),
        ("0/data/jobs/email/failed/0/asc/1.json", 422),
        ("0/data/jobs/email/failed/201/asc/1.json", 422),
        ("0/data/jobs/email/failed/x/asc/1.json", 422),
        ("0/data/jobs/email/failed/8/asc/0.json", 422),
        ("0/data/jobs/email/failed/8/asc/9999999999999999999.json", 422),
        ("0/data/jobs/email/none-such/8/asc/1.json", 422),
        ("0/view/jobs/email/failed/1000000/asc/1", 422),
    ],
)
def test_what_is_not_there_is_told_as_everywhere(admin, path: str, status: int) -> None:
    answer = admin.get(f"/rq/{path}")

    assert answer.status_code == status
    assert refusal(answer)


def test_its_files_are_read_once(admin) -> None:
    first = admin.get("/rq/static/js/underscore-umd-min.js")
    again = admin.get(
        "/rq/static/js/underscore-umd-min.js", headers={"If-None-Match": first.headers["ETag"]}
    )

    assert first.headers["content-type"].startswith("text/javascript")
    assert (again.status_code, again.content) == (304, b"")


def test_two_applications_show_each_its_own_server(
    redis: Redis, web: WebSettings, admin, failed_job: Job
) -> None:
    nowhere = connect(Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0", redis_timeout=1))
    headers = {"Authorization": f"Bearer {token_of(Role.ADMIN, web)}"}
    other = TestClient(create_app(connection=nowhere, settings=web))

    answer = other.get("/rq/0/data/queues.json", headers=headers)
    assert (answer.status_code, refusal(answer)) == (503, "redis_unavailable")
    assert admin.get(f"/rq/0/data/job/{failed_job.id}.json").status_code == 200


@pytest.mark.parametrize("registry", ["queued", "failed"])
def test_each_page_shows_its_part_of_the_jobs(admin, queue: Queue, registry: str) -> None:
    ids = [queue.enqueue("a.b").id for _ in range(10)]
    for job_id in ids if registry == "failed" else ():
        queue.failed_job_registry.add(queue.fetch_job(job_id), ttl=60 + ids.index(job_id))

    def page(order: str, number: int) -> list[str]:
        told = admin.get(f"/rq/0/data/jobs/email/{registry}/4/{order}/{number}.json").json()
        return [job["id"] for job in told["jobs"]]

    assert [page("asc", number) for number in (1, 2, 3, 4)] == [ids[:4], ids[4:8], ids[8:], []]
    last_first = ids[::-1]
    found = [page("dsc", number) for number in (1, 2, 3, 4)]
    assert found == [last_first[:4], last_first[4:8], last_first[8:], []]


def test_workers_are_shown_with_the_job_that_they_run_and_wrong_records_do_no_harm(
    redis: Redis, admin, queue: Queue, register
) -> None:
    job = queue.enqueue("a.b", "text")
    worker = register(redis, "email:high", "email", name="busy", successful_job_count="7")
    worker.set_state("busy")
    worker.prepare_execution(job)
    over = worker.executions_key
    redis.sadd(over, f"{job.id}:{'0' * 32}", "gone:1")  # of runs that are over
    register(redis, "email", name="broken", pid="x", birth="never", total_working_time="long")
    redis.sadd(REDIS_WORKER_KEYS, "rq:worker:vanished")

    broken, busy = sorted(
        admin.get("/rq/0/data/workers.json").json()["workers"], key=lambda each: each["name"]
    )
    assert (busy["queues"], busy["state"]) == (["email:high", "email"], "busy")
    assert busy["current_job"]["job_id"] == job.id
    assert "a.b" in busy["current_job"]["call_string"]
    assert (busy["successful_job_count"], busy["pid"] > 0) == (7, True)
    assert (broken["current_job"], broken["pid"], broken["birth_date"]) == ("idle", None, None)
    assert redis.scard(over) == 3  # nothing is tidied up by looking


def test_the_workers_take_few_round_trips_however_many_there_are(
    redis_server: Server, web: WebSettings, redis: Redis, queue: Queue
) -> None:
    job = queue.enqueue("a.b")
    with redis.pipeline() as pipe:
        for number in range(1_100):
            key = f"{Worker.redis_worker_namespace_prefix}w{number:04d}"
            pipe.sadd(REDIS_WORKER_KEYS, key)
            pipe.hset(key, mapping={"queues": "email", "state": "busy", "pid": "7"})
            pipe.sadd(f"{key}:executions", f"{job.id}:{number}")
            pipe.hset(Execution(str(number), job.id, redis).key, "id", str(number))
        pipe.execute()
    headers = {"Authorization": f"Bearer {token_of(Role.ADMIN, web)}"}
    with counting(redis_server.url) as client:
        admin = TestClient(create_app(connection=client, settings=web), headers=headers)
        for path in ("data/workers.json", "view/workers"):
            _ = client.trips
            answer = admin.get(f"/rq/0/{path}")
            assert answer.status_code == 200
            assert client.trips <= 14, path
        told = admin.get("/rq/0/data/workers.json").json()["workers"]

    assert [each["name"] for each in told] == [f"w{number:04d}" for number in range(1_000)]
    assert {each["current_job"]["job_id"] for each in told} == {job.id}


def test_a_page_takes_few_round_trips_however_much_there_is(
    redis_server: Server, web: WebSettings, redis: Redis
) -> None:
    names = [f"queue-{number}" for number in range(200)]
    with redis.pipeline() as pipe:
        pipe.sadd(keys.queues(), *(keys.queue(name) for name in names))
        for name in names:
            pipe.rpush(keys.queue(name), *range(200))
        pipe.execute()
    headers = {"Authorization": f"Bearer {token_of(Role.ADMIN, web)}"}
    with counting(redis_server.url) as client:
        admin = TestClient(create_app(connection=client, settings=web), headers=headers)
        for path in ("data/queues.json", "data/jobs/queue-7/queued/200/dsc/1.json", "view/jobs"):
            _ = client.trips
            assert admin.get(f"/rq/0/{path}").status_code == 200
            assert client.trips <= 3, path
