"""What a person is shown of a message: everything but the fields marked `Secret`."""

import pytest

from messages.fields import Secret
from messages.masking import MASK, masked, secrets_of
from tests.secret_app import CardData, LeakData, LeakMessage


def a_leak() -> LeakMessage:
    card = CardData(holder="Ada", number="4711")
    return LeakMessage(data=LeakData(how="x", pin="0815", card=card, others=[card]))


def test_a_message_is_shown_without_its_secret_fields() -> None:
    shown = masked(a_leak())

    assert shown["data"] == {
        "how": "x",
        "pin": MASK,
        "card": {"holder": "Ada", "number": MASK},
        "others": [{"holder": "Ada", "number": MASK}],
    }
    assert shown["messageType"] == "LEAK"
    assert secrets_of(a_leak()) == {"0815", "4711"}


def test_an_envelope_need_not_be_valid_and_stays_as_it_was() -> None:
    envelope = {"messageType": "LEAK", "data": {"pin": 5, "card": {"number": [1]}, "more": "x"}}

    shown = masked(envelope)

    assert shown["data"] == {"pin": MASK, "card": {"number": MASK}, "more": "x"}
    assert envelope["data"]["pin"] == 5


@pytest.mark.parametrize("envelope", [None, "text", 5, [1], {"messageType": ["LEAK"]}])
def test_what_is_no_message_is_shown_as_it_is(envelope: object) -> None:
    assert masked(envelope) == envelope


def test_of_an_unknown_type_fields_that_are_named_like_secrets_are_masked() -> None:
    envelope = {"messageType": "FUTURE", "data": {"apiKey": "a", "user": {"password": "b"}, "n": 1}}

    assert masked(envelope)["data"] == {"apiKey": MASK, "user": {"password": MASK}, "n": 1}


def test_the_marker_is_the_public_one() -> None:
    assert Secret in LeakData.model_fields["pin"].metadata


@pytest.mark.parametrize("nothing", ["", "  \n", "*", MASK])
def test_an_empty_secret_is_none_and_neither_is_a_mask(nothing: str) -> None:
    card = CardData(holder="Ada", number=nothing)
    leak = LeakMessage(data=LeakData(how="x", pin="0815", card=card, notes={"a": nothing}))

    assert secrets_of(leak) == {"0815"}
    assert secrets_of(leak.model_dump(by_alias=True)) == {"0815"}
