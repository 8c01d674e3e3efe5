"""What programs that watch are given: numbers, a scrape, alerts."""

import threading

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from monitoring.alerts import AlertSettings
from monitoring.web.app import create_app
from monitoring.web.settings import WebSettings
from tests.monitoring.api.tokens import BASE, SECRET, refusal
from tests.workers.conftest import message
from tests.workers.letters import email
from workers import deploys, enqueue, publish

SCRAPE = "a token of Prometheus"


@pytest.fixture
def scraper(redis) -> TestClient:
    web = WebSettings(postroom_secret=SECRET, postroom_scrape_token=SCRAPE)
    client = TestClient(create_app(connection=redis, settings=web), base_url=BASE)
    client.headers["Authorization"] = f"Bearer {SCRAPE}"
    return client


def test_prometheus_scrapes_with_a_token_of_its_own(redis, scraper: TestClient) -> None:
    enqueue(message(), connection=redis)
    told = text_string_to_metric_families(scraper.get("/metrics").text)
    (waiting,) = [each for each in told if each.name == "postroom_queue_waiting"]

    assert {each.labels["queue"]: each.value for each in waiting.samples}["default"] == 1


def test_that_token_opens_nothing_else(scraper: TestClient) -> None:
    assert scraper.get("/api/overview").status_code == 401
    assert scraper.patch("/admin/jobs/queue/email/pause").status_code == 401


def test_another_token_does_not_scrape(scraper: TestClient, moderator: TestClient) -> None:
    scraper.headers["Authorization"] = f"Bearer {SCRAPE}!"

    assert scraper.get("/metrics").status_code == 401
    assert moderator.get("/metrics").status_code == 200


def test_numbers_of_queues_and_types(redis, moderator: TestClient) -> None:
    enqueue(message(), connection=redis)
    queues = {each["queueName"]: each for each in moderator.get("/api/queues").json()["queues"]}
    (kind,) = moderator.get("/api/types").json()["types"]

    assert queues["default"]["waiting"] == 1
    assert moderator.get("/api/queues/default").json()["waiting"] == 1
    assert (kind["messageType"], kind["waiting"]) == ("TEST", 1)
    assert refusal(moderator.get("/api/queues/defalt")) == "queue_not_found"


def test_a_series_with_deployments(redis, moderator: TestClient) -> None:
    deploys.mark("v1", connection=redis)
    asked = {"step": "minute", "points": 5, "queue": "default", "type": "TEST"}
    told = moderator.get("/api/series", params=asked).json()

    assert len(told["points"]) == 5
    assert (told["queue"], told["messageType"]) == ("default", "TEST")
    assert [each["version"] for each in told["deploys"]] == ["v1"]
    assert moderator.get("/api/deploys").json() == {"deploys": told["deploys"]}
    assert refusal(moderator.get("/api/series", params={"points": 0})) == "invalid_query"
    assert refusal(moderator.get("/api/series", params={"queue": "defalt"})) == "queue_not_found"
    assert refusal(moderator.get("/api/series", params={"type": "TSET"})) == "type_not_found"


def test_rules_are_shown_and_a_channel_that_is_not_there_is_told(admin: TestClient) -> None:
    shown = admin.get("/api/alerts/rules").json()

    assert "waiting" in {rule["name"] for rule in shown["rules"]}
    assert shown["channels"] == []
    assert admin.get("/api/alerts").json() == {"alerts": []}
    assert refusal(admin.post("/api/alerts/test/ops")) == "alert_channel_not_found"


def test_an_autoscaler_asks_with_that_token_too(redis, scraper: TestClient) -> None:
    enqueue(message(), connection=redis)

    assert scraper.get("/scale").json()["desired_workers"] == 1


def test_who_paused_a_queue_is_told_with_what_to_do(redis, admin: TestClient) -> None:
    job_id = enqueue(message(), connection=redis).id
    admin.patch("/admin/jobs/queue/default/pause", params={"reason": "a fire"})
    (found,) = admin.get(f"/api/why/{job_id}").json()["explanations"]

    assert "paused by ann" in found["explanation"]
    assert any("resume" in command for command in found["do"])


def test_people_are_alerted_for_as_long_as_it_is_served(redis) -> None:
    web = WebSettings(postroom_secret=SECRET)
    app = create_app(
        connection=redis, settings=web, alerts_settings=AlertSettings(alert_seconds=0.05)
    )
    with TestClient(app, base_url=BASE):
        assert "alerter" in {thread.name for thread in threading.enumerate()}

    assert "alerter" not in {thread.name for thread in threading.enumerate()}


def test_any_job_is_found(redis, moderator: TestClient) -> None:
    job_id = enqueue(email(7), connection=redis).id
    found = moderator.get("/api/search", params={"q": "type:EMAIL to:ada-7@example.com"}).json()

    assert [row["jobId"] for row in found["jobs"]] == [job_id]
    wrong = moderator.get("/api/search", params={"q": "tpye:EMAIL"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "invalid_query")


def test_a_deployment_is_marked(redis, admin: TestClient) -> None:
    admin.post("/api/deploys", json={"version": "1.4.0", "note": "faster"})
    (shown,) = admin.get("/api/deploys").json()["deploys"]

    assert (shown["version"], shown["note"], shown["actor"]) == ("1.4.0", "faster", "ann")


def test_a_stream_is_trimmed_and_its_dead_consumer_removed(redis, admin: TestClient) -> None:
    stream = "jobs:guild:7:message_scan"
    for _ in range(3):
        publish(message(), stream=stream, connection=redis)
    redis.xgroup_create(stream, "workers", id="0")
    for entry, _ in redis.xreadgroup("workers", "old", {stream: ">"}, count=2)[0][1]:
        redis.xack(stream, "workers", entry)
    redis.xreadgroup("workers", "old", {stream: ">"}, count=1)
    path, why = f"/api/streams/{stream}", {"reason": "x"}

    assert admin.post(f"{path}/trim", json={"keep": 1, **why}).json()["removed"] == 2
    removed = admin.delete(f"{path}/consumers/old", params=why).json()
    assert removed["entries"] == 1
    assert "old" not in {row["name"].decode() for row in redis.xinfo_consumers(stream, "workers")}
