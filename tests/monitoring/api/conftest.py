"""The application with a secret, and clients that bear tokens."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from monitoring.web.app import create_app
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from tests.monitoring.api.tokens import BASE, SECRET, token_of
from tests.monitoring.api.watching import QUEUES, Stream, Watch, served

As = Callable[..., TestClient]


@pytest.fixture(scope="session")
def web() -> WebSettings:
    return WebSettings(postroom_secret=SECRET)


@pytest.fixture
def app(redis: Redis, web: WebSettings) -> FastAPI:
    return create_app(connection=redis, settings=web)


@pytest.fixture
def bearing(app: FastAPI, web: WebSettings) -> Iterator[As]:
    """Make a client that bears a token of a role, or none."""
    made = []

    def _bearing(role: Role | None, *, tenant: str | None = None) -> TestClient:
        client = TestClient(app, base_url=BASE, raise_server_exceptions=False)
        if role is not None:
            client.headers["Authorization"] = f"Bearer {token_of(role, web, tenant=tenant)}"
        made.append(client)
        return client

    yield _bearing
    for client in made:
        client.close()


@pytest.fixture
def port(app: FastAPI) -> Iterator[int]:
    """The port of a real server with the application."""
    with served(app) as port:
        yield port


@pytest.fixture
def watch(port: int, web: WebSettings) -> Iterator[Watch]:
    """Open a stream with a moderator's token, or with the headers that are given."""
    with ExitStack() as streams:

        def _watch(path: str = QUEUES, *, last_id: str = "", **headers: str) -> Stream:
            bearer = {"Authorization": f"Bearer {token_of(Role.MODERATOR, web)}"}
            return streams.enter_context(Stream(port, path, last_id=last_id, **headers or bearer))

        yield _watch


@pytest.fixture
def moderator(bearing: As) -> TestClient:
    return bearing(Role.MODERATOR)


@pytest.fixture
def admin(bearing: As) -> TestClient:
    return bearing(Role.ADMIN)


@pytest.fixture
def super_admin(bearing: As) -> TestClient:
    return bearing(Role.SUPER_ADMIN)


@pytest.fixture
def queue(redis: Redis) -> Queue:
    return Queue("email", connection=redis, serializer=JSONSerializer)


@pytest.fixture
def failed_job(queue: Queue) -> Job:
    """A job of stock RQ's in that queue."""
    job = queue.enqueue("nothing.at.all", args=("a",))
    queue.remove(job)
    queue.failed_job_registry.add(job, ttl=60)
    job.set_status(JobStatus.FAILED)
    return job
