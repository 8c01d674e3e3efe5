from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from rq import Queue
from rq.serializers import JSONSerializer

from monitoring.errors import InvalidQuery, QueueNotFound, TypeNotFound
from monitoring.numbers import series
from monitoring.numbers.series import get_series
from tests.monitoring.conftest import url_of
from tests.monitoring.counted import move, note
from tests.monitoring.counting import Counting, counting
from workers import deploys, keys

NOW = datetime(2026, 1, 15, 12, 30, 20, tzinfo=UTC)


def ended(redis, ago, *runs):
    note(redis, *runs)
    move(redis, NOW - ago)


def totals(found):
    return [each["successful"] + each["failed"] for each in found["points"]]


def test_a_point_tells_outcomes_and_times(redis):
    ended(
        redis,
        timedelta(),
        ("email|EMAIL", "", "finished", 1_000, 40_000),
        ("email|EMAIL", "", "failed", 3_000, 80_000),
        ("email|EMAIL", "", "retried", 9_000_000, 9_000_000),
    )

    found = get_series("hour", 1, now=NOW)

    (point,) = found["points"]
    assert {name: point[name] for name in ("at", "successful", "failed", "retried")} == {
        "at": "2026-01-15T12:00:00.000Z",
        "successful": 1,
        "failed": 1,
        "retried": 1,
    }
    assert (point["successRate"], point["avgProcessingTime"]) == (50.0, 2.0)
    shares = {"runP50": 1, "runP95": 3, "runP99": 3, "waitP50": 40, "waitP95": 80}
    assert {name: point[name] for name in shares} == pytest.approx(shares, rel=0.025)


def test_a_point_at_which_nothing_ended_has_no_times(redis):
    (point,) = get_series("day", 1, now=NOW)["points"]

    assert point == {
        "at": "2026-01-15T00:00:00.000Z",
        "successful": 0,
        "failed": 0,
        "retried": 0,
        "successRate": 100.0,
        "avgProcessingTime": None,
        "runP50": None,
        "runP95": None,
        "runP99": None,
        "waitP50": None,
        "waitP95": None,
        "waitP99": None,
    }


@pytest.mark.parametrize(
    ("step", "usual", "length"),
    [("minute", 60, "0:01:00"), ("hour", 24, "1:00:00"), ("day", 30, "1 day, 0:00:00")],
)
def test_points_are_apart_by_their_step(redis, step, usual, length):
    for ago in (timedelta(), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)):
        ended(redis, ago, ("email|EMAIL", "", "finished", 1, 1))

    found = get_series(step, now=NOW)

    begins = [datetime.fromisoformat(each["at"]) for each in found["points"]]
    assert len(begins) == usual
    assert {str(later - earlier) for earlier, later in pairwise(begins)} == {length}
    assert totals(found)[-2:] == {"minute": [1, 1], "hour": [1, 2], "day": [1, 3]}[step]


def test_a_series_is_of_a_queue_and_a_type_if_these_are_named(redis):
    ended(
        redis,
        timedelta(),
        ("email|EMAIL", "", "finished", 1, 1),
        ("email|NOTE", "", "finished", 1, 1),
        ("notes|NOTE", "", "finished", 1, 1),
        ("streams*|NOTE", "", "finished", 1, 1),
    )

    def total(**asked):
        return sum(totals(get_series("hour", 2, now=NOW, **asked)))

    assert total() == 4
    assert total(queue="email") == 2
    assert total(message_type="NOTE") == 3
    assert total(queue="email", message_type="NOTE") == 1
    assert total(queue="streams*") == 1
    assert total(queue="default") == 0
    assert total(message_type="TEST") == 0


def test_a_queue_that_nobody_knows_is_refused(redis):
    with pytest.raises(QueueNotFound):
        get_series(queue="emial", now=NOW)


def test_a_type_that_nobody_knows_is_refused(redis):
    with pytest.raises(TypeNotFound, match="'EMIAL'") as refused:
        get_series(message_type="EMIAL", now=NOW)

    assert refused.value.field == "type"
    assert "EMAIL" in refused.value.remedy


def test_a_type_of_which_there_was_something_once_has_zeros(redis):
    ended(redis, timedelta(days=80), ("email|RETIRED", "", "finished", 1, 1))
    Queue("email", redis, serializer=JSONSerializer).enqueue("os.getpid")

    for kind in ("RETIRED", "os.getpid"):
        assert totals(get_series("hour", 2, message_type=kind, now=NOW)) == [0, 0]


@pytest.mark.parametrize(
    ("step", "points", "field"),
    [
        ("week", None, "step"),
        ("", 5, "step"),
        ("hour", 0, "points"),
        ("hour", 721, "points"),
        ("minute", 1441, "points"),
        ("day", 91, "points"),
        ("day", True, "points"),
        ("day", "5", "points"),
    ],
)
def test_another_step_or_number_is_refused(redis, step, points, field):
    with pytest.raises(InvalidQuery) as refused:
        get_series(step, points, now=NOW)

    assert refused.value.field == field


def test_deployments_of_that_time_are_marked(redis):
    deploys.mark("v1", connection=redis)
    deploys.mark("v2", note="new", actor="ann", connection=redis)
    old = redis.lindex(keys.deploys(), 0).decode()
    redis.lset(keys.deploys(), 0, old.replace('"at":17', '"at":16'))

    found = get_series("hour", 2)["deploys"]

    assert [(each["version"], each["note"], each["actor"]) for each in found] == [
        ("v2", "new", "ann")
    ]


def test_of_too_many_histograms_the_newest_are_read(redis, monkeypatch):
    for hours in range(4):
        for queue in ("a", "b", "c"):
            ended(redis, timedelta(hours=hours), (f"{queue}|EMAIL", "", "finished", 1_000, 1))
    monkeypatch.setattr(series, "MOST_HISTOGRAMS", 7)

    found = get_series("hour", 4, now=NOW)

    assert [each["runP50"] is not None for each in found["points"]] == [False, False, True, True]
    assert [each["avgProcessingTime"] for each in found["points"]] == [1.0] * 4
    assert found["percentilesSince"] == found["points"][2]["at"]
    assert get_series("hour", 4, queue="a", now=NOW)["percentilesSince"].startswith("2026-01-15T09")


@pytest.mark.parametrize("step", ["minute", "hour", "day"])
def test_a_series_takes_three_round_trips(redis, step):
    for queue in range(20):
        note(redis, (f"queue-{queue}|EMAIL", "", "finished", 1, 1))
    client = counting(url_of(redis))

    get_series(step, connection=client)

    assert Counting.sent == 3
