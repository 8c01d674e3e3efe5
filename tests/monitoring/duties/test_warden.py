"""What the policy for stuck jobs does: at its time, once for a run, and never with another run."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from rq.command import PUBSUB_CHANNEL_TEMPLATE, parse_payload

from messages import MessageScanMessage, NoteEnrichmentMessage
from monitoring.duties.warden import Warden
from monitoring.explain.why import why
from monitoring.jobs.stuck import get_stuck_jobs
from tests.processes import ask_until_true
from tests.workers.takers import Taker
from workers import (
    JobHandle,
    Settings,
    audit,
    enqueue,
    keys,
    publish,
    settings,
    stream_keys,
    watch_keys,
)
from workers.streams.orders import run_line, take_orders
from workers.stuck_runs import REQUEUE

BEGAN = datetime(2026, 1, 22, 10, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return BEGAN + timedelta(minutes=minutes)


class Stage:
    """A job that runs since ten o'clock, and the ears of its worker."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.taker = Taker(redis, "default")
        redis.hset(self.taker.worker.key, "worker_class", "ours")
        self.handle = self.run()
        self.ears = redis.pubsub(ignore_subscribe_messages=True)
        self.ears.subscribe(PUBSUB_CHANNEL_TEMPLATE % self.taker.worker.name)
        self.ears.get_message(timeout=1)

    def run(self, began: datetime = BEGAN) -> JobHandle:
        note = NoteEnrichmentMessage.of("n")
        handle = enqueue(note, queue="default", timeout=86_400, connection=self.redis)
        (lease,) = self.taker.lease()
        assert self.taker.leases.show(lease, started=began.timestamp(), ttl=90)
        self.lease = lease
        return handle

    def look(self, policy: str, minutes: float) -> object:
        """One look of a process that has the turn, at a time."""
        self.redis.delete(watch_keys.stuck_turn())
        self.live_until(minutes)
        warden = Warden(Settings(stuck_policy=policy), connection=self.redis)
        return warden.look(now=at(minutes))

    def live_until(self, minutes: float) -> None:
        until = at(minutes).timestamp() * 1000 + 15_000
        self.redis.zadd(keys.holders(), {self.taker.holder: until})

    def told(self) -> list[dict]:
        """The commands that came."""
        messages = iter(lambda: self.ears.get_message(timeout=0.05), None)
        return [parse_payload(message) for message in messages]

    def log(self) -> list[audit.AuditEntry]:
        return list(audit.entries(10, connection=self.redis))

    def row(self, minutes: float) -> dict:
        self.live_until(minutes)
        (found,) = get_stuck_jobs(connection=self.redis, now=at(minutes))
        return found["policy"]


@pytest.fixture
def stage(redis: Redis) -> Iterator[Stage]:
    made = Stage(redis)
    yield made
    made.ears.close()


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def _set(text: str) -> None:
        monkeypatch.setenv("STUCK_POLICY", text)
        settings.load_settings.cache_clear()

    return _set


@pytest.mark.parametrize(
    ("text", "minutes", "acts"),
    [
        ("stop", 29.99, False),
        ("stop", 30, True),
        ("stop:2h", 119.99, False),
        ("stop:2h", 120, True),
        ("report,NOTE_ENRICHMENT=stop:10m", 9.99, False),
        ("report,NOTE_ENRICHMENT=stop:10m", 10, True),
        ("stop,NOTE_ENRICHMENT=report", 500, False),
        ("report", 500, False),
    ],
)
def test_it_acts_from_the_age_on_that_the_policy_of_the_type_names(
    stage, text, minutes, acts
) -> None:
    stage.look(text, minutes)

    assert bool(stage.told()) == bool(stage.log()) == acts


@pytest.mark.parametrize(("action", "command"), [("stop", "stop-execution"), ("requeue", REQUEUE)])
def test_the_worker_is_told_which_run_to_end_and_the_audit_log_why(
    stage, action: str, command: str
) -> None:
    assert stage.look(action, 34) == {stage.handle.id: "done"}

    (told,) = stage.told()
    assert told["command"] == command
    assert (told["job_id"], told["execution_id"]) == (stage.handle.id, stage.lease.execution)
    (entry,) = stage.log()
    assert (entry.actor, entry.action) == ("stuck policy", f"job.{action}")
    assert (entry.target, entry.at) == (stage.handle.id, at(34).isoformat())
    assert entry.reason == (
        "It has been running for 0:34:00; "
        f"STUCK_POLICY of NOTE_ENRICHMENT is {action} after 0:30:00."
    )
    assert (entry.details["seconds"], entry.details["after_seconds"]) == (2040, 1800)


