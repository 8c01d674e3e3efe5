"""One list of workers and consumers, with the dead in front."""

import time
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from messages import MessageScanMessage
from monitoring.errors import InvalidQuery
from monitoring.fleet import get_workers
from monitoring.health import get_queue_health, get_system_health
from monitoring.queues.overview import get_overview
from postroom.embedded import Server
from tests.monitoring.conftest import Register, utc_now
from tests.monitoring.trips import counting
from tests.workers.streams.places import TEMPLATE, own
from tests.workers.streams.readers import Consumer
from workers import Settings, publish_many, stream_keys
from workers.streams import consumers

STREAM = own("jobs:guild:123:message_scan")
FACTS = {
    "host": "mail-1",
    "pid": 7,
    "worker": "mail-1-7",
    "patterns": "jobs:guild:*,raibid:jobs",
    "running": "job-1 job-2",
    "running_count": 12,
    "slots": 16,
    "started_at": 1_800_000_000,
    "memory_mb": 220.5,
    "cpu_seconds": 3.25,
    "code_version": "1.4",
    "python_version": "3.11.9",
    "lease_seconds": Settings().lease_seconds,
}


@pytest.fixture(autouse=True)
def _own_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_TEMPLATE", TEMPLATE)


def fill(redis: Redis, stream: str, count: int) -> None:
    messages = (MessageScanMessage.of("123", "456") for _ in range(count))
    publish_many(messages, stream=stream, connection=redis)


def reading(redis: Redis, count: int, *patterns: str) -> Consumer:
    consumer = Consumer(redis, *(patterns or [own("*")]))
    consumer.take(count)
    return consumer


def expire(redis: Redis, consumer: Consumer, *, seconds_ago: float) -> None:
    """Let the last sign of life of a consumer be too old."""
    until = (time.time() - seconds_ago) * 1000
    redis.zadd(stream_keys.consumers("workers"), {consumer.consumer: until})


def rows(redis: Redis) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in get_workers(connection=redis)["workers"]}


def test_a_consumer_is_told_with_what_it_holds_and_says_of_itself(redis: Redis) -> None:
    other = own("jobs:guild:9:message_scan")
    fill(redis, STREAM, 3)
    fill(redis, other, 1)
    consumer = reading(redis, 10)
    consumers.tell("workers", consumer.consumer, FACTS, seconds=60, connection=redis)
    row = rows(redis)[consumer.consumer]

    assert (row["lane"], row["state"], row["group"]) == ("stream", "busy", "workers")
    assert (row["host"], row["pid"], row["worker"]) == ("mail-1", "7", "mail-1-7")
    assert row["patterns"] == ["jobs:guild:*", "raibid:jobs"]
    assert (row["slots"], row["running"], row["jobs"]) == (16, 12, ["job-1", "job-2"])
    assert (row["pending"], row["streamCount"]) == (4, 2)
    assert row["pendingIn"] == [
        {"stream": STREAM, "pending": 3},
        {"stream": other, "pending": 1},
    ]
    assert (row["memoryMb"], row["cpuSeconds"], row["codeVersion"]) == (220.5, 3.25, "1.4")
    assert row["pythonVersion"] == "3.11.9"
    assert row["startedAt"] == "2027-01-15T08:00:00.000Z"
    assert 0 <= row["secondsSinceHeartbeat"] < 5
    assert 0 <= row["idleSeconds"] < 5


def test_one_that_waits_for_work_is_idle(redis: Redis) -> None:
    consumer = reading(redis, 1)
    row = rows(redis)[consumer.consumer]

    assert (row["state"], row["pending"], row["idleSeconds"]) == ("idle", 0, None)


