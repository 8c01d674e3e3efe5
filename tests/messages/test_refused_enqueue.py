"""What is refused is refused before anything is written: keys counted on a real server."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis
from rq.defaults import RQ_KEY_PREFIX

from messages import InvalidMessage, Message, NoteEnrichmentMessage, PostroomError
from tests.messages.documents import nested
from tests.messages.strategies import quick
from workers import (
    BatchInvalid,
    InvalidOption,
    JobHandle,
    Keep,
    Settings,
    enqueue,
    enqueue_at,
    enqueue_in,
    enqueue_many,
    keys,
)

NO_SPAN = (-1, float("nan"), float("inf"), 1e300, timedelta(seconds=-1), timedelta.max, "5", True)
NO_COUNT = (-1, 1.5, "3", True)

GOOD: dict[str, tuple[Any, ...]] = {
    "queue": ("bulk", "a.b-c_1", "x" * 100),
    "delay": (0, 0.5, 3600, timedelta(days=30)),
    "attempts": (1, 3, 100),
    "backoff": ({"type": "fixed", "delay": 5}, {"type": "exponential", "delay": timedelta(1)}),
    "priority": ("high", "normal", "low", 1, 5, 10),
    "timeout": (1, 600, timedelta(hours=2)),
    "queue_ttl": (0.5, 3600, timedelta(days=1)),
    "keep_completed": (Keep(), Keep(age=60), Keep(count=0), Keep(age=timedelta(1), count=10)),
    "keep_failed": (Keep(age=60, count=5),),
    "unique_key": ("order-1", "ü"),
}
BAD: dict[str, tuple[Any, ...]] = {
    "queue": ("", "a b", "a:high", "x" * 101, "a\n", "*", "ä", 5, ["email"]),
    "delay": NO_SPAN,
    "attempts": (0, *NO_COUNT),
    "backoff": (
        {},
        "fixed",
        5,
        {"type": "linear", "delay": 1},
        {"type": ["fixed"], "delay": 1},
        *({"type": "fixed", "delay": span} for span in NO_SPAN),
    ),
    "priority": (0, 11, -1, 5.0, "urgent", "HIGH", True, ["high"]),
    "timeout": (0, 0.5, timedelta(0), *NO_SPAN),
    "queue_ttl": (0, *NO_SPAN),
    "keep_completed": (
        60,
        *(Keep(age=span) for span in (0, *NO_SPAN)),
        *(Keep(count=count) for count in NO_COUNT),
    ),
    "keep_failed": ("all", *(Keep(age=span) for span in (0, *NO_SPAN))),
    "unique_key": ("", "\ud800", 5, ["a"]),
    "unique_window": (0, 60, *NO_SPAN),  # without a key it limits nothing
    "depends_on": (5, [5], ["\ud800"], "\ud800", {"job-1"}),
    "on_parent_failure": ("retry", 5, ["fail"]),
    "no_such_option": (1,),
}


def note(**envelope: Any) -> Message:
    return NoteEnrichmentMessage.of("note-1").model_copy(update=envelope)


def whole(redis: "Redis[bytes]") -> dict[bytes, bytes | None]:
    """Every key with its content; of a server that is not ours, those of this run."""
    pattern = "*" if RQ_KEY_PREFIX == "rq" else f"{RQ_KEY_PREFIX}*"
    return {key: redis.dump(key) for key in redis.scan_iter(pattern, count=1_000)}


def assert_refused(redis: "Redis[bytes]", call: Any) -> PostroomError:
    before = whole(redis)
    with pytest.raises(PostroomError) as refused:
        call()

    assert whole(redis) == before
    assert refused.value.message.endswith(".")
    assert refused.value.remedy.endswith(".")
    return refused.value


@st.composite
def _wrong_options(draw: st.DrawFn) -> tuple[dict[str, Any], set[str]]:
    wrong = draw(st.sets(st.sampled_from(sorted(BAD)), min_size=1, max_size=2))
    right = draw(st.sets(st.sampled_from(sorted(GOOD)), max_size=3)) - wrong
    if wrong & {"depends_on", "unique_window"}:
        right -= {"delay", "unique_key"}  # together they would be wrong, or right, in another way
    options = {name: draw(st.sampled_from(GOOD[name])) for name in sorted(right)}
    options |= {name: draw(st.sampled_from(BAD[name])) for name in sorted(wrong)}
    also = {"unique_key"} if "unique_window" in wrong else set()
    return options, wrong | also


@given(_wrong_options())
@quick
def test_a_wrong_option_is_refused_by_name_and_nothing_is_written(
    redis: "Redis[bytes]", drawn: tuple[dict[str, Any], set[str]]
) -> None:
    options, wrong = drawn
    error = assert_refused(redis, lambda: enqueue(note(), connection=redis, **options))

    assert isinstance(error, InvalidOption)
    assert (error.field or "").partition(".")[0] in wrong


@pytest.mark.parametrize("name", BAD)
def test_each_wrong_value_of_an_option_is_refused(redis: "Redis[bytes]", name: str) -> None:
    for value in BAD[name]:
        more = {"unique_key": "k"} if name == "unique_window" and value != 60 else {}
        options = {name: value, **more}
        error = assert_refused(redis, lambda: enqueue(note(), connection=redis, **options))  # noqa: B023 - called at once

        assert isinstance(error, InvalidOption), f"{name}={value!r}"


@given(st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in GOOD.items()}))
@settings(quick, max_examples=60)
def test_right_options_are_taken(redis: "Redis[bytes]", options: dict[str, Any]) -> None:
    if "unique_key" in options:  # else it would find the job of the example before
        options["unique_key"] += uuid4().hex
    handle = enqueue(note(), connection=redis, **options)

    assert handle.is_new
    assert handle.status() in {"queued", "scheduled"}


BAD_MESSAGES = {
    "too large": {"metadata": {"a": "x" * 256_000}},
    "too deep": {"metadata": nested(64)},
    "not unicode": {"metadata": {"a": ["\ud800"]}},
    "of another version": {"schema_version": 7},
}


@pytest.mark.parametrize("what", BAD_MESSAGES)
@pytest.mark.parametrize("batch", [1, 3, 1_500])
def test_a_wrong_message_is_refused_alone_and_in_a_batch(
    redis: "Redis[bytes]", what: str, batch: int
) -> None:
    wrong = note(**BAD_MESSAGES[what])
    error = assert_refused(redis, lambda: enqueue(wrong, connection=redis))
    assert isinstance(error, InvalidMessage)

    messages = [*(note() for _ in range(batch - 1)), wrong]
    with pytest.raises(BatchInvalid) as refused:
        enqueue_many(messages, connection=redis)
    assert refused.value.index == batch - 1
    assert len(refused.value.enqueued) == (batch - 1) // 1_000 * 1_000
    assert redis.llen(keys.queue("note_enrichment")) == len(refused.value.enqueued)


@pytest.mark.parametrize("moment", [datetime(2026, 1, 15), "2026-01-15T12:00:00Z", 5])  # noqa: DTZ001 - the point
def test_a_time_without_a_zone_is_refused(redis: "Redis[bytes]", moment: Any) -> None:
    error = assert_refused(redis, lambda: enqueue_at(moment, note(), connection=redis))

    assert error.field == "at"


@pytest.mark.parametrize("delay", NO_SPAN)
def test_a_delay_that_is_none_is_refused(redis: "Redis[bytes]", delay: Any) -> None:
    error = assert_refused(redis, lambda: enqueue_in(delay, note(), connection=redis))

    assert error.field == "delay"


def test_a_wrong_message_cannot_even_be_made(redis: "Redis[bytes]") -> None:
    def send() -> JobHandle:
        return enqueue(NoteEnrichmentMessage.of(5), connection=redis)  # type: ignore[arg-type]

    assert assert_refused(redis, send).field == "data.noteId"


def test_a_route_that_needs_a_tenant_refuses_a_message_without_one(redis: "Redis[bytes]") -> None:
    routed = Settings(queue_routes={"NOTE_ENRICHMENT": "notes_{tenant}"})
    error = assert_refused(redis, lambda: enqueue(note(), connection=redis, settings=routed))

    assert error.field == "metadata.tenant"
    assert enqueue(note(metadata={"tenant": "acme"}), connection=redis, settings=routed).is_new
    assert redis.llen(keys.queue("notes_acme")) == 1
