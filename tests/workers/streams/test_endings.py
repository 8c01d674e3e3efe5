"""How runs of entries end: tried again, buried, replayed, and what is left of them."""

import json
import time
from collections.abc import Iterator

import pytest

from messages import TestMessage
from tests.workers.conftest import message
from tests.workers.streams.places import entry_ids, ids_in, own
from tests.workers.streams.readers import Consumer, pending
from workers import (
    By,
    PermanentError,
    ResourceUnavailable,
    RetryPolicy,
    StorageRefused,
    TransientError,
    attempts,
    dead_letters,
    enqueue,
    handles,
    keys,
    on,
    on_dead,
    publish,
    stream_keys,
)
from workers.dead_letters.store import newest
from workers.registry import separate_registry
from workers.streams.delayed import promote
from workers.streams.wire import own_of

handled: list[TestMessage] = []


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    handled.clear()
    with separate_registry():
        yield


def handler(error: Exception | None = None, *, times: int = 100, **policy: object) -> None:
    """A handler that fails so many times."""

    def handle(given: TestMessage) -> None:
        handled.append(given)
        if error is not None and len(handled) <= times:
            raise error

    handles(TestMessage, retry=RetryPolicy(**policy) if policy else None)(handle)


def bring_due(redis) -> None:
    for member in redis.zrange(stream_keys.delayed(), 0, -1):
        redis.zadd(stream_keys.delayed(), {member: 0})
    promote(connection=redis)


def by_hand(redis, stream: str, entry_id: str = "*", **fields: str) -> str:
    """Add an entry as any client can, and make its stream known, as the search would."""
    redis.sadd(stream_keys.streams(), stream)
    entry: bytes = redis.xadd(stream, dict(fields), id=entry_id)
    return entry.decode()


def letter_of(redis, job_id: str) -> dead_letters.DeadLetter:
    letter = dead_letters.find(job_id, connection=redis)
    assert letter is not None
    return letter


# --- again ---------------------------------------------------------------------------------------


def test_a_transient_error_is_tried_again_at_once_as_another_entry(redis, stream, fill) -> None:
    handler(TransientError("a blip"), times=1)
    (sent,) = fill(1)
    consumer = Consumer(redis)

    consumer.run_all()

    assert [each.message_id for each in handled] == [sent, sent]
    assert ids_in(redis, stream) == [sent, sent]
    assert pending(redis, stream) == {}


def test_a_resource_error_waits_aside_and_its_entry_is_done(redis, stream, fill) -> None:
    handler(ResourceUnavailable("down", retry_after=60), times=1)
    (sent,) = fill(1)
    consumer = Consumer(redis)
    consumer.run_all()

    ((member, due),) = redis.zrange(stream_keys.delayed(), 0, -1, withscores=True)
    assert member.decode().split("\n") == [stream, sent, "workers"]
    assert 50_000 < due - time.time() * 1000 < 70_000
    assert pending(redis, stream) == {}

    bring_due(redis)
    consumer.run_all()

    assert len(handled) == 2
    assert not redis.exists(stream_keys.delayed(), stream_keys.delayed_entries())


def test_what_runs_again_knows_its_attempts(redis, fill) -> None:
    handler(TransientError("a blip"), times=2, max_attempts=5)
    (sent,) = fill(1)
    Consumer(redis).run_all()

    history = attempts.history(sent, connection=redis)
    assert [(each.number, each.outcome) for each in history] == [(1, "retried"), (2, "retried")]


def test_an_attempt_that_somebody_else_has_by_now_leaves_nothing(redis, stream, fill) -> None:
    handler(TransientError("a blip"))
    (sent,) = fill(1)
    consumer = Consumer(redis)
    (entry,) = consumer.take()
    redis.xclaim(stream, "workers", "somebody", 0, [entry.execution])
    consumer.run_one(entry)

    assert ids_in(redis, stream) == [sent]
    assert not attempts.history(sent, connection=redis)
    assert [who for who, _ in pending(redis, stream).values()] == ["somebody"]


def test_a_successor_is_only_for_the_group_that_failed(redis, fill) -> None:
    handler(TransientError("a blip"), times=1)
    fill(1)
    failing, other = Consumer(redis), Consumer(redis, group="others")
    failing.run_all()
    assert len(handled) == 2

    other.run_all()

    assert len(handled) == 3


