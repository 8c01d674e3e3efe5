"""What the overview says of stuck jobs."""

from datetime import timedelta
from typing import get_args

from rq.utils import utcformat

from monitoring.board.places.overview import REASONS
from monitoring.jobs.stuck import Reason
from tests.monitoring.board.conftest import Read
from tests.workers.letters import email
from workers import enqueue, keys
from workers.clock import utc_now


def test_each_reason_why_a_job_counts_as_stuck_has_words() -> None:
    assert set(get_args(Reason)) == set(REASONS)


def test_a_stuck_job_says_why_it_counts_as_that(read: Read, redis) -> None:
    began = utcformat(utc_now() - timedelta(minutes=12))
    job_id = enqueue(email(), connection=redis).id
    redis.hset(keys.job(job_id), mapping={"status": "started", "started_at": began})
    redis.lrem("rq:queue:email", 0, job_id)
    redis.zadd("rq:wip:email", {f"{job_id}:1": 4e9})

    assert "Runs for 12 min. Its timeout should have ended it." in read("/")
