"""256 kB, 64 levels, no NaN, no half characters: written and read alike."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from messages import (
    MAX_BYTES,
    InvalidMessage,
    NoteEnrichmentMessage,
    TestPayload,
    WorkoutChanges,
    parse_message,
)
from messages.union import read_message
from tests.messages.documents import encode, nested
from tests.messages.notes import a_note, note, refusal


def with_bytes(count: int) -> NoteEnrichmentMessage:
    empty = note(message_id="m-1", timestamp=datetime(2026, 1, 15, tzinfo=UTC), user_id="")
    return empty.model_copy(update={"user_id": "x" * (count - len(empty.to_json()))})


def test_a_message_of_256_kilobytes_travels() -> None:
    message = with_bytes(256_000)

    assert len(message.to_json()) == MAX_BYTES == 256_000
    assert parse_message(message.to_json()) == message


def test_a_message_of_one_byte_more_is_refused() -> None:
    with pytest.raises(InvalidMessage, match="256,001 bytes") as refused:
        with_bytes(256_001).to_json()
    assert refused.value.code == "too_large"


def test_the_limit_counts_bytes_and_not_letters() -> None:
    note(user_id="e" * 200_000).to_json()

    with pytest.raises(InvalidMessage, match="bytes"):
        note(user_id="é" * 200_000).to_json()


def test_64_levels_travel() -> None:
    message = note(metadata=nested(63))  # the message itself is the first

    assert parse_message(message.to_json()) == message


def test_65_levels_are_refused() -> None:
    with pytest.raises(InvalidMessage, match="64 levels"):
        note(metadata=nested(64)).to_json()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_nan_and_infinity_are_refused_wherever_they_stand(value: float) -> None:
    for make in (
        lambda: note(metadata={"a": [value]}),
        lambda: WorkoutChanges(weight=value),
        lambda: WorkoutChanges(incline=value),
        lambda: TestPayload(new_value=value),
    ):
        with pytest.raises(InvalidMessage):
            make()


def test_open_data_within_itself_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless

    with pytest.raises(InvalidMessage) as refused:
        note(metadata=endless)
    assert len(refused.value.message) < 1_000


def test_open_data_that_is_far_too_deep_is_refused_in_a_readable_sentence() -> None:
    with pytest.raises(InvalidMessage) as refused:
        note(metadata=nested(900))
    assert len(refused.value.message) < 1_000


def test_text_that_is_not_unicode_is_refused_before_it_travels() -> None:
    with pytest.raises(InvalidMessage) as refused:
        note(metadata={"a": {"b": "\ud800"}}).to_json()
    assert refused.value.field in {"metadata", "metadata.a", "metadata.a.b"}


def test_a_large_message_in_another_script_is_not_taken_for_larger_than_it_is() -> None:
    large = a_note(userId="é" * 100_000)  # 200 kB on the wire

    assert parse_message(large).user_id == large["userId"]
    assert read_message(json.dumps({**large, "new": 1}, ensure_ascii=False)).unknown_fields


def test_a_message_of_many_small_parts_is_not_taken_for_larger_than_it_is() -> None:
    compact = json.dumps(a_note(metadata={"a": [1] * 100_000}, new=1), separators=(",", ":"))

    assert read_message(compact).unknown_fields == ("new",)
    assert parse_message(json.loads(compact)).metadata


def test_256_kilobytes_are_read_and_one_more_is_not() -> None:
    text = encode(a_note())

    parse_message(text.ljust(256_000))
    assert refusal(text.ljust(256_001)).code == "too_large"


@pytest.mark.parametrize("kind", ["metadata", "payload"])
def test_64_levels_are_read_and_65_are_not(kind: str) -> None:
    def sent(levels: int) -> bytes:
        action = {"action": "a", "entityType": "t", "entityId": "i"}
        if kind == "metadata":
            return encode(a_note(metadata=nested(levels - 1)))
        data = {**action, "payload": nested(levels - 2)}
        return encode({"messageType": "USER_ACTION", "data": data})

    parse_message(sent(64))
    assert "64 levels" in refusal(sent(65)).message


def test_text_that_is_not_unicode_is_refused_and_not_mended() -> None:
    text = json.dumps(a_note(userId="?"), ensure_ascii=False).replace("?", "\ud800")

    assert refusal(text).code == "not_json"


def test_an_object_within_itself_is_refused() -> None:
    whole = a_note()
    whole["metadata"] = whole

    assert refusal(whole).code == "not_json"
