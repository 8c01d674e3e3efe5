"""Routes of explanations, health and scale."""

from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from messages import NoteEnrichmentMessage
from workers import enqueue, watch_keys


def test_a_name_is_explained(redis: Redis, moderator) -> None:
    job_id = enqueue(NoteEnrichmentMessage.of("n"), queue="email", connection=redis).id

    (job,) = moderator.get(f"/api/why/{job_id}").json()["explanations"]

    assert (job["kind"], job["findings"][0]["code"]) == ("job", "no_worker")
    assert job["do"] == ["postroom worker email"]


def test_a_name_that_nothing_has_is_not_found(redis: Redis, moderator) -> None:
    answer = moderator.get("/api/why/emial")

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "subject_not_found"


def test_the_health_of_queues_has_the_worst_first(redis: Redis, moderator) -> None:
    enqueue(NoteEnrichmentMessage.of("n"), queue="email", connection=redis)

    told = moderator.get("/api/admin/queue-health").json()

    assert told["status"] == "critical"
    assert told["queues"][0]["queueName"] == "email"


def test_scale_is_json_for_keda_and_leaves_a_sample(redis: Redis, moderator) -> None:
    enqueue(NoteEnrichmentMessage.of("n"), queue="email", connection=redis)

    told = moderator.get("/scale").json()

    assert told["queues"]["email"]["desired_workers"] == 1
    assert redis.llen(watch_keys.watch_depths()) == 1


def test_scale_is_text_for_prometheus_with_one_label(redis: Redis, moderator) -> None:
    enqueue(NoteEnrichmentMessage.of("n"), queue="email", connection=redis)

    answer = moderator.get("/scale", params={"format": "prometheus"})

    assert answer.headers["content-type"].startswith("text/plain")
    families = {each.name: each for each in text_string_to_metric_families(answer.text)}
    desired = {
        each.labels["queue"]: each.value for each in families["postroom_desired_workers"].samples
    }
    assert desired["email"] == 1
    assert {"postroom_scale_workers", "postroom_arrivals_per_minute"} <= set(families)
    assert families["postroom_backlog_growth_per_minute"].samples == []  # nobody has watched yet
