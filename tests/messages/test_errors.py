"""Errors have four parts, for people and for programs."""

import pickle

from messages import DuplicateMessageType, InvalidMessage, PostroomError, UnknownMessageType


def test_an_error_has_a_code_a_field_a_sentence_and_a_remedy() -> None:
    error = InvalidMessage("The address is empty.", field="data.to", remedy="Fill it in.")

    assert error.as_dict() == {
        "code": "invalid_payload",
        "field": "data.to",
        "message": "The address is empty.",
        "remedy": "Fill it in.",
    }
    assert str(error) == "The address is empty. Fill it in."


def test_an_error_without_a_remedy_uses_that_of_its_class() -> None:
    assert "MESSAGE_PACKAGES" in UnknownMessageType("There is no type X.").remedy


def test_an_error_may_bear_a_code_of_its_own() -> None:
    error = InvalidMessage("Too large.", code="too_large")

    assert error.as_dict()["code"] == "too_large"
    assert InvalidMessage.code == "invalid_payload"


def test_errors_are_also_what_python_calls_them() -> None:
    assert issubclass(InvalidMessage, ValueError)
    assert issubclass(UnknownMessageType, InvalidMessage)
    assert issubclass(DuplicateMessageType, TypeError)
    assert issubclass(InvalidMessage, PostroomError)


def test_an_error_survives_the_way_between_processes() -> None:
    error = InvalidMessage("Too large.", field="data", remedy="Shorten it.", code="too_large")

    assert pickle.loads(pickle.dumps(error)).as_dict() == error.as_dict()
