"""What every shipped handler keeps to, whatever happens to its message."""

import pytest

from tests.handlers.cases import CASES, EACH, Case
from tests.handlers.conftest import Setting
from tests.messages.oracle import TYPES
from workers import enqueue
from workers.registry import handlers
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]

# Apprise loads all its plugins at once, and one of them imports a module that Python 3.13 drops.
pytestmark = [
    pytest.mark.usefixtures("sample"),
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
]


def test_every_shipped_handler_has_a_case(postroom: Postroom) -> None:
    messages = [case.make(postroom) for case in CASES.values()]

    assert {message.message_type for message in messages} == set(TYPES)
    assert {type(message) for message in messages} <= {it.message for it in handlers()}


@EACH
def test_a_message_has_its_effect_and_its_result(case: Case, postroom: Postroom) -> None:
    message = case.make(postroom)

    result = postroom.run(message)

    assert isinstance(result, dict)
    assert case.effects() == case.expected


@pytest.mark.usefixtures("any_database", "sample")
@EACH
def test_a_message_that_is_delivered_twice_has_one_effect_and_one_result(
    case: Case, postroom: Postroom
) -> None:
    message = case.make(postroom)
    postroom.duplicate_next(type(message))

    enqueue(message)
    first, second = postroom.drain()

    assert (first.outcome, first.result) == (second.outcome, second.result)
    assert first.outcome == "completed"
    assert case.effects() == case.expected


@EACH
def test_a_message_whose_process_dies_between_effect_and_return_has_one_effect(
    case: Case, postroom: Postroom
) -> None:
    message = case.make(postroom)
    postroom.crash_next(type(message))

    enqueue(message)
    crashed = postroom.drain()
    effects_of_the_crashed_run = case.effects()
    postroom.advance("1s")

    assert [run.outcome for run in crashed] == ["crashed"]
    assert postroom.assert_completed(message)
    assert effects_of_the_crashed_run == case.effects() == case.expected


@EACH
def test_a_message_that_lacks_something_waits_and_has_its_effect_when_it_is_back(
    case: Case, postroom: Postroom, setting: Setting
) -> None:
    message = case.make(postroom)

    with case.outage(postroom, setting):
        enqueue(message)
        postroom.drain()
    postroom.assert_retried(message, times=1, delay="2s", match=case.away)
    assert postroom.advance("1s") == []
    postroom.advance("1s")

    assert postroom.assert_completed(message)
    assert case.effects() == case.expected


@EACH
def test_a_message_that_can_never_succeed_is_buried_at_once_with_the_reason(
    case: Case, postroom: Postroom, setting: Setting
) -> None:
    message = case.doomed(postroom, setting)

    enqueue(message)
    [run] = postroom.drain()

    letter = postroom.assert_buried(message, reason="permanent", match=case.error)
    assert letter.message_type == message.message_type
    assert (run.outcome, run.attempt) == ("buried", 1)