def test_nothing_is_done_twice_with_one_run_and_again_with_the_next(stage) -> None:
    assert stage.look("stop", 31) == {stage.handle.id: "done"}
    assert stage.look("stop", 32) == {stage.handle.id: "done_before"}
    assert len(stage.told()) == len(stage.log()) == 1

    stage.taker.leases.hand_back([stage.lease])
    (stage.lease,) = stage.taker.lease()
    stage.taker.leases.show(stage.lease, started=at(40).timestamp(), ttl=90)

    assert stage.look("stop", 69.9) == {}
    assert stage.look("stop", 70) == {stage.handle.id: "done"}
    assert [each["execution_id"] for each in stage.told()] == [stage.lease.execution]


def test_of_many_processes_one_acts(stage) -> None:
    stage.live_until(31)
    wardens = [Warden(Settings(stuck_policy="stop"), connection=stage.redis) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda warden: warden.look(now=at(31)), wardens))

    assert [each for each in found if each is not None] == [{stage.handle.id: "done"}]
    assert len(stage.told()) == len(stage.log()) == 1


def test_processes_that_look_at_the_same_moment_act_once_also_without_turns(stage) -> None:
    stage.live_until(31)
    wardens = [Warden(Settings(stuck_policy="stop"), connection=stage.redis) for _ in range(8)]
    for warden in wardens:
        warden._has_turn = lambda: True
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda warden: warden.look(now=at(31)), wardens))

    assert sorted(each[stage.handle.id] for each in found) == ["done", *["done_before"] * 7]
    assert len(stage.told()) == len(stage.log()) == 1


def test_a_run_that_is_over_by_then_is_let_alone_and_so_is_the_run_after_it(stage) -> None:
    stage.taker.leases.hand_back([stage.lease])
    (again,) = stage.taker.lease()
    stage.taker.leases.show(again, started=BEGAN.timestamp(), ttl=90)
    # What a slow process still believes: the old run, which has the same job and worker.
    stage.redis.zadd(keys.leases(stage.taker.holder), {f"{stage.handle.id}:{'0' * 32}": 0})
    stage.redis.zrem(keys.leases(stage.taker.holder), again.token)
    stage.redis.zrem(keys.started("default"), again.token)

    assert stage.look("stop", 31) == {stage.handle.id: "changed"}
    assert stage.told() == stage.log() == []


def test_where_no_worker_listens_nothing_is_written_and_the_next_look_tries_again(stage) -> None:
    stage.ears.unsubscribe()
    ask_until_true(lambda: stage.look("stop", 31) == {stage.handle.id: "not_heard"})
    assert stage.log() == []

    stage.ears.subscribe(PUBSUB_CHANNEL_TEMPLATE % stage.taker.worker.name)
    stage.ears.get_message(timeout=1)
    assert stage.look("stop", 31) == {stage.handle.id: "done"}


def test_a_stock_worker_is_told_to_stop_and_never_to_requeue(stage, policy) -> None:
    stage.redis.hdel(stage.taker.worker.key, "worker_class")
    policy("requeue")

    assert stage.look("requeue", 31) == {stage.handle.id: "stock_worker"}
    assert stage.told() == stage.log() == []
    assert stage.row(31)["why"].startswith("A stock worker runs it")
    assert stage.look("stop", 31) == {stage.handle.id: "done"}


def test_a_run_whose_worker_is_gone_is_left_to_the_others(stage, policy) -> None:
    policy("stop")
    stage.redis.zadd(keys.holders(), {stage.taker.holder: at(0).timestamp() * 1000})
    warden = Warden(Settings(stuck_policy="stop"), connection=stage.redis)

    assert warden.look(now=at(31)) == {}
    (row,) = get_stuck_jobs(connection=stage.redis, now=at(31))
    assert row["reason"] == "abandoned"
    assert row["policy"]["why"].startswith("Its worker is gone")


def test_what_a_job_that_is_no_message_is_called_with_is_told_to_nobody(stage) -> None:
    stage.redis.hset(keys.job(stage.handle.id), "description", "app.pay('s3cr3t', 1)")

    assert stage.look("stop", 31) == {stage.handle.id: "done"}
    assert "s3cr3t" not in str(stage.log())
    assert "STUCK_POLICY of no message is stop" in stage.log()[0].reason


def test_the_list_says_what_will_happen_when_and_what_was_done(stage, policy) -> None:
    assert stage.row(12) == {"action": "report", "at": None, "done": None, "why": None}

    policy("requeue:45m")
    due = "2026-01-22T10:45:00.000Z"
    assert stage.row(12) == {"action": "requeue", "at": due, "done": None, "why": None}

    stage.look("requeue:45m", 46)
    done = "2026-01-22T10:46:00.000Z"
    assert stage.row(47) == {"action": "requeue", "at": done, "done": done, "why": None}


def test_to_escalate_tells_nobody_to_stop_and_is_written_down_once(stage) -> None:
    assert stage.look("escalate", 31) == {stage.handle.id: "done"}
    assert stage.look("escalate", 32) == {stage.handle.id: "done_before"}

    assert stage.told() == []
    assert [entry.action for entry in stage.log()] == ["job.escalate"]


