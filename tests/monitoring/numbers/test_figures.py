from datetime import UTC, datetime, timedelta

import pytest
from rq import Queue
from rq.serializers import JSONSerializer

from messages import EmailMessage
from monitoring.errors import QueueNotFound
from monitoring.numbers.deploys import get_deploys
from monitoring.numbers.metrics import get_metrics
from monitoring.numbers.queue_figures import get_queue_figures
from monitoring.numbers.series import get_series
from monitoring.numbers.trends import get_trends
from monitoring.numbers.type_counts import MOST_READ
from monitoring.numbers.type_figures import get_type_figures
from tests.monitoring.conftest import url_of
from tests.monitoring.counted import move, note
from tests.monitoring.counting import Counting, counting
from tests.workers.conftest import message
from tests.workers.takers import Taker
from workers import By, enqueue, enqueue_many, keys, pauses
from workers.settings import load_settings

NOW = datetime(2026, 1, 15, 12, 30, 20, tzinfo=UTC)
BY = By("ann", "a test")
COUNTS = ("waiting", "held", "active", "completed", "failed", "delayed", "deferred")
NOTHING = {"count": 0, "average": None, "p50": None, "p95": None, "p99": None}


def mail():
    return EmailMessage.of("bob@example.com", "Hello", "welcome")


def of_queue(name, **options):
    (found,) = get_queue_figures([name], **options)
    return found


def of_type(kind, **options):
    return next(each for each in get_type_figures(**options) if each["messageType"] == kind)


def counts(found):
    return {name: found[name] for name in COUNTS if found[name]}


def fill(redis):
    """A job of each kind in each place: TEST in all, EMAIL beside it where it waits."""
    parent = enqueue(message(), queue="email")
    Taker(redis, "email").lease()
    enqueue_many([message(), message(), mail()], queue="email", priority="high")
    enqueue(message(), queue="email", delay=3600)
    enqueue(message(), queue="email", depends_on=parent)
    for key in (keys.finished("email"), keys.failed("email:low")):
        done = message()
        enqueue(done, queue="elsewhere")
        redis.zadd(key, {done.message_id: 1})


def test_a_queue_without_traffic_has_zeros(redis):
    nothing = {"successful": 0, "failed": 0, "total": 0, "avgProcessingTime": 0}
    window = {**nothing, "successRate": 100.0, "errorRate": 0.0}

    assert of_queue("email", now=NOW) == {
        "queueName": "email",
        **dict.fromkeys(COUNTS, 0),
        "paused": False,
        "oldestWaitingAge": None,
        "successRate": 100.0,
        "errorRate": 0.0,
        "sampleSize": 0,
        "processingRate": 0.0,
        "windows": {"1h": window, "24h": window, "7d": window},
        "since": "2026-01-15T11:00:00.000Z",
        "avgProcessingTime": 0,
        "run": NOTHING,
        "wait": NOTHING,
    }


def test_all_queues_are_told_of_unless_some_are_named(redis):
    enqueue(message(), queue="other")

    assert [each["queueName"] for each in get_queue_figures()] == [*load_settings().queues, "other"]
    assert [each["queueName"] for each in get_queue_figures(["other", "email:high"])] == [
        "email",
        "other",
    ]


def test_a_queue_that_nobody_knows_is_refused(redis):
    with pytest.raises(QueueNotFound, match="no queue 'emial'") as refused:
        get_queue_figures(["emial"])

    assert "email" in refused.value.remedy


def test_the_jobs_of_a_queue_are_counted_where_they_are(redis):
    fill(redis)

    found = counts(of_queue("email"))

    assert found == {
        "waiting": 3,
        "active": 1,
        "completed": 1,
        "failed": 1,
        "delayed": 1,
        "deferred": 1,
    }


def test_the_jobs_of_a_type_are_counted_where_they_are(redis):
    fill(redis)
    redis.delete(keys.queue("elsewhere"))

    test, email = of_type("TEST"), of_type("EMAIL")

    assert counts(test) == {
        "waiting": 2,
        "active": 1,
        "completed": 1,
        "failed": 1,
        "delayed": 1,
        "deferred": 1,
    }
    assert counts(email) == {"waiting": 1}
    assert test["countsAreExact"] is True


def test_what_a_pause_holds_back_waits(redis):
    enqueue(message(), queue="email")
    enqueue(mail(), queue="email")
    pauses.pause("type", "TEST", by=BY)
    Taker(redis, "email").take()

    found = of_queue("email")
    types = {each["messageType"]: each for each in get_type_figures()}

    assert (found["waiting"], found["held"], found["paused"]) == (1, 1, False)
    assert counts(types["TEST"]) == {"waiting": 1, "held": 1}
    assert counts(types["EMAIL"]) == {"active": 1}
    assert [types[name]["paused"] for name in ("TEST", "EMAIL")] == [True, False]


def test_a_paused_queue_says_so(redis):
    pauses.pause("queue", "email", by=BY)

    assert of_queue("email")["paused"] is True


