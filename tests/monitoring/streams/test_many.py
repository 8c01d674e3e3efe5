"""Looking at much: many streams, long pending lists, and servers that do not count what waits."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from redis import Redis

from messages import MessageScanMessage
from monitoring.streams import looks as stream_looks
from monitoring.streams.reading import Plan
from tests.workers.streams.places import TEMPLATE, own
from workers import Settings, publish_many

STREAM = own("jobs:guild:123:message_scan")


@pytest.fixture(autouse=True)
def _own_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_TEMPLATE", TEMPLATE)


def rounds_of(
    plan: Plan[Any], redis: Redis, change: Callable[[Any], Any] = lambda answer: answer
) -> tuple[Any, Sequence[int]]:
    """Carry a plan out with other answers; returns its result, and the questions of each round."""
    asked = []
    try:
        questions = next(plan)
        while True:
            asked.append(len(questions))
            pipe = redis.pipeline(transaction=False)
            for question in questions:
                question(pipe)
            questions = plan.send([change(each) for each in pipe.execute(raise_on_error=False)])
    except StopIteration as end:
        return end.value, asked


def as_redis_6(answer: Any) -> Any:
    """XINFO GROUPS without what Redis 7 added."""
    if not (isinstance(answer, list) and answer and isinstance(answer[0], dict)):
        return answer
    return [
        {name: value for name, value in each.items() if name not in {"lag", "entries-read"}}
        for each in answer
    ]


def fill(redis: Redis, stream: str, count: int) -> None:
    publish_many(
        (MessageScanMessage.of("123", "456") for _ in range(count)),
        stream=stream,
        connection=redis,
    )


def test_what_waits_is_counted_on_a_server_that_does_not(redis: Redis) -> None:
    fill(redis, STREAM, 20)
    for group, count in (("workers", 12), ("late", 7)):
        redis.xgroup_create(STREAM, group, "0")
        redis.xreadgroup(group, "worker-1", {STREAM: ">"}, count=count)
    plan = stream_looks.guild("123", Settings())
    found, _ = rounds_of(plan, redis, as_redis_6)

    assert (found["total_queued"], found["total_pending"]) == (13, 12)
    assert found == {**guild_stats(redis), "recent_jobs": found["recent_jobs"]}
    info, _ = rounds_of(stream_looks.info(STREAM, Settings()), redis, as_redis_6)
    assert {each["name"]: each["queued_count"] for each in info["groups"]} == {
        "workers": 8,
        "late": 13,
    }


def guild_stats(redis: Redis) -> Any:
    return rounds_of(stream_looks.guild("123", Settings()), redis)[0]


def test_a_number_that_is_not_counted_to_its_end_says_so_in_every_look(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitoring.streams.groups.MOST_COUNTED", 5)
    fill(redis, STREAM, 8)
    redis.xgroup_create(STREAM, "workers", "0")
    redis.xreadgroup("workers", "worker-1", {STREAM: ">"}, count=1)
    stats, _ = rounds_of(stream_looks.guild("123", Settings()), redis, as_redis_6)
    info, _ = rounds_of(stream_looks.info(STREAM, Settings()), redis, as_redis_6)

    for row in (stats["streams"][0], info["groups"][0]):
        assert (row["queued_count"], row["queued_count_is_lower_bound"]) == (5, True)


def test_many_streams_take_a_few_rounds_also_where_they_are_counted(redis: Redis) -> None:
    for number in range(20):
        name = own(f"jobs:guild:123:t{number}")
        fill(redis, name, 3)
        redis.xgroup_create(name, "workers", "0")
        redis.xreadgroup("workers", "worker-1", {name: ">"}, count=1)
    _, told = rounds_of(stream_looks.guild("123", Settings()), redis)
    found, counted = rounds_of(stream_looks.guild("123", Settings()), redis, as_redis_6)

    assert (found["total_queued"], found["total_pending"]) == (40, 20)
    assert len(told) <= 5
    assert len(counted) <= 5 + 4  # five streams in one question


def test_a_long_pending_list_hides_no_entry(redis: Redis) -> None:
    fill(redis, STREAM, 3_000)
    redis.xgroup_create(STREAM, "workers", "0")
    redis.xreadgroup("workers", "worker-1", {STREAM: ">"})
    ids = [entry for entry, _ in redis.xrange(STREAM)]
    redis.xdel(STREAM, *ids[2:-2])
    redis.xack(STREAM, "workers", ids[1])
    jobs, _ = rounds_of(stream_looks.peek(STREAM, 200, Settings(), reverse=False), redis)
    info, _ = rounds_of(stream_looks.info(STREAM, Settings()), redis)

    assert [job["state"]["name"] for job in jobs] == ["pending", "done", "pending", "pending"]
    assert info["groups"][0]["pending_count"] == 2_999
    assert info["groups"][0]["consumers"][0]["pending_count"] == 2_999


def test_a_guild_asks_only_of_what_it_shows_who_has_it(redis: Redis) -> None:
    for number in range(10):
        name = own(f"jobs:guild:123:t{number}")
        fill(redis, name, 6)
        redis.xgroup_create(name, "workers", "0")
        redis.xreadgroup("workers", "worker-1", {name: ">"})
    found, asked = rounds_of(stream_looks.guild("123", Settings()), redis)

    assert {job["state"]["name"] for job in found["recent_jobs"]} == {"pending"}
    assert len(found["recent_jobs"]) == asked[-1] == 20


def test_many_groups_are_asked_for_together(redis: Redis) -> None:
    fill(redis, STREAM, 3)
    for number in range(30):
        redis.xgroup_create(STREAM, f"group-{number}", "0")
        redis.xreadgroup(f"group-{number}", "worker-1", {STREAM: ">"}, count=number % 3 + 1)
    info, asked = rounds_of(stream_looks.info(STREAM, Settings()), redis)

    assert len(info["groups"]) == 30
    assert len(asked) == 3
