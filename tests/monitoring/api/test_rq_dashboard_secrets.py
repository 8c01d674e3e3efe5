"""rq-dashboard shows no secret of a message, and unpickles nothing."""

import json
import pickle
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, Worker
from rq.job import Job, JobStatus
from rq.results import Result
from rq.serializers import JSONSerializer
from typing_extensions import override

from tests.workers.log_messages import PrivateData, PrivateMessage
from workers import enqueue, keys

PIN, CODE, PASSWORD = "tr0ub4dor", "s3cr3t-c0de", "hunter2-and-more"
SECRETS = (PIN, CODE, PASSWORD)


def everything_shown(admin, job_id: str, queue: str) -> str:
    """All that rq-dashboard says of a job, in HTML and in JSON."""
    pages = ["0/view/workers", "0/data/workers.json", f"0/view/job/{job_id}"]
    pages += [f"0/data/job/{job_id}.json"]
    for registry in ("queued", "failed", "finished"):
        pages += [f"0/data/jobs/{queue}/{registry}/8/asc/1.json"]
    answers = [admin.get(f"/rq/{page}") for page in pages]
    assert {answer.status_code for answer in answers} == {200}
    return "\n".join(answer.text for answer in answers)


def works_on(redis: Redis, job_id: str, name: str) -> Worker:
    """A worker that says it runs a job."""
    queue = Queue(name, connection=redis, serializer=JSONSerializer)
    worker = Worker([queue], name="one", connection=redis, serializer=JSONSerializer)
    worker.register_birth()
    with redis.pipeline() as pipe:
        worker.prepare_execution(Job.fetch(job_id, connection=redis, serializer=JSONSerializer))
        pipe.execute()
    return worker


@pytest.mark.filterwarnings("ignore:CLIENT SETNAME")
def test_no_secret_of_a_message_is_shown_anywhere(redis: Redis, admin) -> None:
    data = PrivateData(user="Ada", pin=PIN, codes=[CODE])
    job_id = enqueue(PrivateMessage(data=data), connection=redis).id
    works_on(redis, job_id, "of_no_worker")
    job = Job.fetch(job_id, connection=redis, serializer=JSONSerializer)
    description = f"run_message({{'pin': '{PIN}'}}) of {CODE}"
    meta = json.dumps({"told": f"{PIN} is right", "password": PASSWORD, "a": [{"pin": PIN}]})
    redis.hset(job.key, mapping={"description": description, "meta": meta})
    Result.create_failure(job, 60, f"ValueError: {PIN} with password={PASSWORD}")
    failed = everything_shown(admin, job_id, "of_no_worker")
    Result.create(job, Result.Type.SUCCESSFUL, 60, return_value={"pin": PIN, "of": [CODE]})
    told = failed + everything_shown(admin, job_id, "of_no_worker")

    assert not [secret for secret in SECRETS if secret in told]
    assert "ValueError: *** with password=***" in told
    assert "LOG_PRIVATE" in told  # the call that the worker runs


@pytest.mark.filterwarnings("ignore:CLIENT SETNAME")
def test_of_a_foreign_job_what_is_called_like_a_secret_is_hidden(
    redis: Redis, admin, queue: Queue
) -> None:
    named = {"password": PASSWORD, "options": {"api_key": CODE}}
    job = queue.enqueue("a.b", args=({"token": PIN},), kwargs=named)
    works_on(redis, job.id, "email")
    told = everything_shown(admin, job.id, "email")

    assert not [secret for secret in SECRETS if secret in told]
    assert "a.b(" in told


@pytest.mark.filterwarnings("ignore:CLIENT SETNAME")
def test_what_is_shown_without_secrets_keeps_them_in_redis(redis: Redis, admin) -> None:
    job_id = enqueue(PrivateMessage(data=PrivateData(pin=PIN)), connection=redis).id
    before = redis.hgetall(keys.job(job_id))
    everything_shown(admin, job_id, "of_no_worker")

    assert redis.hgetall(keys.job(job_id)) == before
    job = Job.fetch(job_id, connection=redis, serializer=JSONSerializer)
    job.failed_job_registry.add(job, ttl=60)
    job.set_status(JobStatus.FAILED)
    assert admin.post(f"/rq/job/{job_id}/requeue").status_code == 200
    again = Job.fetch(job_id, connection=redis, serializer=JSONSerializer)
    assert again.args[0]["data"]["pin"] == PIN


class Hostile:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @override
    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("pack", [bytes, zlib.compress])
def test_a_pickled_job_is_never_unpickled(
    redis: Redis, admin, failed_job: Job, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    touched = tmp_path / "touched"
    hostile = pack(pickle.dumps(Hostile(touched)))
    redis.hset(failed_job.key, mapping={"data": hostile, "result": hostile, "meta": hostile})
    Result.create_failure(failed_job, 60, "x")
    paths = [f"0/view/job/{failed_job.id}", f"0/data/job/{failed_job.id}.json"]

    for path in (*paths, "0/data/jobs/email/failed/8/asc/1.json", "0/data/workers.json"):
        admin.get(f"/rq/{path}")
    admin.post(f"/rq/job/{failed_job.id}/requeue")
    admin.post("/rq/requeue/email")
    admin.post(f"/rq/job/{failed_job.id}/delete")

    assert not touched.exists()


@pytest.mark.filterwarnings("ignore:CLIENT SETNAME")
def test_a_job_whose_record_is_broken_hides_no_other(redis: Redis, admin, failed_job: Job) -> None:
    redis.hset(failed_job.key, mapping={"data": b"\xff\xfe no JSON", "meta": b"{"})
    works_on(redis, failed_job.id, "email")

    for path in ("data/workers.json", f"data/job/{failed_job.id}.json"):
        assert admin.get(f"/rq/0/{path}").status_code == 200, path
    (told,) = admin.get("/rq/0/data/jobs/email/failed/8/asc/1.json").json()["jobs"]
    assert told["id"] == failed_job.id