def test_the_oldest_job_that_waits_tells_its_age(redis):
    for priority in ("low", "high"):
        enqueue(message(), queue="email", priority=priority)
    enqueue(mail(), queue="email")
    oldest = redis.lindex(keys.queue("email:low"), 0).decode()
    begin = datetime.now(UTC) - timedelta(minutes=14)
    redis.hset(keys.job(oldest), "enqueued_at", begin.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))

    ages = [of_queue("email"), of_type("TEST"), of_type("EMAIL")]

    assert [each["oldestWaitingAge"] // 10_000 for each in ages] == [84, 84, 0]


def test_a_foreign_job_is_of_the_type_of_its_function(redis):
    Queue("email", redis, serializer=JSONSerializer).enqueue("os.getpid", 1)

    assert counts(of_type("os.getpid")) == {"waiting": 1}


def test_words_that_describe_a_foreign_job_are_no_type(redis):
    stock = Queue("email", redis, serializer=JSONSerializer)
    for words in ("report", "Report of May", "Report (May)"):
        stock.enqueue("os.getpid", description=words)
    enqueue(message(), queue="email")

    assert {each["messageType"] for each in get_type_figures()} == {"TEST", "unknown"}
    assert counts(of_type("unknown")) == {"waiting": 3}


def test_a_message_of_a_type_that_is_imported_elsewhere_is_of_that_type(redis):
    sent = message()
    enqueue(sent, queue="email")
    redis.hset(keys.job(sent.message_id), "description", "invoice")

    assert counts(of_type("invoice")) == {"waiting": 1}


def test_of_many_jobs_some_stand_for_the_others(redis):
    enqueue_many([message() for _ in range(MOST_READ)], queue="email")
    enqueue_many([mail() for _ in range(1_000)], queue="notes")

    test, email = of_type("TEST"), of_type("EMAIL")

    assert (test["waiting"], email["waiting"]) == (MOST_READ, 1_000)
    assert test["countsAreExact"] is email["countsAreExact"] is False


def test_a_record_that_is_gone_has_no_type(redis):
    redis.rpush(keys.queue("email"), "gone")
    redis.sadd(keys.queues(), keys.queue("email"))

    assert counts(of_type("unknown")) == {"waiting": 1}


def test_windows_have_what_ended_in_them(redis):
    for ago, outcome in (
        (timedelta(minutes=59), "finished"),
        (timedelta(minutes=62), "failed"),
        (timedelta(hours=23), "finished"),
        (timedelta(hours=25), "failed"),
        (timedelta(days=6), "finished"),
        (timedelta(days=8), "failed"),
    ):
        note(redis, ("email|EMAIL", "", outcome, 1_000, 5))
        move(redis, NOW - ago)

    for found in (of_queue("email", now=NOW), of_type("EMAIL", now=NOW)):
        told = {name: (each["total"], each["failed"]) for name, each in found["windows"].items()}
        assert told == {"1h": (1, 0), "24h": (3, 1), "7d": (5, 2)}


def test_more_commits_than_are_listed_are_told_from_the_minutes(redis):
    minute = int(NOW.timestamp()) - 20
    entry = f"{int(NOW.timestamp() * 1000)}|email|EMAIL|finished|9"
    redis.rpush(keys.recent(), *[entry] * 1_000)
    redis.rpush(keys.recent("email"), *[entry] * 1_000)
    redis.hset(keys.stats("m", minute), "email|EMAIL|finished|n", 60)
    redis.hset(keys.stats("m", minute - 60), "email|EMAIL|finished|n", 90)

    rates = [
        each["processingRate"] for each in (of_queue("email", now=NOW), of_type("EMAIL", now=NOW))
    ]

    assert rates == [120.0, 120.0]


def test_with_many_queues_the_list_of_all_tells_the_rates_of_types(redis):
    note(redis, *((f"queue-{n}|EMAIL", "", "finished", 5, 5) for n in range(60)))
    note(redis, ("queue-1|EMAIL", "", "failed", 5, 5))

    found = of_type("EMAIL")

    assert (found["sampleSize"], found["successRate"]) == (61, 98.36)


@pytest.mark.parametrize(
    ("get", "trips"), [(get_queue_figures, 5), (get_type_figures, 6)], ids=["queues", "types"]
)
def test_the_round_trips_do_not_grow_with_what_there_is(redis, get, trips):
    for number in range(40):
        enqueue(message(), queue=f"queue-{number}")
        note(redis, (f"queue-{number}|TEST", "", "finished", 5, 5))
    client = counting(url_of(redis))

    get(connection=client)

    assert Counting.sent == trips


def test_nothing_is_written_and_no_key_is_searched_for(own_server):
    enqueue(message(), queue="email", connection=own_server)
    note(own_server, ("email|TEST", "", "finished", 5, 5))
    own_server.config_resetstat()

    for get in (get_metrics, get_trends, get_queue_figures, get_type_figures, get_series):
        get(connection=own_server)
    get_deploys(connection=own_server)

    used = {name.removeprefix("cmdstat_") for name in own_server.info("commandstats")}
    looks = {"exists", "hget", "hgetall", "hmget", "llen", "lrange", "scard", "smembers", "time"}
    assert used - {"config|resetstat", "info", "client|setinfo"} <= {*looks, "zcard", "zrange"}
