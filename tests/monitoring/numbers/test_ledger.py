"""Every figure against a ledger of 10,000 jobs that the engine's own scripts have ended."""

from collections import Counter
from itertools import islice

import pytest
from redis import Redis

from monitoring.numbers.metrics import get_metrics
from monitoring.numbers.queue_figures import get_queue_figures
from monitoring.numbers.series import get_series
from monitoring.numbers.trends import get_trends
from monitoring.numbers.type_figures import get_type_figures
from postroom.embedded import redis_server as running_server
from tests.monitoring.ledger import SHARES, Ledger, percentile, place_of
from workers import keys

JOBS = 10_000
QUEUES = sorted({queue for queue, _ in SHARES})
TYPES = sorted({kind for _, kind in SHARES})


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """Filled once; the tests only look."""
    with (
        running_server(tmp_path_factory.mktemp("ledger")) as server,
        Redis.from_url(server.url) as client,
    ):
        found = Ledger(client)
        found.run(JOBS)
        yield found


@pytest.fixture(scope="module")
def queues(ledger):
    return {each["queueName"]: each for each in get_queue_figures(connection=ledger.redis)}


@pytest.fixture(scope="module")
def types(ledger):
    return {each["messageType"]: each for each in get_type_figures(connection=ledger.redis)}


def rate(entries):
    finished = sum(each.outcome == "finished" for each in entries)
    return round(finished / len(entries) * 100, 2)


def newest(entries):
    return list(islice(reversed(entries), 1000))


def average(times):
    return round(sum(times) / len(times) / 1000, 3)


def check_window(told, entries):
    failed = sum(each.outcome == "failed" for each in entries)
    assert told == {
        "successful": len(entries) - failed,
        "failed": failed,
        "total": len(entries),
        "successRate": rate(entries),
        "errorRate": round(failed / len(entries) * 100, 2),
        "avgProcessingTime": average([each.run for each in entries]),
    }


def check_times(told, times):
    assert told["count"] == len(times)
    assert told["average"] == average(times)
    for share in (50, 95, 99):
        exact = percentile(times, share / 100) / 1000
        assert place_of(told[f"p{share}"]) == place_of(exact), share
        assert told[f"p{share}"] == pytest.approx(exact, rel=0.05)


def check_figures(told, entries):
    assert (told["successRate"], told["sampleSize"]) == (rate(newest(entries)), 1000)
    for name in ("1h", "24h", "7d"):
        check_window(told["windows"][name], entries)
    assert told["avgProcessingTime"] == average([each.run for each in entries])
    check_times(told["run"], [each.run for each in entries])
    check_times(told["wait"], [each.wait for each in entries])


def test_all_jobs_ended_and_some_ran_again(ledger):
    assert len(ledger.ended) == JOBS
    assert len(ledger.entries) > JOBS + 200


def test_metrics_are_those_of_the_ledger(ledger):
    found = get_metrics(connection=ledger.redis)

    totals = {"waiting": 0, "active": 0, "completed": 0, "failed": 0, "delayed": 0}
    failed = sum(each.outcome == "failed" for each in ledger.ended)
    assert found["totals"] == {**totals, "completed": JOBS - failed, "failed": failed}
    assert found["successRate"] == rate(newest(ledger.ended))
    assert found["processingRate"] == JOBS


@pytest.mark.parametrize("period", ["24h", "7d", "30d"])
def test_trends_are_those_of_the_ledger(ledger, period):
    found = {each["queueName"]: each for each in get_trends(period, connection=ledger.redis)}

    for queue in QUEUES:
        entries = ledger.of(queue=queue)
        failed = sum(each.outcome == "failed" for each in entries)
        assert found[queue] == {
            "queueName": queue,
            "period": period,
            "successful": len(entries) - failed,
            "failed": failed,
            "total": len(entries),
            "successRate": rate(entries),
            "avgProcessingTime": average([each.run for each in entries]),
        }


@pytest.mark.parametrize("queue", QUEUES)
def test_the_figures_of_a_queue_are_those_of_the_ledger(ledger, queues, queue):
    entries = ledger.of(queue=queue)

    check_figures(queues[queue], entries)

    assert queues[queue]["processingRate"] == len(entries)
    failed = sum(each.outcome == "failed" for each in entries)
    assert (queues[queue]["completed"], queues[queue]["failed"]) == (len(entries) - failed, failed)


@pytest.mark.parametrize("kind", TYPES)
def test_the_figures_of_a_type_are_those_of_the_ledger(ledger, types, kind):
    entries = ledger.of(type=kind)

    check_figures(types[kind], entries)

    assert types[kind]["processingRate"] == len(entries)
    assert types[kind]["queues"] == sorted({each.queue for each in entries})


@pytest.mark.parametrize("step", ["minute", "hour", "day"])
@pytest.mark.parametrize("asked", [{}, {"queue": "email"}, {"queue": "email", "type": "EMAIL"}])
def test_a_series_is_that_of_the_ledger(ledger, step, asked):
    options = {"queue": asked.get("queue"), "message_type": asked.get("type")}

    found = get_series(step, 60, connection=ledger.redis, **options)["points"]

    busy = [each for each in found if each["successful"]]
    entries = ledger.of(**asked)
    assert sum(each["successful"] + each["failed"] for each in busy) == len(entries)
    retried = [each for each in ledger.entries if each.outcome == "retried"]
    retried = [e for e in retried if all(getattr(e, k) == v for k, v in asked.items())]
    assert sum(each["retried"] for each in busy) == len(retried)
    if len(busy) == 1:  # else a minute, or more, ended meanwhile
        (point,) = busy
        assert point["avgProcessingTime"] == average([each.run for each in entries])
        for what in ("run", "wait"):
            for share in (50, 95):
                exact = percentile([getattr(each, what) for each in entries], share / 100) / 1000
                assert place_of(point[f"{what}P{share}"]) == place_of(exact)


def test_counts_of_a_type_that_are_estimated_are_nearly_right(ledger, types):
    for kind in TYPES:
        entries = ledger.of(type=kind)
        told = types[kind]
        assert told["countsAreExact"] is False
        assert told["completed"] + told["failed"] == pytest.approx(len(entries), rel=0.25)


def counted(redis):
    """The sums of the days that have any, by their names."""
    found = Counter()
    for key in redis.scan_iter(keys.stats("d", "*")):
        found.update({name.decode(): int(value) for name, value in redis.hgetall(key).items()})
    return found


def test_tenants_and_failures_are_those_of_the_ledger(ledger):
    found = counted(ledger.redis)
    expected = Counter()
    for each in ledger.entries:
        stat = f"{each.queue}|{each.type}"
        if each.tenant:
            expected[f"tenant|{each.tenant}|{stat}|{each.outcome}|n"] += 1
        if each.fingerprint:
            expected[f"failure|{each.fingerprint}|{stat}|n"] += 1

    assert {
        name: count for name, count in found.items() if name.startswith(("tenant|", "failure|"))
    } == expected
