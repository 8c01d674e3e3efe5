"""The examples of each type: used by the demo, the docs and other tests, so they must be right."""

import pytest

from messages import UnknownMessageType, examples_of
from tests.messages.oracle import TYPES, judge


@pytest.mark.parametrize("kind", TYPES)
def test_each_type_has_valid_examples(kind: str) -> None:
    examples = examples_of(kind)

    assert examples
    assert all(judge(message.to_json()).is_valid for message in examples)
    assert {message.message_type for message in examples} == {kind}


def test_examples_are_new_messages_each_time() -> None:
    assert examples_of("TEST")[0].message_id != examples_of("TEST")[0].message_id


def test_an_unknown_type_has_no_examples() -> None:
    with pytest.raises(UnknownMessageType):
        examples_of("NOPE")
