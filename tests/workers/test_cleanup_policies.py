"""Clean-up by itself: which policies there are, whose turn it is, and what it leaves."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.duties.janitor import Janitor
from tests.processes import ask_until_true
from workers import audit, keys
from workers.cleanup import CleanupPolicy
from workers.cleanup_policies import EVERY_SECONDS, clean_hourly, read_policies

NOW = datetime(2026, 1, 22, 12, 0, tzinfo=UTC)


def end(redis, queue: str, job_id: str, *, days: float) -> None:
    """A completed job that ended so many days ago."""
    ended = (NOW - timedelta(days=days)).isoformat().replace("+00:00", "Z")
    redis.sadd(keys.queues(), keys.queue(queue))
    redis.hset(keys.job(job_id), mapping={"status": "finished", "ended_at": ended})
    redis.zadd(keys.finished(queue), {job_id: NOW.timestamp() - days})


def left(redis, queue: str) -> set[bytes]:
    return set(redis.zrange(keys.finished(queue), 0, -1))


def test_a_policy_is_read() -> None:
    assert read_policies(" email:completed:7d:100, *:failed:90m:0 ") == [
        CleanupPolicy("email", "completed", timedelta(days=7), 100),
        CleanupPolicy("*", "failed", timedelta(minutes=90), 0),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "email",
        "email:completed:7d",
        "email:gone:7d:1",
        "email:completed:7w:1",
        "a:high:completed:1d:1",
    ],
)
def test_what_is_no_policy_is_told_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="email:completed:7d:100"):
        read_policies(text)


def test_old_jobs_go_and_the_newest_stay(redis) -> None:
    for days in (1, 8, 9, 10):
        end(redis, "email", f"job-{days}", days=days)
    removed = clean_hourly(read_policies("email:completed:7d:2"), connection=redis, now=NOW)

    assert removed == {"email": 2}
    assert left(redis, "email") == {b"job-1", b"job-8"}
    ended, entry = audit.entries(10, connection=redis)
    assert (entry.actor, entry.action, entry.target) == ("policy", "queue.clean", "email")
    assert ended.details == {"before": 2, "after": 0}


def test_a_star_is_every_queue_that_was_used(redis) -> None:
    for queue in ("email", "default"):
        end(redis, queue, f"of-{queue}", days=8)

    assert clean_hourly(read_policies("*:completed:7d:0"), connection=redis, now=NOW) == {
        "default": 1,
        "email": 1,
    }


def test_of_many_processes_one_has_the_turn_of_an_hour(redis) -> None:
    policies = read_policies("*:completed:7d:0")
    turns = [clean_hourly(policies, connection=redis, now=NOW) for _ in range(3)]

    assert turns == [{}, None, None]
    assert 0 < redis.ttl(keys.cleaned()) <= EVERY_SECONDS
    assert audit.entries(10, connection=redis) == []


def test_without_policies_nobody_has_a_turn(redis) -> None:
    assert clean_hourly([], connection=redis, now=NOW) is None
    assert not redis.exists(keys.cleaned())


def test_the_web_process_follows_them(redis) -> None:
    end(redis, "email", "old", days=8)
    janitor = Janitor(read_policies("email:completed:7d:0"), connection=redis, every=0.05)
    janitor.start()
    ask_until_true(lambda: not left(redis, "email"))
    end(redis, "email", "older", days=9)
    redis.delete(keys.cleaned())  # the hour is over
    ask_until_true(lambda: not left(redis, "email"))
    janitor.stop()
