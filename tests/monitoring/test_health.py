import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from redis import Redis
from rq import Queue
from rq.suspension import suspend
from rq.utils import utcformat

from messages import NoteEnrichmentMessage
from monitoring.errors import QueueNotFound
from monitoring.health import get_queue_health, get_system_health
from monitoring.jobs.failed import get_failed_jobs
from monitoring.queues import get_queue_stats
from monitoring.queues.overview import get_overview
from postroom.address import free_port
from tests.monitoring.conftest import Register, seconds_of, silent_server, utc_now
from workers import JobHandle, enqueue, keys
from workers.connection import connect
from workers.errors import StorageUnavailable
from workers.settings import DEFAULT_QUEUES, Settings

TIMEOUT = 0.4  # seconds of REDIS_TIMEOUT in the tests that wait for it


def send(redis: Redis, queue: str, **options: object) -> JobHandle:
    return enqueue(NoteEnrichmentMessage.of("note-1"), connection=redis, queue=queue, **options)


def unreachable(url: str) -> Redis:
    return connect(Settings(redis_url=url, redis_timeout=TIMEOUT))


def test_health_has_exactly_the_shape_of_requirement_004(redis: Redis) -> None:
    nothing = {"queue_size": 0, "failed_jobs": 0, "scheduled_jobs": 0}

    assert get_system_health() == {
        "redis_connected": True,
        "queue_stats": dict.fromkeys(DEFAULT_QUEUES, nothing),
        "workers": {"count": 0, "active": 0},
    }


