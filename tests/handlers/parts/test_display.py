from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.parts.display import (
    FieldTemplate,
    Templates,
    fill,
    properties,
    repaired,
    templates_of,
)
from handlers.parts.titles import MAX_TITLE
from workers import PermanentError

NAMES = st.text(min_size=1, max_size=60).filter(lambda name: not set(name) & {"{", "}"})
ABOUT = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "number", "boolean"]),
        "title": st.text(max_size=20),
        "maxLength": st.integers(0, 1000),
    },
)
SCHEMAS = st.fixed_dictionaries(
    {"properties": st.dictionaries(NAMES, st.one_of(ABOUT, st.booleans()), max_size=6)}
)
few = settings(max_examples=100, deadline=None)


@few
@given(st.text(max_size=80), SCHEMAS)
def test_the_body_names_every_property_and_the_title_has_at_most_50_characters(
    name: str, schema: dict[str, Any]
) -> None:
    made = templates_of(name, schema)

    assert set(FieldTemplate(made.body).get_identifiers()) == set(schema["properties"])
    assert set(FieldTemplate(made.title).get_identifiers()) <= set(schema["properties"])
    assert 1 <= len(made.title) <= MAX_TITLE
    assert FieldTemplate(made.body).is_valid()
    assert FieldTemplate(made.title).is_valid()


@few
@given(st.text(max_size=80), st.text(max_size=120), SCHEMAS)
def test_whatever_a_service_writes_becomes_templates_that_keep_the_promises(
    title: str, body: str, schema: dict[str, Any]
) -> None:
    made = repaired(Templates(title, body), "Run", schema)

    assert set(FieldTemplate(made.body).get_identifiers()) == set(schema["properties"])
    assert 1 <= len(made.title) <= MAX_TITLE
    assert FieldTemplate(made.body).is_valid()
    assert FieldTemplate(made.title).is_valid()


@few
@given(SCHEMAS, st.text(max_size=20))
def test_every_value_shows_in_the_filled_body(schema: dict[str, Any], value: str) -> None:
    values = dict.fromkeys(schema["properties"], f"<{value}>")

    text = fill(templates_of("Run", schema).body, values)

    assert text.count(f"<{value}>") >= len(values)


def test_labels_are_made_of_names_unless_the_schema_has_a_title() -> None:
    schema = {
        "properties": {"averageHeartRate": {}, "total-weight": {}, "x_1": {"title": "Cost $"}}
    }

    assert templates_of("Run", schema).body == (
        "# Run\n\n- **Average heart rate:** $averageHeartRate\n"
        "- **Total weight:** ${total-weight}\n- **Cost $$:** $x_1"
    )


@pytest.mark.parametrize(
    ("schema", "title"),
    [
        ({"properties": {"a": {}, "name": {}}}, "Run: $name"),
        ({"properties": {"a": {}, "b": {}}, "required": ["b"]}, "Run: $b"),
        ({"properties": {"a": {}, "b": {}}}, "Run: $a"),
        ({"properties": {"a" * 60: {}}}, "Run"),
        ({}, "Run"),
        ({"properties": [], "required": 3, "allOf": 4}, "Run"),
    ],
)
def test_the_title_shows_the_property_that_says_most(schema: dict[str, Any], title: str) -> None:
    assert templates_of("Run", schema).title == title


def test_properties_are_found_where_the_schema_is_combined_or_refers_to_itself() -> None:
    schema = {
        "$ref": "#/$defs/a~1b",
        "allOf": [{"properties": {"second": {}}}, {"$ref": "#"}, True],
        "$defs": {"a/b": {"properties": {"first": {"type": "string"}}}},
    }

    assert properties(schema) == {"first": {"type": "string"}, "second": {}}


@pytest.mark.parametrize("reference", ["#/nowhere/at/all", "http://elsewhere/schema", "#/$ref"])
def test_a_reference_that_leads_nowhere_adds_nothing(reference: str) -> None:
    assert properties({"$ref": reference, "properties": {"a": {}}}) == {"a": {}}


@pytest.mark.parametrize("name", ["", "a{b", "a}b"])
def test_a_name_that_no_template_can_hold_is_refused(name: str) -> None:
    with pytest.raises(PermanentError, match="no template can hold"):
        properties({"properties": {name: {}}})


def test_values_show_as_people_write_them() -> None:
    values = {"a": True, "b": None, "c": [1, "ö"], "d": 1.5, "e": "x"}

    assert fill("$a $b $c $d $e $f $$", values) == 'yes \u2013 [1, "ö"] 1.5 x \u2013 $'
