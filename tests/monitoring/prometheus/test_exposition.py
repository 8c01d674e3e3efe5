"""What Prometheus scrapes, on a real server and read by its own parser."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from redis import Redis

from messages import EmailMessage, TestData, TestMessage
from monitoring.alerts.alert import Alert, as_text
from monitoring.prometheus import CONTENT_TYPE, Exposition
from monitoring.prometheus.labels import MOST_QUEUES
from monitoring.prometheus.queues import MOST_QUEUES as MOST_LOOKED_AT
from monitoring.prometheus.totals import BOUNDARIES
from tests.monitoring.conftest import OURS, log_in, utc_now
from tests.monitoring.counting import Counting, counting
from tests.monitoring.ledger import Ledger
from tests.monitoring.scrapes import Scrape, scrape
from workers import By, Settings, connection, enqueue, keys, pause, publish, stream_keys, watch_keys
from workers.routing import queue_of

EMAIL = EmailMessage.of("ada@example.com", "Hello", "welcome")
ENDED = {"finished", "failed", "retried"}


def a_test() -> TestMessage:
    return TestMessage(data=TestData(test_type="echo"))


def test_the_gauges_of_a_queue_are_what_redis_has(redis, register):
    enqueue(EMAIL, connection=redis, priority="high")
    enqueue(a_test(), connection=redis, queue="email")
    enqueue(a_test(), connection=redis, queue="email", delay=60)
    redis.zadd(keys.failed("email"), {"one": 1, "two": 2, "three": 3})
    redis.zadd(keys.started("email:low"), {"one:1": 1})
    register(redis, "email:high", "email", "email:low", "notifications", name="a")

    found = scrape(redis, utc_now() + timedelta(seconds=30))

    counts = {name: found(f"queue_{name}", queue="email") for name in ("waiting", "active")}
    assert counts == {"waiting": 2, "active": 1}
    assert found("queue_delayed", queue="email") == 1
    assert found("queue_failed", queue="email") == 3
    assert 29 < found("queue_oldest_waiting_seconds", queue="email") < 40
    assert found("queue_workers", queue="email") == 1
    assert found("queue_workers", queue="default") == found("queue_waiting", queue="default") == 0
    assert (found("workers", state="idle"), found("workers", state="busy")) == (1, 0)


def test_pauses_and_what_they_hold_back_are_told(redis):
    pause("queue", "email", by=By("anna", "a test"), connection=redis)
    redis.hset(keys.pauses(), "type:TEST", json.dumps({"actor": "anna", "reason": "x", "at": "x"}))
    redis.sadd(keys.holds("type:TEST"), "default:low")
    redis.zadd(keys.held("type:TEST", "default:low"), {"one": 1, "two": 2})

    found = scrape(redis)

    paused = {name for (name,), value in found.named("queue_paused").items() if value}
    assert paused == {"email"}
    assert found("queue_held", queue="default") == 2


def test_every_count_and_every_sum_is_that_of_a_ledger(redis):
    ledger = Ledger(redis)
    ledger.run(600)

    found = scrape(redis)

    jobs = Counter((each.outcome, each.queue, each.type) for each in ledger.entries)
    assert found.named("jobs_total") == jobs
    ended = [each for each in ledger.entries if each.outcome in ENDED]
    for kind in {each.type for each in ended}:
        runs = [each.run for each in ended if each.type == kind]
        waits = [each.wait for each in ended if each.type == kind]
        assert found("job_run_seconds_count", type=kind) == len(runs)
        assert found("job_run_seconds_sum", type=kind) == pytest.approx(sum(runs) / 1e6)
        assert found("job_wait_seconds_sum", type=kind) == pytest.approx(sum(waits) / 1e6)
        for boundary in BOUNDARIES:
            below = found("job_run_seconds_bucket", type=kind, le=str(boundary))
            at_least = sum(run / 1e6 <= boundary * 0.975 for run in runs)
            assert at_least <= below <= sum(run / 1e6 <= boundary * 1.026 for run in runs)


def test_streams_are_told_by_family_and_never_by_tenant(redis):
    for tenant in ("acme", "globex"):
        sent = a_test().model_copy(update={"metadata": {"tenant": tenant}})
        publish(sent, connection=redis, priority="high")
        publish(sent.model_copy(update={"message_id": f"{tenant}-2"}), connection=redis)
    names = sorted(name.decode() for name in redis.smembers(stream_keys.streams()))
    redis.xgroup_create(names[0], "workers", id="0")
    redis.xreadgroup("workers", "one", {names[0]: ">"}, count=1)
    redis.zadd(stream_keys.consumers("workers"), {"one": 1, "two": 9e15})
    redis.zadd(stream_keys.orphaned("workers"), {"handed-back": 0, "three": 5})

    found = scrape(redis)

    [(family,)] = found.named("streams")
    assert "acme" not in family
    assert "globex" not in family
    assert found("streams", stream=family) == 2
    assert found("stream_length", stream=family) == 4
    assert found("stream_waiting", stream=family) == 3
    assert found("stream_pending", stream=family, group="workers") == 1
    assert found("stream_lag", stream=family, group="workers") == 0
    assert found("stream_oldest_pending_seconds", stream=family, group="workers") < 10
    assert found("stream_consumers", group="workers") == 1
    assert found("stream_dead_consumers", group="workers") == 2


def test_alerts_that_fire_are_counted_by_rule(redis, now):
    begun = Alert("waiting", "email", now, 101.0, "101 wait.")
    alerts = [
        begun,
        replace(begun, scope="notes", fired_at=now),
        replace(begun, scope="guilds", fired_at=now, is_told=True),
        replace(begun, scope="builds", fired_at=now, over_at=now),
    ]
    redis.hset(watch_keys.alerts(), mapping={each.scope: as_text(each) for each in alerts})
    redis.hset(watch_keys.alerts(), "broken", "{}")

    assert scrape(redis).named("alerts") == {("waiting",): 2}


def test_too_many_queues_share_one_label_and_gauges_say_so(redis):
    names = [keys.queue(f"q{number:04}") for number in range(MOST_LOOKED_AT + 5)]
    with redis.pipeline(transaction=False) as pipe:
        pipe.sadd(keys.queues(), *names)
        for name in names:
            pipe.rpush(name, "job")
        pipe.execute()

    found = scrape(redis)

    waiting = found.named("queue_waiting")
    known = len(Settings().queues)  # which come first
    assert len(waiting) == MOST_QUEUES + 1
    assert sum(waiting.values()) == MOST_LOOKED_AT - known
    assert waiting["other",] == MOST_LOOKED_AT - MOST_QUEUES
    assert found("label_values_folded", label="queue") == MOST_LOOKED_AT - MOST_QUEUES
    assert found("queues_left_out") == known + 5


def test_names_of_other_programs_come_through_as_they_are(redis):
    strange = 'a"b\\c d{e="f"}'
    redis.sadd(keys.queues(), keys.queue(strange))
    redis.rpush(keys.queue(strange), "job")

    assert scrape(redis)("queue_waiting", queue=strange) == 1


def test_a_scrape_takes_five_round_trips_at_most(redis, redis_server):
    Ledger(redis).run(200)
    publish(a_test(), connection=redis, stream="plain")
    redis.xgroup_create("plain", "workers", id="0")
    pause("type", "TEST", by=By("anna", "a test"), connection=redis)
    client = counting(redis_server.url)
    exposition = Exposition(connection=client)

    exposition.render()
    first, Counting.sent = Counting.sent, 0
    exposition.render()

    assert (first <= 5, Counting.sent <= 4) == (True, True)


def test_redis_away_is_told_and_nothing_else(monkeypatch):
    nobody = connection.connect(Settings(redis_url="redis://127.0.0.1:1/0", redis_timeout=0.2))

    found = scrape(nobody)

    assert list(found.samples) == [("postroom_redis_up", frozenset())]
    assert found("redis_up") == 0


def test_who_may_only_read_is_told_all_but_the_server_itself(own_server: Redis, monkeypatch):
    reader = log_in(own_server, "reader", allowed=("-@all", "+@read"))
    Ledger(own_server).run(100)

    found = scrape(reader)

    assert (found("redis_up"), found("totals_stored")) == (1, 0)
    assert sum(found.named("jobs_total").values()) > 0
    assert "postroom_redis_clients" not in {family.name for family in found.families}


def test_the_text_is_of_the_format_that_it_says(redis):
    text = Exposition(connection=redis).render()

    assert CONTENT_TYPE == "text/plain; version=0.0.4; charset=utf-8"
    for family in Scrape(text).families:
        assert family.name.startswith("postroom_")
        assert family.documentation.endswith(".")
        counts_up = family.type in {"counter", "histogram"}
        assert counts_up == family.name.startswith(("postroom_jobs", "postroom_job_"))


def test_a_worker_of_a_state_that_nobody_knows_counts_as_other(redis, register):
    register(redis, "email", name="odd", state="dreaming", worker_class=OURS)

    assert scrape(redis)("workers", state="other") == 1
    assert queue_of("email:high") == "email"
