import pickle
import zlib
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from typing_extensions import override
from werkzeug.test import Client

from postroom.dashboard_app import dashboard_app


class Hostile:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @override
    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.fixture
def client(redis: Redis) -> Client:
    return Client(dashboard_app(redis))


@pytest.fixture
def queue(redis: Redis) -> Queue:
    return Queue("email", connection=redis, serializer=JSONSerializer)


@pytest.fixture
def failed_job(queue: Queue) -> Job:
    job = queue.enqueue("nothing.at.all", args=("a",))
    queue.remove(job)
    queue.failed_job_registry.add(job, ttl=60)
    job.set_status(JobStatus.FAILED)
    return job


HERE = {"Host": "127.0.0.1:9181"}


@pytest.mark.parametrize(
    "page",
    [
        "/",
        "/0/view/workers",
        "/0/view/jobs/email/queued/8/asc/1",
        "/0/data/queues.json",
        "/0/data/workers.json",
        "/0/data/jobs/email/failed/8/asc/1.json",
        "/static/css/main.css",
    ],
)
@pytest.mark.usefixtures("failed_job")
def test_its_pages_and_files_open(client: Client, page: str) -> None:
    answer = client.get(page, headers=HERE, buffered=True)

    assert answer.status_code == 200, answer.text


def test_a_job_is_shown_and_requeued(client: Client, queue: Queue, failed_job: Job) -> None:
    assert client.get(f"/0/view/job/{failed_job.id}", headers=HERE).status_code == 200
    shown = client.get(f"/0/data/job/{failed_job.id}.json", headers=HERE)
    assert shown.json is not None
    assert shown.json["status"] == "failed"

    assert client.post(f"/job/{failed_job.id}/requeue", headers=HERE).status_code == 200

    assert queue.job_ids == [failed_job.id]


def test_all_failed_jobs_of_a_queue_are_requeued(
    client: Client, queue: Queue, failed_job: Job
) -> None:
    assert client.post("/requeue/email", headers=HERE).status_code == 200

    assert queue.job_ids == [failed_job.id]


def test_a_pickled_job_is_never_unpickled(
    client: Client, redis: Redis, failed_job: Job, tmp_path: Path
) -> None:
    touched = tmp_path / "touched"
    hostile = zlib.compress(pickle.dumps(Hostile(touched)))
    redis.hset(failed_job.key, mapping={"data": hostile, "result": hostile, "meta": hostile})

    for page in (f"/0/view/job/{failed_job.id}", f"/0/data/job/{failed_job.id}.json"):
        client.get(page, headers=HERE)
    client.get("/0/data/jobs/email/failed/8/asc/1.json", headers=HERE)
    client.post(f"/job/{failed_job.id}/requeue", headers=HERE)

    assert not touched.exists()


def test_a_name_that_was_made_to_point_here_is_refused(client: Client) -> None:
    assert client.get("/", headers={"Host": "evil.example:9181"}).status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:8000", "null"])
def test_another_site_cannot_change_anything(
    client: Client, queue: Queue, failed_job: Job, origin: str
) -> None:
    answer = client.post(f"/job/{failed_job.id}/requeue", headers=HERE | {"Origin": origin})

    assert answer.status_code == 403
    assert queue.job_ids == []


@pytest.mark.usefixtures("failed_job")
def test_a_link_cannot_requeue_anything(client: Client, queue: Queue) -> None:
    assert client.get("/requeue/email", headers=HERE).status_code == 403
    assert queue.job_ids == []


def test_its_own_pages_can(client: Client, queue: Queue, failed_job: Job) -> None:
    origin = {"Origin": f"http://{HERE['Host']}"}

    assert client.post("/requeue/email", headers=HERE | origin).status_code == 200
    assert queue.job_ids == [failed_job.id]