def test_the_dead_stand_first_and_what_they_left_is_told(redis: Redis, register: Register) -> None:
    fill(redis, STREAM, 5)
    dead = reading(redis, 2)
    living = reading(redis, 3)
    expire(redis, dead, seconds_ago=40)
    register(redis, "email", name="a-living")
    silent = register(redis, "email", name="b-killed")
    seen = (utc_now() - timedelta(seconds=100)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    redis.hset(silent.key, "last_heartbeat", seen)
    redis.expire(silent.key, 380)
    found = get_workers(connection=redis)

    assert [(row["name"], row["state"] == "dead") for row in found["workers"]] == [
        ("b-killed", True),
        (dead.consumer, True),
        ("a-living", False),
        (living.consumer, False),
    ]
    assert found["counts"] == {"dead": 2, "queue": 2, "stream": 2}
    assert rows(redis)[dead.consumer]["pending"] == 2


def test_the_dead_are_dead_wherever_workers_are_told(redis: Redis, register: Register) -> None:
    register(redis, "email", name="a-living")
    silent = register(redis, "email", name="b-killed")
    seen = (utc_now() - timedelta(seconds=100)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    redis.hset(silent.key, mapping={"last_heartbeat": seen, "state": "busy"})
    redis.expire(silent.key, 380)
    overview = get_overview(connection=redis)

    told = [(row["name"], row["state"]) for row in overview["workers"]]
    assert told == [("b-killed", "dead"), ("a-living", "idle")]
    assert overview["queues"]["email"]["workers"] == 1
    assert get_system_health(connection=redis)["workers"] == {"count": 1, "active": 0}
    assert get_queue_health("email", connection=redis)["workers"] == 1


def test_one_that_was_found_dead_is_told_until_its_entries_are_claimed(redis: Redis) -> None:
    fill(redis, STREAM, 2)
    dead = reading(redis, 2)
    expire(redis, dead, seconds_ago=1)
    consumers.reap("workers", connection=redis)
    before = rows(redis)[dead.consumer]
    living = reading(redis, 10)
    after = rows(redis)

    assert (before["state"], before["pending"]) == ("dead", 2)
    assert list(after) == [living.consumer]
    assert after[living.consumer]["pending"] == 2


def test_entries_that_were_handed_back_are_nobodys(redis: Redis) -> None:
    fill(redis, STREAM, 2)
    consumer = Consumer(redis, own("*"))
    consumer.hand_back(*consumer.take())
    found = get_workers(connection=redis)

    assert found["unclaimedEntries"] == 2
    assert [row["name"] for row in found["workers"]] == [consumer.consumer]


def test_a_consumer_of_another_program_shows_no_life_but_how_long_it_is_idle(
    redis: Redis,
) -> None:
    fill(redis, STREAM, 1)
    redis.xgroup_create(STREAM, "auditors", "0")
    redis.xreadgroup("auditors", "theirs", {STREAM: ">"})
    row = rows(redis)["theirs"]

    assert (row["group"], row["state"], row["pending"]) == ("auditors", "unknown", 1)
    assert row["secondsSinceHeartbeat"] is None
    assert row["idleSeconds"] < 5


def test_pages_name_each_once(redis: Redis, register: Register) -> None:
    made = [reading(redis, 1).consumer for _ in range(3)]
    made += [register(redis, "email", name=f"worker-{n}").name for n in range(4)]
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = get_workers(limit=2, cursor=cursor, connection=redis)
        found += [row["name"] for row in page["workers"]]
        cursor = page["cursor"]

    assert sorted(found) == sorted(made)
    assert not page["partial"]


@pytest.mark.parametrize("cursor", ["zz", "1", "2 queue worker ", "1 shelf worker ", "0 queue"])
def test_what_is_no_cursor_of_a_page_is_refused(redis: Redis, cursor: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        get_workers(cursor=cursor, connection=redis)

    assert refused.value.field == "cursor"


def test_many_streams_and_consumers_take_a_few_round_trips(
    redis: Redis, redis_server: Server
) -> None:
    names = [own(f"jobs:guild:{number}:message_scan") for number in range(300)]
    for name in names:
        fill(redis, name, 2)
    made = [reading(redis, 20) for _ in range(10)]
    with counting(redis_server.url) as client:
        found = get_workers(connection=client, settings=Settings())
        trips = client.trips

    assert trips <= 8
    assert sum(row["pending"] for row in found["workers"]) == 200
    assert {row["streamCount"] for row in found["workers"]} == {300}
    assert len(found["workers"]) == len(made)
