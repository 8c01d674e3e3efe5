"""A name with a slash, sent as `%2F`, is reached wherever names are taken, and shadows no other."""

import pytest
from fastapi.testclient import TestClient
from httpx2 import Client
from rq import Queue
from rq.serializers import JSONSerializer
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.monitoring.api.changes import WHY
from tests.monitoring.api.leaving import first_bytes
from tests.monitoring.api.tokens import refusal
from tests.workers.conftest import message
from workers import enqueue, publish


@pytest.fixture
def stock(redis) -> Queue:
    """A queue that stock RQ named `a/b`, with a job."""
    queue = Queue("a/b", connection=redis, serializer=JSONSerializer)
    queue.enqueue("os.getpid")
    return queue


@pytest.mark.usefixtures("stock")
@pytest.mark.parametrize(
    "path",
    [
        "/admin/jobs/queue/a%2Fb",
        "/api/queues/a%2Fb",
        "/api/health/queues/a%2fb",
        "/api/why/a%2Fb",
        "/queues/a%2Fb",
    ],
)
def test_a_queue_with_a_slash_is_shown(moderator, path: str) -> None:
    answer = moderator.get(path)

    assert answer.status_code == 200
    assert "a/b" in answer.text


def test_a_queue_with_a_slash_is_watched(moderator, stock) -> None:
    assert first_bytes(moderator, "/admin/jobs/queue/a%2Fb/live").status_code == 200


def test_a_queue_with_a_slash_is_paused_resumed_and_cleared(super_admin, stock) -> None:
    path = "/admin/jobs/queue/a%2Fb"
    paused = super_admin.patch(f"{path}/pause", params=WHY).json()
    resumed = super_admin.patch(f"{path}/resume", params=WHY).json()
    asked = {"type": "waiting", "dryRun": "false", **WHY}
    cleared = super_admin.delete(f"{path}/clear", params=asked).json()

    assert (paused["queueName"], paused["changed"], resumed["changed"]) == ("a/b", True, True)
    assert cleared["removed"] == {"waiting": 1}


def test_a_job_is_reached_by_a_queue_with_a_slash(admin, stock) -> None:
    (job_id,) = stock.job_ids

    assert admin.delete(f"/admin/jobs/a%2Fb/{job_id}", params=WHY).json()["success"]
    assert stock.job_ids == []


def test_a_stream_with_a_slash_is_read_trimmed_and_claimed(redis, admin) -> None:
    publish(message(), stream="a/b", connection=redis)
    path, why = "/api/streams/a%2Fb", WHY | {"consumer": "none", "group": "workers"}

    assert admin.get(path).json()["length"] == 1
    assert len(admin.get(f"{path}/jobs").json()) == 1
    assert admin.get(f"{path}/pending").status_code == 200
    assert admin.get("/api/why/a%2Fb").json()["explanations"]
    assert admin.get("/streams/a%2Fb").status_code == 200
    assert admin.post(f"{path}/trim", json=WHY).json()["success"]
    assert refusal(admin.post(f"{path}/claim", json=why)) != "not_found"
    assert refusal(admin.delete(f"{path}/consumers/a%2Fb", params=WHY)) != "not_found"


def test_a_name_that_ends_like_a_route_is_a_name(redis, moderator) -> None:
    for name in ("a", "a/jobs", "a/jobs/jobs"):
        publish(message(), stream=name, connection=redis)

    assert moderator.get("/api/streams/a%2Fjobs").json()["stream_name"] == "a/jobs"
    assert moderator.get("/api/streams/a%2Fjobs%2Fjobs").json()["stream_name"] == "a/jobs/jobs"
    assert len(moderator.get("/api/streams/a%2Fjobs/jobs").json()) == 1
    assert len(moderator.get("/api/streams/a/jobs").json()) == 1
    assert refusal(moderator.get("/api/streams/a/jobs/jobs")) == "not_found"


def test_a_served_name_may_hold_a_slash_or_what_looks_like_one(redis, moderator, port) -> None:
    for name in ("a/b", "a%2Fb"):
        publish(message(), stream=name, connection=redis)

    with Client(base_url=f"http://127.0.0.1:{port}", headers=moderator.headers) as client:
        told = [client.get(f"/api/streams/{sent}").json() for sent in ("a%2Fb?", "a%252Fb")]

    assert [each["stream_name"] for each in told] == ["a/b", "a%2Fb"]


@pytest.mark.usefixtures("stock")
def test_names_with_a_slash_are_reached_where_it_is_mounted(moderator) -> None:
    other = Starlette(routes=[Mount("/post", app=moderator.app)])
    client = TestClient(other, base_url=str(moderator.base_url), headers=moderator.headers)

    assert client.get("/post/api/queues/a%2Fb").json()["queueName"] == "a/b"
    assert 'href="/post/queues/a%2Fb"' in client.get("/post/queues").text


def test_a_unique_key_with_a_slash_is_explained(redis, moderator) -> None:
    handle = enqueue(message(), unique_key="u/1:ü", connection=redis)
    (found,) = moderator.get("/api/why/u%2F1:%C3%BC").json()["explanations"]

    assert handle.id in str(found)


@pytest.mark.usefixtures("stock")
def test_the_board_links_to_a_queue_with_a_slash(moderator) -> None:
    assert 'href="/queues/a%2Fb"' in moderator.get("/queues").text


def test_the_login_leads_back_to_a_name_with_a_slash(bearing) -> None:
    asked = {"headers": {"accept": "text/html"}, "follow_redirects": False}
    answer = bearing(None).get("/queues/a%2Fb%20c", **asked)

    assert answer.headers["location"] == "/login?next=/queues/a%252Fb%2520c"


@pytest.mark.parametrize("path", ["/nowhere/a%2Fb", "/api/jobs/a%2Fb", "/api%2Fjobs", "/%2F"])
def test_what_is_not_there_is_told_with_its_slash(moderator, path: str) -> None:
    answer = moderator.get(path)

    assert answer.status_code == 404
    assert path.rpartition("/")[2].replace("%2F", "/") in answer.json()["error"]["message"]
