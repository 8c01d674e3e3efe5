"""Fields that this release does not know: left out, reported, and no excuse for the others."""

import json
from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field

from messages import (
    Message,
    Payload,
    parse_message,
)
from messages.union import read_message
from tests.messages.documents import Document, document, encode, nested
from tests.messages.notes import a_note, refusal


class PartData(Payload):
    name: str
    bool: str = "a name that is also the name of a type"


class WholeData(Payload):
    part: PartData
    parts: list[PartData] = Field(default_factory=list)
    count: int = 0


class WholeMessage(Message):
    queue: ClassVar[str] = "tests_whole"
    message_type: Literal["TESTS_WHOLE"] = "TESTS_WHOLE"
    data: WholeData
    note: str = "a field that stands behind the data"


def whole(**more: Any) -> Document:
    return {"messageType": "TESTS_WHOLE", "data": {"part": {"name": "a"}}, **more}


def test_unknown_fields_of_every_level_are_left_out_and_reported() -> None:
    sent = whole(
        newHeader={"deep": [1]},
        data={
            "part": {"name": "a", "colour": "red"},
            "parts": [{"name": "b"}, {"name": "c", "size": 1, "weight": None}],
            "total": 3,
        },
    )
    parsed = read_message(sent)

    assert sorted(parsed.unknown_fields) == [
        "data.part.colour",
        "data.parts.1.size",
        "data.parts.1.weight",
        "data.total",
        "newHeader",
    ]
    assert json.loads(parsed.message.to_json())["data"] == {
        "part": {"name": "a", "bool": PartData(name="a").bool},
        "parts": [{"name": n, "bool": PartData(name="a").bool} for n in "bc"],
        "count": 0,
    }


def test_known_fields_survive_beside_unknown_ones() -> None:
    full = document("EMAIL")
    parsed = read_message({**full, "priority": 3})

    assert parsed.unknown_fields == ("priority",)
    assert parsed.message == parse_message(full)


def test_the_senders_document_is_left_as_it_was() -> None:
    sent = a_note(new=1)
    read_message(sent)

    assert sent == a_note(new=1)


def test_open_objects_have_no_unknown_fields() -> None:
    for kind in ("TEST", "WORKOUT_UPDATE", "USER_ACTION", "EMAIL"):
        assert read_message(document(kind)).unknown_fields == ()


def test_python_names_are_unknown_on_the_wire() -> None:
    parsed = read_message(a_note(user_id="ada"))

    assert parsed.unknown_fields == ("user_id",)
    assert parsed.message.user_id is None
    assert refusal(a_note(data={"note_id": "note-1"})).field == "data.noteId"
    assert refusal({"message_type": "NOTE_ENRICHMENT"}).field == "messageType"


def test_an_unknown_field_that_comes_twice_is_left_out() -> None:
    text = '{"new": 1, "new": 2, "messageType": "NOTE_ENRICHMENT", "data": {"noteId": "n"}}'

    assert read_message(text).unknown_fields == ("new",)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (whole(data={"part": {"name": "a", "new": 1}, "count": "three"}), "data.count"),
        (whole(data={"part": {"name": "a"}, "new": 1}, note=5), "note"),
        (whole(new=1, data={"part": {}}), "data.part.name"),
    ],
)
def test_an_error_names_the_wrong_field_and_not_an_unknown_one(sent: Any, field: str) -> None:
    error = refusal(sent)

    assert error.field == field
    assert "more)" not in error.message


def test_a_field_that_is_named_like_a_type_is_found() -> None:
    assert refusal(whole(data={"part": {"name": "a", "bool": 1}})).field == "data.part.bool"


def test_unknown_fields_obey_the_limits_as_well() -> None:
    assert read_message(encode(a_note(new=nested(63)))).unknown_fields == ("new",)
    assert "64 levels" in refusal(encode(a_note(new=nested(64)))).message
    assert refusal(encode(a_note(new=float("nan"))))
    assert refusal(encode(a_note(new=[float("inf")])))