def test_a_successor_says_what_the_lane_must_know(redis, stream, fill) -> None:
    handler(TransientError("a blip"), times=1)
    fill(1)
    Consumer(redis).run_all()
    entry = redis.xrange(stream)[-1][1]

    flat = [part for pair in entry.items() for part in pair]
    assert own_of(flat) == {"restarts": 1, "group": "workers", "meta": {}}


# --- dead ----------------------------------------------------------------------------------------


def test_a_permanent_error_buries_the_message_and_acknowledges_its_entry(
    redis, stream, fill
) -> None:
    handler(PermanentError("never"))
    (sent,) = fill(1)
    Consumer(redis).run_all()

    letter = letter_of(redis, sent)
    assert (letter.reason, letter.queue, letter.message_type) == ("permanent", stream, "TEST")
    assert letter.options == {"stream": stream, "group": "workers"}
    assert pending(redis, stream) == {}


def test_used_up_attempts_bury_it_with_its_history(redis, fill) -> None:
    handler(TransientError("a blip"), max_attempts=2)
    (sent,) = fill(1)
    Consumer(redis).run_all()

    letter = letter_of(redis, sent)
    assert (letter.reason, len(letter.attempts)) == ("exhausted", 2)
    assert not redis.exists(keys.attempts(sent))


def test_failures_are_told_to_their_group(redis, fill) -> None:
    handler(TransientError("a blip"), max_attempts=2)
    (sent,) = fill(1)
    Consumer(redis).run_all()

    [name] = redis.zrange(keys.failures(), 0, -1)
    group = redis.hgetall(keys.failure(name.decode()))
    assert (group[b"count"], group[b"jobs"]) == (b"2", sent.encode())
    assert (group[b"type"], group[b"text"]) == (b"TEST", b"a blip")
    assert group[b"place"].endswith(b"handler.<locals>.handle")
    assert letter_of(redis, sent).attempts[-1]["fingerprint"] == name.decode()


def test_hooks_are_told(redis, fill) -> None:
    told: list[str] = []
    on("dead")(lambda letter: told.append(letter.reason))
    on("completed")(lambda *_: told.append("completed"))
    on_dead(TestMessage)(lambda *_: told.append("on_dead"))
    handler(PermanentError("never"), times=1)
    fill(2)
    Consumer(redis).run_all()

    assert sorted(told) == ["completed", "on_dead", "permanent"]


def test_an_entry_by_hand_without_its_fields_is_buried_and_they_are_named(redis, stream) -> None:
    handler()
    entry = by_hand(redis, stream, job_type="test_message", colour="red")
    Consumer(redis).run_all()

    letter = letter_of(redis, entry)
    assert letter.reason == "invalid_payload"
    assert "data.testType" in letter.error


def test_an_entry_by_hand_is_run_with_its_own_id(redis, stream) -> None:
    handler()
    by_hand(redis, stream, job_id="test-1", job_type="test_message", test_type="x")
    Consumer(redis).run_all()

    assert [each.message_id for each in handled] == ["test-1"]


def test_entries_by_hand_with_one_id_have_a_letter_each(redis) -> None:
    handler()
    streams = [own("plain"), own("jobs:guild:1:test_message")]
    for name in streams:
        by_hand(redis, name, "5-1", job_type="test_message")
    Consumer(redis).run_all()

    found = [letter.queue for letter in newest(10, connection=redis)]
    assert sorted(found) == sorted(streams)


def test_a_type_that_nobody_knows_yet_waits_for_a_newer_release(redis, stream) -> None:
    handler()
    by_hand(redis, stream, job_id="1", job_type="from_the_future")
    Consumer(redis).run_all()

    assert pending(redis, stream) == {}
    assert redis.zcard(stream_keys.delayed()) == 1
    assert redis.hget(keys.handed_back(), "FROM_THE_FUTURE") == b"1"


def test_a_type_that_stays_unknown_is_buried(redis, stream, monkeypatch) -> None:
    monkeypatch.setenv("UNKNOWN_TYPE_GRACE", "0")
    handler()
    by_hand(redis, stream, job_id="1", job_type="from_the_future")
    Consumer(redis).run_all()

    assert letter_of(redis, "1").reason == "unknown_type"


def test_an_entry_whose_consumers_vanish_again_and_again_is_buried(redis, fill, stream) -> None:
    handler()
    (sent,) = fill(1)
    consumer = Consumer(redis)
    (entry,) = consumer.take()
    entry.lost = 5
    consumer.run_one(entry)

    letter = letter_of(redis, sent)
    assert letter.reason == "delivery_limit"
    assert (handled, pending(redis, stream)) == ([], {})
    assert told_groups(redis) == [("TEST", "crash", "each of its consumers vanished with it")]
    (attempt,) = letter.attempts  # whoever refused it has not run it
    assert (attempt["worker"], attempt["code_version"]) == ("", "")


