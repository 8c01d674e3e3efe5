"""Each shipped rule is fired by what it is there for, on a real server, and resolved without it."""

import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from messages import MessageScanMessage, NoteEnrichmentMessage
from monitoring.alerts import Alerter
from monitoring.alerts.rules import read_rules
from monitoring.alerts.settings import AlertSettings
from tests.monitoring.alerts.conftest import NewAlerter
from tests.monitoring.alerts.sinks import Hands, Sink
from tests.workers.conftest import message
from tests.workers.streams.places import TEMPLATE, own
from workers import By, Settings, enqueue, enqueue_in, keys, publish, stream_keys, watch_keys
from workers.pauses import pause, resume
from workers.streams.naming import keys_of

ROOT = Path(__file__).parents[3]
SCANS = own("jobs:guild:123:message_scan")
BY = By("anna", "a test")


@pytest.fixture(autouse=True)
def _own_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_TEMPLATE", TEMPLATE)


@dataclass
class Watch:
    """Looks, and tells of one rule."""

    alerter: Alerter
    sink: Sink
    hands: Hands

    def told(self, rule: str, after: float = 60) -> list[tuple[str, ...]]:
        """What is told of a rule after a look now, and another some seconds later."""
        before = len(self.sink.got)
        self.alerter.tick()
        self.hands.move(after)
        self.alerter.tick()
        found = self.sink.notices[before:]
        return [(kind, *scope) for kind, name, *scope in found if name == rule]

    def notice(self, rule: str) -> Any:
        return next(got.json for got in reversed(self.sink.got) if got.json["rule"] == rule)

    def sentence(self, rule: str) -> str:
        return str(self.notice(rule)["text"]).splitlines()[0]


@pytest.fixture
def watch(alerter: NewAlerter, sink: Sink, hands: Hands) -> Callable[..., Watch]:
    return lambda **given: Watch(alerter(**given), sink, hands)


def note(redis: Redis, count: int = 1, queue: str = "email") -> None:
    for _ in range(count):
        enqueue(NoteEnrichmentMessage.of("note-1"), queue=queue, connection=redis)


def test_waiting(redis, watch):
    one = watch()
    note(redis, 100)
    assert one.told("waiting") == []

    note(redis)
    assert one.told("waiting") == [("fired", "email")]
    first, cause = one.notice("waiting")["text"].splitlines()
    assert first == "101 jobs are waiting in email."
    assert cause.startswith(
        "No worker listens to email: 101 jobs are waiting there, the oldest for"
    )
    assert one.notice("waiting")["remedy"] == "`postroom worker email`"

    redis.lpop(keys.queue("email"))
    assert one.told("waiting") == [("resolved", "email")]


def test_no_worker(redis, watch, register):
    note(redis)
    register(redis, "other")
    one = watch()
    assert one.told("no_worker", after=59) == []

    assert one.told("no_worker", after=1) == [("fired", "email")]
    assert one.sentence("no_worker") == "1 job of email has no worker."
    register(redis, "email:high", "email", "email:low", name="two")
    assert one.told("no_worker") == [("resolved", "email")]


def test_no_worker_once_a_killed_one_has_been_silent_for_half_a_minute(redis, watch, register):
    lists = ("email:high", "email", "email:low")
    note(redis)
    ago = datetime.now(UTC) - timedelta(seconds=31)
    killed = register(redis, *lists, last_heartbeat=ago)
    one = watch()
    assert one.told("no_worker") == [], "its clock is behind: Redis has just heard of it"

    redis.expire(killed.key, 480 - 31)
    assert one.told("no_worker") == [("fired", "email")]
    register(redis, *lists, name="stock", ours=False, last_heartbeat=ago)
    assert one.told("no_worker") == [("resolved", "email")]


def test_no_worker_is_nothing_unusual_where_the_queue_is_paused(redis, watch):
    note(redis, 200)
    pause("queue", "email", by=BY, connection=redis)
    one = watch()

    assert one.told("no_worker") == one.told("waiting") == []
    resume("queue", "email", by=BY, connection=redis)
    assert one.told("no_worker") == [("fired", "email")]


def test_overdue(redis, watch):
    one = watch()
    job = enqueue_in(3600, NoteEnrichmentMessage.of("n"), queue="email", connection=redis)
    assert one.told("overdue") == []

    redis.zincrby(keys.scheduled("email"), -3600 - 150, job.id)  # as an hour and more later
    assert one.told("overdue") == [("fired", "email")]
    assert one.sentence("overdue") == "A scheduled job of email is 2 min late."
    redis.delete(keys.scheduled("email"))
    assert one.told("overdue") == [("resolved", "email")]


@pytest.mark.slow("a real worker starts, fails twenty jobs, and is busy with another for a second")
def test_success_rate_and_new_dead_letters_and_dead_letters_and_stuck(
    redis, watch, start_process, tmp_path, eventually
):
    for kind in ["permanent"] * 3 + ["echo"] * 17:
        enqueue(message(kind), connection=redis)
    worker = start_process(
        *("rq", "worker", "-w", "workers.MessageWorker", "-c", "worker_settings", "default"),
        cwd=ROOT,
        env={"HANDLER_PACKAGES": "tests.workers.app", "TRACE": str(tmp_path / "trace")},
    )
    one = watch(alert_dead_letters=2, alert_stuck_seconds=1)
    eventually(lambda: redis.zcard(keys.dead_letters()) == 3, within=20)
    eventually(lambda: one.told("success_rate") == [("fired", "default")])

    assert one.sentence("success_rate") == (
        "3 of 20 jobs of default failed in the last 15 min: 85 % succeeded."
    )
    told = one.sink.notices
    assert ("fired", "new_dead_letters", "default") in told
    assert ("fired", "dead_letters", "") in told
    assert one.sentence("new_dead_letters") == "3 new dead letters of default in the last 10 min."
    assert one.sentence("dead_letters") == "There are 3 dead letters."

    sleeping = enqueue(message("sleep", new_value=30), connection=redis)
    eventually(lambda: one.told("stuck") == [("fired", "default")])
    assert one.sentence("stuck").startswith(f"Job {sleeping.id} of default has been running for 1")
    assert one.sentence("stuck").endswith("; its STUCK_POLICY is report.")
    worker.end(signal.SIGKILL)