def test_the_web_process_looks_by_itself_and_not_where_all_is_only_reported(stage) -> None:
    stage.redis.hset(keys.job(stage.handle.id), "started_at", "2020-01-01T00:00:00.000000Z")
    idle = Warden(Settings(), connection=stage.redis, every=0.05)
    busy = Warden(Settings(stuck_policy="stop"), connection=stage.redis, every=0.05)
    for warden in (idle, busy):
        warden.start()
    ask_until_true(stage.log)
    for warden in (idle, busy):
        warden.stop()

    assert len(stage.log()) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("requeue:45m", "It will be requeued by STUCK_POLICY at 10:45 UTC, in 12 min."),
        ("report", "STUCK_POLICY of NOTE_ENRICHMENT is report, so nothing ends it before its"),
    ],
)
def test_why_a_job_is_stuck_names_what_its_policy_does(stage, policy, text, told) -> None:
    policy(text)
    stage.live_until(33)
    (found,) = why(stage.handle.id, connection=stage.redis, now=at(33))

    assert told in found.text


def test_why_says_what_was_done_already(stage, policy) -> None:
    policy("stop:30m")
    stage.look("stop:30m", 31)
    (found,) = why(stage.handle.id, connection=stage.redis, now=at(33))

    assert "STUCK_POLICY told its worker to stop it at 10:31 UTC." in found.text


# --- entries of streams --------------------------------------------------------------------------


STREAM = "jobs:guild:g:message_scan"


@pytest.fixture
def entry(redis: Redis) -> str:
    """An entry that a consumer has been running for 31 minutes; returns its message's id."""
    sent = publish(MessageScanMessage.of("g", "c", ["m"]), stream=STREAM, connection=redis)
    redis.xgroup_create(STREAM, "workers", "0")
    redis.xreadgroup("workers", "one", {STREAM: ">"})
    ((entry_id, _),) = redis.xrange(STREAM)
    redis.xclaim(STREAM, "workers", "one", 0, [entry_id], idle=31 * 60_000)
    redis.sadd(stream_keys.consumes("workers", "one"), STREAM)
    redis.zadd(stream_keys.consumers("workers"), {"one": (time.time() + 60) * 1000})
    runs = run_line(STREAM, entry_id.decode(), time.time() - 31 * 60)
    redis.hset(stream_keys.consumer("workers", "one"), "runs", runs)
    return sent.message_id


def look(redis: Redis, policy: str) -> object:
    redis.delete(watch_keys.stuck_turn())
    return Warden(Settings(stuck_policy=policy), connection=redis).look()


@pytest.mark.parametrize("action", ["stop", "requeue"])
def test_the_consumer_of_an_entry_is_told_once(redis: Redis, entry: str, action: str) -> None:
    assert look(redis, f"{action}:32m") == {}
    assert look(redis, f"MESSAGE_SCAN={action}") == {entry: "done"}
    assert look(redis, action) == {entry: "done_before"}

    (order,) = take_orders("workers", "one", connection=redis)
    assert (order.action, order.stream) == (action, STREAM)
    (told,) = audit.entries(9, connection=redis)
    assert (told.action, told.target) == (f"entry.{action}", entry)
    assert "It has been running for 0:31:0" in told.reason


def test_the_list_says_of_an_entry_what_will_be_done_and_what_was(
    redis: Redis, entry: str, policy
) -> None:
    policy("stop:1h")
    (before,) = get_stuck_jobs(connection=redis)
    policy("stop")
    look(redis, "stop")
    (after,) = get_stuck_jobs(connection=redis)

    assert before["jobId"] == entry
    assert (before["policy"]["action"], before["policy"]["done"]) == ("stop", None)
    ahead = datetime.fromisoformat(before["policy"]["at"]) - datetime.now(UTC)
    assert timedelta(minutes=28) < ahead < timedelta(minutes=30)
    assert after["policy"]["done"] is not None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("escalate", "The alert `pending_age` tells people of entries"),
        ("waits", "It has not begun"),
        ("deaf", "Its consumer takes no orders"),
        ("dead", "Its consumer is gone"),
    ],
)
def test_what_cannot_be_done_with_an_entry_is_not_and_says_why(
    redis: Redis, entry: str, policy, change: str, why: str
) -> None:
    del entry
    text = "escalate" if change == "escalate" else "stop"
    told = stream_keys.consumer("workers", "one")
    match change:
        case "waits":
            redis.hset(told, "runs", "")
        case "deaf":
            redis.hdel(told, "runs")
        case "dead":
            redis.zadd(stream_keys.consumers("workers"), {"one": 1})
    policy(text)

    assert look(redis, text) == {}
    (row,) = get_stuck_jobs(connection=redis)
    assert row["policy"]["why"].startswith(why)
    assert row["policy"]["at"] is None
