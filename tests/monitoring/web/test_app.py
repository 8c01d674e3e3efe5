from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from redis import Redis

from monitoring.web.app import create_app
from monitoring.web.settings import WebSettings
from postroom.address import free_port
from workers.connection import connect
from workers.settings import Settings

WEB = WebSettings(postroom_secret="a secret of the tests, and of nothing else")


@pytest.fixture
def client(redis: Redis) -> TestClient:
    return TestClient(create_app(connection=redis, settings=WEB))


@pytest.fixture
def client_without_redis() -> Iterator[TestClient]:
    settings = Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    with connect(settings) as nowhere:
        yield TestClient(create_app(connection=nowhere, settings=WEB))


def test_a_living_process_is_healthy_without_redis(client_without_redis: TestClient) -> None:
    answer = client_without_redis.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_it_is_ready_when_redis_answers(client: TestClient) -> None:
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_without_redis_it_is_not_ready_and_says_why(client_without_redis: TestClient) -> None:
    answer = client_without_redis.get("/readyz")
    error = answer.json()["error"]

    assert answer.status_code == 503
    assert sorted(error) == ["code", "field", "message", "remedy"]
    assert error["code"] == "redis_unavailable"
    assert "cannot be reached" in error["message"]
    assert "REDIS_URL" in error["remedy"]


def test_a_probe_can_only_be_asked(client: TestClient) -> None:
    answer = client.post("/healthz")

    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"
