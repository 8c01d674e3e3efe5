"""What is written can be read; what is spoiled is refused: checked against hand-written schemas."""

import json

import pytest
from hypothesis import example, given

from messages import InvalidMessage, Message, message_types, parse_message
from messages.union import read_message
from tests.messages.documents import JUNK, document, encode, paths, replaced, without
from tests.messages.oracle import SCHEMAS, TYPES, judge
from tests.messages.strategies import broken_bytes, quick, spoiled_documents, valid_messages


def refusal(data: bytes) -> InvalidMessage | None:
    """Read; any exception but the one typed error fails the test by itself."""
    try:
        parse_message(data)
    except InvalidMessage as error:
        return error
    return None


def assert_as_the_oracle_says(data: bytes) -> None:
    verdict, error = judge(data), refusal(data)

    assert verdict.is_valid == (error is None), f"{error!r} but {sorted(map(str, verdict.fields))}"
    if error is not None:
        assert error.message.endswith(".")
        assert error.remedy.endswith(".")
        assert error.field in verdict.fields, error


def test_the_oracle_knows_the_shipped_types() -> None:
    # An application adds types of its own, for which nobody writes a schema.
    assert set(TYPES) <= set(message_types())
    assert {path.stem for path in SCHEMAS.glob("*.json") if path.stem.isupper()} == set(TYPES)


@given(valid_messages())
@quick
def test_every_message_survives_the_wire(message: Message) -> None:
    written = message.to_json()
    parsed = read_message(written)

    assert parsed.message == message
    assert parsed.unknown_fields == ()


@given(valid_messages())
@quick
def test_our_own_bytes_come_back_byte_for_byte(message: Message) -> None:
    written = message.to_json()

    assert parse_message(written).to_json() == written


@given(valid_messages())
@quick
def test_what_we_write_is_what_the_schemas_describe(message: Message) -> None:
    written = message.to_json()

    assert judge(written).is_valid
    assert json.loads(written)["messageType"] == message.message_type
    assert json.loads(written)["data"].keys() <= document(message.message_type)["data"].keys()


@given(spoiled_documents())
@example(encode({"data": {}}))
@quick
def test_a_spoiled_document_is_refused_with_one_error_that_names_the_field(data: bytes) -> None:
    assert_as_the_oracle_says(data)


@given(broken_bytes())
@quick
def test_broken_bytes_are_refused_with_one_error(data: bytes) -> None:
    assert_as_the_oracle_says(data)


@pytest.mark.parametrize("kind", TYPES)
def test_each_value_in_each_place_of_the_data_is_judged_as_by_the_oracle(kind: str) -> None:
    whole = document(kind)
    for path in paths(whole["data"]):
        for value in JUNK:
            assert_as_the_oracle_says(encode(replaced(whole, ("data", *path), value)))


def test_each_value_in_each_place_of_the_envelope_is_judged_as_by_the_oracle() -> None:
    whole = document("NOTE_ENRICHMENT")
    for path in paths(whole):
        for value in JUNK:
            if path[:1] != ("data",):
                assert_as_the_oracle_says(encode(replaced(whole, path, value)))


@pytest.mark.parametrize("kind", TYPES)
def test_each_field_that_is_missing_is_judged_as_by_the_oracle(kind: str) -> None:
    whole = document(kind)
    for path in paths(whole)[1:]:
        assert_as_the_oracle_says(encode(without(whole, path)))


@pytest.mark.parametrize("kind", TYPES)
def test_a_full_document_of_each_type_is_valid(kind: str) -> None:
    data = encode(document(kind))

    assert judge(data).is_valid
    assert isinstance(parse_message(data), message_types()[kind])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"null",
        b"true",
        b"1",
        b'"EMAIL"',
        b"[]",
        b"{}",
        b"{'messageType': 'EMAIL'}",
        b'\xef\xbb\xbf{"messageType": "NOTE_ENRICHMENT", "data": {"noteId": "n"}}',
        '{"messageType": "NOTE_ENRICHMENT", "data": {"noteId": "n"}}'.encode("utf-16"),
        b'{"messageType": "NOTE_ENRICHMENT", "data": {"noteId": "n"}} {}',
        b'{"messageType": "NOTE_ENRICHMENT", "data": {"noteId": "n"},}',
        b'{"messageType": "NOTE_ENRICHMENT", "data": {"noteId": "\xff"}}',
        b'{"messageType": "NOTE_ENRICHMENT", "data": {"noteId": "a\nb"}}',
        b'{"messageType": ["EMAIL"]}',
        b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07message\x94.",
        b"[" * 100_000,
        b'{"a":' * 40_000,
        b"{}{}",
    ],
)
def test_bytes_that_are_no_message_are_refused_with_one_error(data: bytes) -> None:
    assert not judge(data).is_valid
    assert_as_the_oracle_says(data)
