"""The exported JSON Schema: valid itself, and of one mind with the messages it describes."""

import json
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from messages import UnknownMessageType, examples_of, json_schema
from tests.messages.documents import Document, document
from tests.messages.oracle import TYPES


@cache
def validator(kind: str | None = None) -> Draft202012Validator:
    schema = json_schema(kind)
    Draft202012Validator.check_schema(schema)
    # One that is asked for the schema itself looks through all of it again for each reference.
    known = Registry().with_resource("urn:whole", DRAFT202012.create_resource(schema)).crawl()
    return Draft202012Validator({"$ref": "urn:whole"}, registry=known)


def written(kind: str) -> list[Document]:
    return [json.loads(message.to_json()) for message in examples_of(kind)]


@pytest.mark.parametrize("kind", TYPES)
def test_each_schema_accepts_the_examples_and_a_full_document(kind: str) -> None:
    for instance in (*written(kind), document(kind)):
        validator(kind).validate(instance)


@pytest.mark.parametrize("kind", TYPES)
def test_the_schema_of_all_types_accepts_each_of_them(kind: str) -> None:
    for instance in (*written(kind), document(kind)):
        validator().validate(instance)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "change", [{"data": None}, {"extra": 1}, {"messageType": "X"}, {"schemaVersion": "1"}]
)
def test_a_schema_refuses_what_a_constructor_refuses(kind: str, change: Any) -> None:
    assert not validator(kind).is_valid({**document(kind), **change})
    assert not validator().is_valid({**document(kind), **change})


@pytest.mark.parametrize("kind", TYPES)
def test_a_schema_names_the_fields_as_the_wire_does(kind: str) -> None:
    assert json_schema(kind)["properties"].keys() == document(kind).keys()


def test_an_unknown_type_has_no_schema() -> None:
    with pytest.raises(UnknownMessageType):
        json_schema("NOPE")


def test_a_schema_is_json() -> None:
    assert json.loads(json.dumps(json_schema())) == json_schema()
