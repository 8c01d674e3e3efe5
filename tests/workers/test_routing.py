from collections import Counter
from itertools import islice

import pytest

from messages import NoteEnrichmentMessage
from workers import InvalidOption, Priority
from workers.engine.fairness import rotation, starting_with
from workers.routing import list_name, priority_in, priority_of, queue_for, queue_of

NOTE = NoteEnrichmentMessage.of("note-1")
OF_TENANT = NOTE.model_copy(update={"metadata": {"tenant": "acme"}})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "normal"),
        ("high", "high"),
        ("low", "low"),
        (1, "high"),
        (3, "high"),
        (4, "normal"),
        (7, "normal"),
        (8, "low"),
        (10, "low"),
    ],
)
def test_priorities_have_names_and_numbers_and_one_is_most_urgent(value, expected):
    assert priority_of(value) == expected


@pytest.mark.parametrize("value", [0, 11, -1, "urgent", 1.5, True])
def test_other_priorities_are_refused(value):
    with pytest.raises(InvalidOption) as refused:
        priority_of(value)

    assert refused.value.field == "priority"


@pytest.mark.parametrize("priority", list(Priority))
def test_the_name_of_a_list_leads_back_to_its_queue_and_priority(priority):
    name = list_name("note_enrichment", priority)

    assert (queue_of(name), priority_in(name)) == ("note_enrichment", priority)


@pytest.mark.parametrize(
    ("routes", "message", "expected"),
    [
        ({}, NOTE, "note_enrichment"),
        ({"NOTE_ENRICHMENT": "notes"}, NOTE, "notes"),
        ({"NOTE_ENRICHMENT": "note_{tenant}"}, OF_TENANT, "note_acme"),
        ({"NOTE_ENRICHMENT": "notes", "NOTE_ENRICHMENT:acme": "vip"}, OF_TENANT, "vip"),
        ({"NOTE_ENRICHMENT": "notes", "NOTE_ENRICHMENT:acme": "vip"}, NOTE, "notes"),
    ],
)
def test_rules_route_types_and_tenants_to_queues(routes, message, expected):
    assert queue_for(message, routes) == expected


def test_the_queue_that_the_caller_names_wins():
    assert queue_for(NOTE, {"NOTE_ENRICHMENT": "notes"}, asked="mine") == "mine"


def test_a_tenant_route_refuses_a_message_without_a_tenant():
    with pytest.raises(InvalidOption) as refused:
        queue_for(NOTE, {"NOTE_ENRICHMENT": "note_{tenant}"})

    assert refused.value.field == "metadata.tenant"


@pytest.mark.parametrize("name", ["a:high", "a b", "", "*", "x" * 101, "a\n"])
def test_a_queue_name_cannot_reach_other_keys(name):
    message = NOTE.model_copy(update={"metadata": {"tenant": name}})
    with pytest.raises(InvalidOption):
        queue_for(message, {"NOTE_ENRICHMENT": "{tenant}"})


def test_low_goes_first_in_at_least_eight_percent_of_any_thousand_turns():
    turns = list(islice(rotation((6, 3, 1)), 3_000))

    for start in range(2_000):
        counts = Counter(turns[start : start + 1_000])
        assert counts[Priority.LOW] >= 80
        assert counts[Priority.HIGH] >= 590


def test_urgent_jobs_go_before_less_urgent_ones_behind_the_first():
    assert starting_with(Priority.LOW) == ("low", "high", "normal")
