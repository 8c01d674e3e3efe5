"""A worker is stopped over HTTP, and the audit log has it."""

from rq.command import PUBSUB_CHANNEL_TEMPLATE

from tests.monitoring.api.changes import last
from tests.monitoring.api.tokens import refusal
from workers import keys


def test_a_worker_that_listens_is_told_to_stop(redis, admin, eventually) -> None:
    ears = redis.pubsub(ignore_subscribe_messages=True)
    ears.subscribe(PUBSUB_CHANNEL_TEMPLATE % "one")
    eventually(lambda: redis.pubsub_numsub(PUBSUB_CHANNEL_TEMPLATE % "one")[0][1])

    answer = admin.post("/api/workers/one/stop", json={"reason": "a fire"})

    assert answer.json() == {"success": True, "name": "one"}
    assert last(redis) == ("worker.stop", "one", "ann", "a fire")
    heard = eventually(lambda: ears.get_message(timeout=0.1))
    assert heard["data"] == b'{"command": "shutdown"}'
    ears.close()


def test_a_worker_that_nobody_knows_is_404_and_nothing_is_written_down(redis, admin) -> None:
    answer = admin.post("/api/workers/none/stop", json={"reason": "a fire"})

    assert (answer.status_code, refusal(answer)) == (404, "worker_not_found")
    assert "SIGTERM" in answer.json()["error"]["remedy"]
    assert not redis.exists(keys.audit())


def test_a_stop_needs_a_reason(admin) -> None:
    assert admin.post("/api/workers/one/stop", json={"reason": " "}).status_code == 422
