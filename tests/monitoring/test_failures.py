"""The list of groups of failures, and one of them."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.errors import InvalidQuery
from monitoring.failures import get_failure_group, get_failure_groups
from tests.monitoring.trips import counting
from workers import keys
from workers.errors import FailureGroupNotFound

NOW = datetime(2026, 1, 15, 12, 30, tzinfo=UTC)
STATES = ("", "muted", "fixed", "reopened")


def fill(redis, count):
    """Groups `g0000` and on, the later the newer, of three types, two queues and all states."""
    begin = 1_768_000_000_000
    with redis.pipeline() as pipe:
        for number in range(count):
            name, at = f"g{number:04}", begin + number * 1000
            told = {
                "first": begin + (number * 7) % count,
                "last": at,
                "count": (number * 13) % 50 + 1,
            }
            told |= {"type": f"T{number % 3}", "class": "E", "text": f"text {number}"}
            told |= {"queues": f"q{number % 2}\nall", "releases": "v1"}
            told |= {"count|v1": 1, "first|v1": at, "last|v1": at}
            if state := STATES[number % 4]:
                told["state"] = state
            pipe.hset(keys.failure(name), mapping=told)
            pipe.zadd(keys.failures(), {name: at})
        pipe.execute()


def pages(redis, limit, **wanted):
    found, cursor = [], None
    while True:
        page = get_failure_groups(limit=limit, cursor=cursor, connection=redis, **wanted)
        found += [each["fingerprint"] for each in page["groups"]]
        assert len(page["groups"]) <= limit
        if (cursor := page["cursor"]) is None:
            return found


def test_pages_have_each_group_once_whatever_the_order(redis):
    fill(redis, 60)

    everything = {f"g{number:04}" for number in range(60)}
    for sort in ("last", "first", "count"):
        names = pages(redis, 7, sort=sort)
        assert (len(names), set(names)) == (60, everything)
        values = [int(redis.hget(keys.failure(name), sort)) for name in names]
        assert values == sorted(values, reverse=True)
    assert pages(redis, 60) == pages(redis, 200) == sorted(everything, reverse=True)


def test_filters_leave_what_fits(redis):
    fill(redis, 60)

    states = {state: pages(redis, 50, state=state) for state in ("open", "muted", "fixed")}
    assert [len(names) for names in states.values()] == [30, 15, 15]
    assert set(pages(redis, 50, state="reopened")) < set(states["open"])
    assert len(pages(redis, 50, message_type="T1")) == 20
    assert len(pages(redis, 50, queue="q1")) == 30
    assert len(pages(redis, 50, queue="all")) == 60
    both = pages(redis, 3, queue="q1", message_type="T1", state="muted")
    assert [int(name[1:]) % 12 for name in both] == [1] * 5


def test_a_group_whose_time_is_over_is_left_out(redis):
    fill(redis, 3)
    redis.delete(keys.failure("g0001"))

    assert pages(redis, 10) == ["g0002", "g0000"]
    with pytest.raises(FailureGroupNotFound, match="g0001"):
        get_failure_group("g0001", connection=redis)


def test_a_thousand_groups_are_three_round_trips_and_one_is_two(redis, redis_server):
    fill(redis, 1_000)

    with counting(redis_server.url) as client:
        get_failure_groups(connection=client)
        assert client.trips == 3
        get_failure_group("g0007", hours=336, connection=client)
        assert client.trips == 2


def test_a_trend_has_each_hour_up_to_now_with_all_queues_of_the_group(redis):
    fill(redis, 2)
    for hours_ago, queue, count in ((0, "q1", 4), (2, "q1", 1), (2, "all", 2), (2, "other", 9)):
        begin = NOW.replace(minute=0) - timedelta(hours=hours_ago)
        key = keys.stats("h", int(begin.timestamp()))
        redis.hset(key, f"failure|g0001|{queue}|T1|n", count)

    trend = get_failure_group("g0001", hours=4, now=NOW, connection=redis)["trend"]
    assert [each["count"] for each in trend] == [0, 3, 0, 4]
    assert trend[-1]["at"] == "2026-01-15T12:00:00.000Z"


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"state": "new"}, "state"),
        ({"sort": "size"}, "sort"),
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"cursor": "next"}, "cursor"),
    ],
)
def test_a_question_that_cannot_be_answered_names_its_field(redis, wanted, field):
    with pytest.raises(InvalidQuery) as refused:
        get_failure_groups(connection=redis, **wanted)
    assert refused.value.field == field


@pytest.mark.parametrize("hours", [0, 337])
def test_hours_out_of_range_are_refused(redis, hours):
    with pytest.raises(InvalidQuery, match="hours is"):
        get_failure_group("g", hours=hours, connection=redis)