# --- streams --------------------------------------------------------------------------------------


def scan(redis: Redis, count: int) -> None:
    for _ in range(count):
        publish(MessageScanMessage.of("123", "456"), connection=redis)


def test_stream_lag(redis, watch):
    scan(redis, 3)
    redis.xgroup_create(SCANS, "workers", "0")
    one = watch(alert_stream_lag=2)

    assert one.told("stream_lag") == [("fired", SCANS)]
    assert one.sentence("stream_lag") == (
        f"3 entries are waiting in {SCANS} for the group workers."
    )
    redis.xreadgroup("workers", "one", {SCANS: ">"}, count=1)
    assert one.told("stream_lag") == [("resolved", SCANS)]


def test_stream_fill(redis, watch, alerter, sink, hands):
    scan(redis, 8)
    one = Watch(alerter(engine=Settings(stream_limit=10)), sink, hands)

    assert one.told("stream_fill") == [("fired", SCANS)]
    assert one.sentence("stream_fill") == f"{SCANS} holds 8 of 10 entries, 80 %."
    redis.xtrim(SCANS, maxlen=7, approximate=False)
    assert one.told("stream_fill") == [("resolved", SCANS)]


def test_pending_age(redis, watch):
    scan(redis, 2)
    redis.xgroup_create(SCANS, "workers", "0")
    [[_, [(entry, _)]]] = redis.xreadgroup("workers", "one", {SCANS: ">"}, count=1)
    one = watch()
    assert one.told("pending_age") == []

    redis.xclaim(SCANS, "workers", "one", 0, [entry], idle=1_860_000, justid=True)
    assert one.told("pending_age") == [("fired", SCANS)]
    assert one.sentence("pending_age") == (
        f"An entry of {SCANS} in the group workers has been in hand for 31 min."
    )
    redis.xack(SCANS, "workers", entry)
    assert one.told("pending_age") == [("resolved", SCANS)]


def test_dead_consumers(redis, watch):
    scan(redis, 3)
    redis.xgroup_create(SCANS, "workers", "0")
    redis.xreadgroup("workers", "alive", {SCANS: ">"}, count=1)
    redis.xreadgroup("workers", "dead", {SCANS: ">"}, count=2)
    seconds, _ = redis.time()
    signs = {"alive": (seconds + 60) * 1000, "dead": (seconds - 60) * 1000}
    redis.zadd(stream_keys.consumers("workers"), signs)
    one = watch()
    assert one.told("dead_consumers", after=59) == []

    assert one.told("dead_consumers", after=1) == [("fired", SCANS)]
    assert one.sentence("dead_consumers") == (
        f"2 entries of {SCANS} are with dead consumers of the group workers."
    )
    redis.xgroup_delconsumer(SCANS, "workers", "dead")
    assert one.told("dead_consumers") == [("resolved", SCANS)]


def test_priorities_of_a_stream_are_one(redis, watch):
    publish(MessageScanMessage.of("123", "456"), priority=1, connection=redis)
    scan(redis, 1)
    assert redis.exists(*keys_of(SCANS)) == 2

    assert watch(alert_stream_lag=0).told("stream_lag") == [("fired", SCANS)]


# --- the rest -------------------------------------------------------------------------------------


def test_redis_memory(own_server, alerter, sink, hands):
    one = Watch(alerter(connection=own_server), sink, hands)
    own_server.mset({f"filler {number}": "x" * 100_000 for number in range(200)})
    own_server.ping()
    assert one.told("redis_memory") == []

    used = int(own_server.info("memory")["used_memory"])
    own_server.config_set("maxmemory", int(used / 0.88))
    assert one.told("redis_memory") == [("fired", "")]
    assert one.sentence("redis_memory").startswith("Redis uses ")
    own_server.config_set("maxmemory", used * 2)
    assert one.told("redis_memory") == [("resolved", "")]


def test_people_are_told_also_while_redis_is_full(own_server, alerter, sink, hands):
    note(own_server, 3)
    own_server.config_set("maxmemory", int(own_server.info("memory")["used_memory"] / 2))
    one = Watch(alerter(connection=own_server, alert_waiting=2), sink, hands)
    with pytest.raises(OutOfMemoryError):
        own_server.set("any", "thing")

    assert one.told("redis_memory") == [("fired", "")]
    assert ("fired", "waiting", "email") in sink.notices
    assert own_server.hlen(watch_keys.alert_outbox()) == 0


def test_two_are_tested_with_the_alerter_and_nothing_shipped_is_left_out():
    here = {name.removeprefix("test_") for name in vars(sys.modules[__name__])}
    together = {"success_rate", "new_dead_letters", "dead_letters", "stuck"}
    shipped = {rule.name for rule in read_rules(AlertSettings(), ())}

    assert shipped - here - together == {"channel_failing", "escalated"}
