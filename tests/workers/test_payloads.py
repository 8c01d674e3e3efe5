"""What stays of a finished job's message."""

import json

from tests.workers.conftest import settled
from workers import keys


def test_finished_jobs_keep_their_message_unless_only_failures_shall(redis, send, start_worker):
    start_worker(env={"KEEP_PAYLOAD": "failures"})
    done, failed = send("echo"), send("permanent")

    assert [settled(done), settled(failed)] == ["finished", "failed"]
    assert redis.hget(keys.job(done.id), "data") == b""
    assert json.loads(redis.hget(keys.job(failed.id), "data"))[2][0]["messageId"] == failed.id
