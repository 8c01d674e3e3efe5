"""Reading from the wire: strict about what is known, tolerant of what a newer producer adds."""

import json
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

from messages import (
    InvalidMessage,
    NotificationMessage,
    UnknownMessageType,
    UnknownSchemaVersion,
    message_types,
    new_message,
    parse_message,
)
from tests.messages.documents import document, encode
from tests.messages.notes import a_note, refusal


def test_a_message_may_come_as_bytes_as_text_or_as_an_object() -> None:
    whole = document("NOTIFICATION")
    expected = parse_message(encode(whole))

    assert isinstance(expected, NotificationMessage)
    assert parse_message(json.dumps(whole)) == expected
    assert parse_message(whole) == expected
    assert parse_message(MappingProxyType(whole)) == expected


def test_a_message_without_id_and_time_gets_both() -> None:
    one, other = parse_message(a_note()), parse_message(a_note())

    assert one.message_id != other.message_id
    assert one.timestamp.tzinfo == UTC


@pytest.mark.parametrize(
    "value", [datetime(2026, 1, 15, tzinfo=UTC), {1, 2}, b"bytes", object(), float("nan"), "\ud800"]
)
def test_an_object_that_json_cannot_carry_is_refused(value: object) -> None:
    assert refusal(a_note(metadata={"a": value})).code == "not_json"


def test_what_is_not_json_is_refused_with_its_place() -> None:
    error = refusal(b'{"messageType": "EMAIL",}')

    assert error.code == "not_json"
    assert "line 1 column 25" in error.message


def test_an_unknown_type_is_refused_and_the_known_ones_are_named() -> None:
    error = refusal({"messageType": "EMIAL", "data": {}})

    assert isinstance(error, UnknownMessageType)
    assert error.as_dict()["code"] == "unknown_type"
    assert error.field == "messageType"
    assert "'EMIAL'" in error.message
    assert "EMAIL" in error.message
    assert "MESSAGE_PACKAGES" in error.remedy


@pytest.mark.parametrize("kind", [None, 5, ["EMAIL"], {"EMAIL": 1}, True])
def test_a_type_that_is_no_text_is_refused(kind: object) -> None:
    assert refusal({"messageType": kind, "data": {}}).field == "messageType"


def test_a_newer_version_is_told_apart_from_wrong_data() -> None:
    error = refusal(a_note(schemaVersion=2, data={"noteId": 5, "new": 1}))

    assert isinstance(error, UnknownSchemaVersion)
    assert error.field == "schemaVersion"
    assert "version 2" in error.message


def test_message_types_are_in_alphabetical_order() -> None:
    assert list(message_types()) == sorted(message_types())


@pytest.mark.parametrize(
    "value",
    [
        "1700000000",
        "5.5",
        1_700_000_000,
        "2026-01-15",
        "2026-01-15T12:00:00.250000 Z",
        "0001-01-01T00:00:00+02:00",  # in UTC that is before the first year there is
        "9999-12-31T23:59:59-02:00",
    ],
)
def test_what_is_no_date_and_time_is_no_timestamp(value: object) -> None:
    assert refusal(a_note(timestamp=value)).field == "timestamp"


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-15T12:00:00Z",
        "2026-01-15t12:00:00z",
        "2026-01-15 12:00:00Z",
        "2026-01-15T12:00:00.0000000000Z",
        "2026-01-15T12:00:00-00:00",
        "2026-01-15T14:00:00+02:00",
        "2026-01-14T12:01:00.000-23:59",
    ],
)
def test_every_way_to_write_a_time_in_rfc_3339_is_read(text: str) -> None:
    assert parse_message(a_note(timestamp=text)).timestamp == datetime(2026, 1, 15, 12, tzinfo=UTC)


def test_new_message_is_made_from_wire_names() -> None:
    made = new_message("NOTE_ENRICHMENT", {"noteId": "note-1"}, userId="ada")

    assert made.to_json() == parse_message(made.to_json()).to_json()
    assert (made.message_type, made.user_id) == ("NOTE_ENRICHMENT", "ada")


@pytest.mark.parametrize(
    ("data", "envelope", "field"),
    [
        ({"noteId": "n", "new": 1}, {}, "data.new"),
        ({"noteId": "n"}, {"newHeader": 1}, "newHeader"),
        ({"note_id": "n"}, {}, "data.noteId"),
        ({"noteId": 5}, {}, "data.noteId"),
        ([], {}, "data"),
        (None, {}, "data"),
    ],
)
def test_new_message_is_as_strict_as_a_constructor(data: Any, envelope: Any, field: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        new_message("NOTE_ENRICHMENT", data, **envelope)
    assert refused.value.field == field


def test_new_message_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(UnknownMessageType, match="'NOTE'"):
        new_message("NOTE", {})