def test_a_run_that_crashes_runs_again_with_a_pause_and_is_buried_at_the_third(redis, fill) -> None:
    handler()
    (sent,) = fill(1)
    consumer = Consumer(redis)
    for _ in range(3):
        (entry,) = consumer.take()
        consumer.lane.crashed(entry, "killed")
        bring_due(redis)

    assert letter_of(redis, sent).reason == "crash_loop"
    assert not consumer.take()
    assert told_groups(redis) == [("TEST", "crash", "killed")]


def told_groups(redis) -> list[tuple[str, ...]]:
    """Type, class and text of each group of failures."""
    names = [name.decode() for name in redis.zrange(keys.failures(), 0, -1)]
    found = [redis.hmget(keys.failure(name), "type", "class", "text") for name in names]
    return [tuple(value.decode() for value in values) for values in found]


# --- replay --------------------------------------------------------------------------------------


def test_a_replay_goes_back_into_the_stream_for_the_group_that_failed(redis, stream, fill) -> None:
    handler(PermanentError("never"), times=1)
    (sent,) = fill(1)
    consumer = Consumer(redis)
    consumer.run_all()
    by = By("ann", "mended")

    replayed = dead_letters.replay(sent, by=by, connection=redis)
    consumer.run_all()

    assert handled[-1].message_id == replayed
    assert handled[-1].causation_id == sent
    assert ids_in(redis, stream) == [sent, replayed]
    assert dead_letters.find(sent, connection=redis) is None


def test_a_replay_that_is_refused_leaves_the_letter_and_makes_no_stream_known(
    redis, stream, fill
) -> None:
    handler(PermanentError("never"), times=1)
    (sent,) = fill(1)
    Consumer(redis).run_all()
    redis.delete(stream, stream_keys.streams())
    redis.set(stream, "x")

    with pytest.raises(StorageRefused):
        dead_letters.replay(sent, by=By("a", "b"), connection=redis)

    assert dead_letters.find(sent, connection=redis) is not None
    assert not redis.exists(stream_keys.streams())


def test_a_replay_may_move_a_message_to_a_queue(redis, stream, fill) -> None:
    handler(PermanentError("never"), times=1)
    (sent,) = fill(1)
    Consumer(redis).run_all()
    replayed = dead_letters.replay(sent, by=By("a", "b"), queue="mended", connection=redis)

    assert redis.lrange(keys.queue("mended"), 0, -1) == [replayed.encode()]
    assert ids_in(redis, stream) == [sent]


# --- onwards -------------------------------------------------------------------------------------


def test_what_a_handler_sends_on_says_where_it_comes_from_in_both_lanes(redis, stream) -> None:
    sent = message().model_copy(update={"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"})
    further = own("further")

    def handle(_: TestMessage) -> None:
        publish(message("child"), stream=further, connection=redis)
        enqueue(message("child"), connection=redis)

    handles(TestMessage)(handle)
    publish(sent, stream=stream, connection=redis)
    Consumer(redis).run_all()

    entry = redis.xrange(further)[0][1]
    assert entry[b"causation_id"].decode() == sent.message_id
    assert entry[b"correlation_id"].decode() == sent.message_id
    assert entry[b"traceparent"].decode() == sent.traceparent
    job = redis.hget(keys.job(redis.lrange(keys.queue("default"), 0, -1)[0].decode()), "data")
    assert json.loads(job)[2][0]["causationId"] == sent.message_id


def test_outcomes_are_counted_for_all_tenants_together_and_for_each(redis) -> None:
    handler(PermanentError("never"), times=1)
    for tenant in ("1", "2"):
        publish(message().model_copy(update={"metadata": {"tenant": tenant}}), connection=redis)
    consumer = Consumer(redis)
    consumer.run_all()
    consumer.step(0)

    (day,) = redis.keys(keys.stats("d", 0)[:-1] + "*")
    counted = redis.hgetall(day)
    family = own("jobs:guild:*:test_message")
    assert counted[f"{family}|TEST|finished|n".encode()] == b"1"
    assert counted[f"{family}|TEST|failed|n".encode()] == b"1"
    assert any(name.startswith(b"tenant|") for name in counted)
    assert entry_ids(redis, own("jobs:guild:1:test_message"))
