"""A JSON Schema and values become the fields of a form."""

import pytest

from messages import json_schema, message_types
from monitoring.board.schema_form import Field, data_schema, fields_of, whole

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["to", "count", "when"],
    "properties": {
        "to": {"type": "string", "minLength": 3, "maxLength": 254, "description": "Who gets it."},
        "count": {"type": "integer", "minimum": 0},
        "when": {"type": "string", "format": "date-time"},
        "body": {"type": "string", "maxLength": 10_000},
        "urgent": {"type": "boolean", "default": True},
        "kind": {"enum": ["info", "error"], "type": "string"},
        "weight": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
        "mark": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "ids": {"type": "array", "items": {"type": "string"}},
        "inner": {"$ref": "#/$defs/Inner"},
    },
    "$defs": {"Inner": {"type": "object", "properties": {"a": {"type": "string"}}}},
}


def by_name(values=None, schema=SCHEMA) -> dict[str, Field]:
    return {each.name: each for each in fields_of(schema, values)}


def test_each_kind_of_value_has_the_field_that_fits_it() -> None:
    kinds = {each.label: each.kind for each in fields_of(SCHEMA)}

    assert kinds == {
        "to": "text",
        "count": "number",
        "when": "moment",
        "body": "long",
        "urgent": "boolean",
        "kind": "choice",
        "weight": "number",
        "mark": "scalar",
        "ids": "json",
        "inner": "group",
    }


def test_what_is_needed_and_what_it_may_be_is_said() -> None:
    found = by_name()

    assert (found["data.to"].is_required, found["data.to"].type) == (True, "text")
    assert found["data.to"].hint == "Who gets it. 3 to 254 characters"
    assert found["data.count"].hint == "0 or more"
    assert (found["data.weight"].is_required, found["data.weight"].type) == (
        False,
        "number, optional",
    )
    assert found["data.urgent"].choices == ("true", "false")


def test_values_are_shown_as_they_are_written() -> None:
    found = by_name(
        {"to": "a@b", "count": 0, "urgent": False, "mark": "12", "ids": ["a"], "inner": {"a": "x"}}
    )

    assert found["data.count"].text == "0"
    assert found["data.urgent"].text == "false"
    assert found["data.mark"].text == '"12"', "else it would be sent as a number"
    assert found["data.ids"].text == '[\n  "a"\n]'
    inner = found["data.inner"].parts[0]
    assert (inner.name, inner.text) == ("data.inner.a", "x")


def test_a_value_that_a_field_cannot_show_is_told_beside_it() -> None:
    weight = by_name({"weight": "135 lb"})["data.weight"]

    assert (weight.text, weight.misfit) == ("", '"135 lb"')


def test_a_choice_that_is_none_of_them_can_still_be_kept() -> None:
    assert by_name({"kind": "fatal"})["data.kind"].choices == ("info", "error", "fatal")


def test_a_secret_is_not_shown_and_not_needed() -> None:
    secret = by_name({"to": "***"})["data.to"]

    assert (secret.text, secret.is_hidden) == ("", True)


def test_a_value_without_a_field_can_be_seen_and_emptied() -> None:
    extra = by_name({"oops": {"a": 1}})["data.oops"]

    assert (extra.kind, extra.hint) == ("json", "The type has no such field; empty it.")


def test_an_open_object_takes_further_values() -> None:
    inner = by_name({"inner": {"a": "x", "b": 2}})["data.inner"]

    assert [(each.name, each.kind, each.text) for each in inner.parts] == [
        ("data.inner.a", "text", "x"),
        ("data.inner.b", "scalar", "2"),
        ("data.inner.*", "json", ""),
    ]


@pytest.mark.parametrize("name", ["a.b", "__proto__", "x[]", "", "a b"])
def test_names_that_a_form_cannot_carry_make_json_of_the_object(name: str) -> None:
    (made,) = fields_of(SCHEMA, {name: 1})

    assert (made.name, made.kind) == ("data", "json")


@pytest.mark.parametrize("values", [[1], "text", 3])
def test_what_is_no_object_is_json(values: object) -> None:
    (made,) = fields_of(SCHEMA, values)

    assert made == whole(values)


def test_a_schema_that_holds_itself_ends() -> None:
    loop = {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/Node"}},
        "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}},
    }
    made, depth = fields_of(loop)[0], 1
    while made.parts:
        made, depth = made.parts[0], depth + 1

    assert (made.kind, depth) == ("json", 4)


@pytest.mark.parametrize("kind", sorted(message_types()))
def test_every_type_has_a_form_of_its_own_fields(kind: str) -> None:
    names = {each.label for each in fields_of(data_schema(kind))}
    schema = json_schema(kind)
    reference = schema["properties"]["data"]["$ref"].rpartition("/")[2]

    assert names == set(schema["$defs"][reference]["properties"])