def test_dead_letters_near_their_limit_and_those_in_the_spill_file_are_told(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEAD_LETTER_LIMIT", "10")
    told: list[tuple[object, ...]] = []
    for count in (7, 8, 10, 11):
        redis.zadd(keys.dead_letters(), {str(number): number for number in range(count)})
        if count > 10:
            redis.sadd(keys.dead_letters_spilled(), "10")
        health = get_system_health(connection=redis)
        severities = [warning["severity"] for warning in health.get("warnings", ())]
        told.append((health.get("dead_letters_spilled"), severities))

    assert told == [(None, []), (0, ["warning"]), (0, ["critical"]), (1, ["critical"] * 2)]
    codes = [warning["code"] for warning in health["warnings"]]
    assert codes == ["dead_letters_near_limit", "dead_letters_spilled"]
    assert all(warning["message"] and warning["remedy"] for warning in health["warnings"])


def test_the_three_lists_of_a_queue_are_counted_together(redis: Redis) -> None:
    for priority in ("high", "normal", "normal", "low"):
        send(redis, "email", priority=priority)
    send(redis, "email", priority="high", delay=60)
    send(redis, "email", priority="low", delay=60)
    redis.zadd(keys.failed("email:low"), {"a": 1, "b": 2, "c": 3})

    stats = get_system_health(connection=redis)["queue_stats"]

    assert stats["email"] == {"queue_size": 4, "failed_jobs": 3, "scheduled_jobs": 2}
    assert not any(name.startswith("email:") for name in stats)


def test_a_queue_that_only_redis_knows_is_counted_too(redis: Redis) -> None:
    send(redis, "reports", priority="high")

    assert get_system_health(connection=redis)["queue_stats"]["reports"]["queue_size"] == 1


def test_workers_that_run_a_job_are_active_and_dead_ones_do_not_count(
    redis: Redis, register: Register
) -> None:
    register(redis, "email", name="idle")
    register(redis, "email", name="busy").set_state("busy")
    register(redis, "email", name="dead").register_death()
    redis.delete(register(redis, "email", name="gone").key)

    assert get_system_health(connection=redis)["workers"] == {"count": 2, "active": 1}


def test_without_redis_the_answer_has_the_agreed_shape_at_once() -> None:
    with unreachable(f"redis://127.0.0.1:{free_port()}/0") as nowhere:
        health = get_system_health(connection=nowhere)

    error = health.pop("error")
    assert health == {
        "redis_connected": False,
        "queue_stats": {},
        "workers": {"count": 0, "active": 0},
    }
    assert sorted(error) == ["code", "message", "remedy"]
    assert error["code"] == "redis_unavailable"
    assert "refused" in error["message"]
    assert "REDIS_URL" in error["remedy"]


def test_a_server_that_says_nothing_is_waited_for_no_longer_than_the_timeout() -> None:
    with silent_server() as url, unreachable(url) as silent:
        found: list[bool] = []
        seconds = seconds_of(
            lambda: found.append(get_system_health(connection=silent)["redis_connected"])
        )

    assert found == [False]
    assert TIMEOUT * 0.9 < seconds < TIMEOUT * 1.75


def test_a_login_that_is_refused_is_told_without_the_password(own_server: Redis) -> None:
    port = own_server.connection_pool.connection_kwargs["port"]
    with unreachable(f"redis://somebody:hunter2@127.0.0.1:{port}/0") as stranger:
        health = get_system_health(connection=stranger)

    assert health["redis_connected"] is False
    assert health["error"]["code"] == "redis_login"
    assert "hunter2" not in json.dumps(health)


def test_a_user_who_may_not_read_is_connected_and_told_so(own_server: Redis) -> None:
    own_server.acl_setuser("blind", enabled=True, nopass=True, commands=["+ping"], keys=["*"])
    port = own_server.connection_pool.connection_kwargs["port"]
    with unreachable(f"redis://blind@127.0.0.1:{port}/0") as blind:
        health = get_system_health(connection=blind)

    assert health["redis_connected"] is True
    assert health["error"]["code"] == "redis_refused"
    assert "postroom doctor" in health["error"]["remedy"]


@pytest.mark.parametrize(
    "look",
    [
        lambda redis: get_system_health(connection=redis),
        lambda redis: get_queue_health("email", connection=redis),
        lambda redis: get_queue_stats(True, 10, connection=redis),
        lambda redis: get_overview(connection=redis),
        lambda redis: get_failed_jobs(connection=redis),
    ],
    ids=["system", "queue", "stats", "overview", "failed"],
)
def test_looking_ends_no_job_whose_lease_is_over(
    redis: Redis, look: Callable[[Redis], object]
) -> None:
    # What one `rq info` on a host with a wrong clock does to a running job.
    queue = Queue("email", connection=redis)
    job = queue.enqueue("tests.workers.stock_jobs.touch", "x")
    redis.lrem(queue.key, 1, job.id)
    job.set_status("started")
    redis.zadd(queue.started_job_registry.key, {f"{job.id}:execution": 1})

    look(redis)

    assert redis.zcard(queue.started_job_registry.key) == 1
    assert redis.zcard(queue.failed_job_registry.key) == 0
    assert redis.hget(job.key, "status") == b"started"


def test_the_health_of_a_queue_says_how_much_waits_for_whom(
    redis: Redis, register: Register
) -> None:
    register(redis, "email", "email:high", name="both")
    register(redis, "email", name="one-list")
    register(redis, "notifications", name="elsewhere")
    for priority in ("high", "normal", "normal"):
        send(redis, "email", priority=priority)
    send(redis, "email", delay=60)
    send(redis, "email", depends_on=send(redis, "default"))
    redis.lpush(keys.intermediate("email"), "taken")

    health = get_queue_health("email", connection=redis)

    ages = [health.pop("oldest_waiting_seconds")]
    ages += [part.pop("oldest_waiting_seconds") for part in health["priorities"].values()]
    assert health == {
        "queue": "email",
        "queue_size": 3,
        "held_jobs": 0,
        "failed_jobs": 0,
        "scheduled_jobs": 1,
        "deferred_jobs": 1,
        "taken_jobs": 1,
        "started_jobs": 0,
        "workers": 2,
        "paused": False,
        "pauses": [],
        "suspended": False,
        "priorities": {
            "high": {"queue_size": 1, "workers": 1},
            "normal": {"queue_size": 2, "workers": 2},
            "low": {"queue_size": 0, "workers": 0},
        },
    }
    assert all(0 <= age < 5 for age in ages[:3])
    assert ages[3] is None


def test_the_oldest_job_is_found_behind_one_that_was_put_in_front(redis: Redis) -> None:
    old = send(redis, "email")
    longer_ago = utcformat(utc_now() - timedelta(seconds=100))
    redis.hset(keys.job(old.id), "enqueued_at", longer_ago)
    new = send(redis, "email")
    redis.lrem(keys.queue("email"), 1, new.id)
    redis.lpush(keys.queue("email"), new.id)

    health = get_queue_health("email", connection=redis)

    assert 100 <= health["oldest_waiting_seconds"] < 105


def test_the_name_of_a_list_stands_for_its_queue(redis: Redis) -> None:
    assert get_queue_health("email:high", connection=redis)["queue"] == "email"


def test_suspended_workers_are_told(redis: Redis) -> None:
    suspend(redis)

    assert get_queue_health("email", connection=redis)["suspended"] is True


def test_an_unknown_queue_is_refused_with_the_names_that_are_most_like_it(redis: Redis) -> None:
    with pytest.raises(QueueNotFound) as refused:
        get_queue_health("emial", connection=redis)

    assert (refused.value.code, refused.value.field) == ("queue_not_found", "queue")
    assert "'emial'" in refused.value.message
    assert "Did you mean email?" in refused.value.remedy


def test_an_unknown_queue_unlike_any_other_is_refused_with_those_there_are(redis: Redis) -> None:
    with pytest.raises(QueueNotFound, match="There are activity, activity_schema"):
        get_queue_health("xyz", connection=redis)


def test_the_health_of_a_queue_without_redis_is_an_error() -> None:
    with (
        unreachable(f"redis://127.0.0.1:{free_port()}/0") as nowhere,
        pytest.raises(StorageUnavailable, match="cannot be reached"),
    ):
        get_queue_health("email", connection=nowhere)
