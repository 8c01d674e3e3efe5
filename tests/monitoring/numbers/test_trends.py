from datetime import UTC, datetime, timedelta

import pytest

from monitoring.errors import InvalidQuery
from monitoring.numbers.trends import get_trends
from tests.contract.shape import contract, shape
from tests.monitoring.conftest import url_of
from tests.monitoring.counted import move, note
from tests.monitoring.counting import Counting, counting
from workers import keys
from workers.settings import load_settings

NOW = datetime(2026, 1, 15, 12, 30, 20, tzinfo=UTC)
NOTHING = {"successful": 0, "failed": 0, "total": 0, "successRate": 100.0, "avgProcessingTime": 0}


def row(trends, name="email"):
    return next(each for each in trends if each["queueName"] == name)


def test_trends_have_the_shape_of_the_requirement(redis):
    note(redis, *[("youtube-sync|SYNC", "", "finished", 3_000_000, 5)] * 1208)
    note(redis, *[("youtube-sync|SYNC", "", "failed", 17_880_952, 5)] * 42)
    expected = contract("001_trends")

    found = get_trends()

    assert shape(found) == shape(expected)
    assert row(found, "youtube-sync") == {**expected[0], "avgProcessingTime": 3500.0}


@pytest.mark.parametrize("period", ["24h", "7d", "30d"])
def test_queues_without_traffic_appear_with_zeros(redis, period):
    found = get_trends(period)

    assert [each["queueName"] for each in found] == list(load_settings().queues)
    assert all(
        each == {**NOTHING, "queueName": each["queueName"], "period": period} for each in found
    )


def test_streams_come_after_queues(redis):
    note(
        redis, ("jobs:guild:*:scan|SCAN", "", "finished", 5, 5), ("email|EMAIL", "", "failed", 5, 5)
    )
    redis.sadd(keys.queues(), keys.queue("aaa"), keys.queue("email:high"))

    names = [each["queueName"] for each in get_trends()]

    assert names == [*load_settings().queues, "aaa", "jobs:guild:*:scan"]


@pytest.mark.parametrize("period", ["1h", "", "24H", None, 24])
def test_another_period_is_refused(redis, period):
    with pytest.raises(InvalidQuery) as refused:
        get_trends(period)

    assert refused.value.field == "period"
    assert "24h, 7d, 30d" in refused.value.remedy


@pytest.mark.parametrize(
    ("period", "length", "slack"),
    [
        ("24h", timedelta(hours=24), timedelta(minutes=1)),
        ("7d", timedelta(days=7), timedelta(hours=1)),
        ("30d", timedelta(days=30), timedelta(hours=1)),
    ],
)
def test_a_period_begins_where_it_should(redis, period, length, slack):
    for ago in (length - timedelta(seconds=1), length + slack):
        note(redis, ("email|EMAIL", "", "finished", 1_000, 5))
        move(redis, NOW - ago)

    assert row(get_trends(period, now=NOW))["total"] == 1


def test_the_last_runs_make_the_average(redis):
    note(
        redis,
        ("email|EMAIL", "", "finished", 1_000, 5),
        ("email|NOTE", "", "failed", 2_002, 5),
        ("email|NOTE", "", "retried", 900_000, 5),
    )

    found = row(get_trends())

    assert found["avgProcessingTime"] == 1.501
    assert (found["total"], found["successRate"]) == (2, 50.0)


@pytest.mark.parametrize("period", ["24h", "7d", "30d"])
def test_trends_take_two_round_trips(redis, period):
    for number in range(60):
        note(redis, (f"queue-{number}|EMAIL", "", "finished", 5, 5))
    client = counting(url_of(redis))

    get_trends(period, connection=client)

    assert Counting.sent == 2
