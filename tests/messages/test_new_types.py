"""A new message type is one class: its name, its version, its place in the union."""

import json
import subprocess
import sys
from typing import ClassVar, Literal

import pytest

from messages import (
    InvalidMessage,
    Message,
    Payload,
    UnknownMessageType,
    message_class,
    parse_message,
)
from tests.messages.notes import note, on_the_wire, refusal


class InvoiceData(Payload):
    invoice_id: str


class NoDefaultMessage(Message):
    queue: ClassVar[str] = "tests_no_default"
    message_type: Literal["TESTS_NO_DEFAULT"]
    data: InvoiceData


def test_the_literal_alone_is_enough_to_name_a_type() -> None:
    message = NoDefaultMessage(data=InvoiceData(invoice_id="i-1"))

    assert on_the_wire(message)["messageType"] == "TESTS_NO_DEFAULT"
    assert parse_message(message.to_json()) == message


class RenamedData(Payload):
    name: str


class RenamedMessage(Message):
    queue: ClassVar[str] = "tests_renamed"
    version: ClassVar[int] = 2
    message_type: Literal["TESTS_RENAMED"] = "TESTS_RENAMED"
    data: RenamedData


def test_a_class_writes_its_own_version() -> None:
    message = RenamedMessage(data=RenamedData(name="a"))

    assert json.loads(message.to_json())["schemaVersion"] == 2
    assert parse_message(message.to_json()) == message


def test_an_older_version_is_refused_while_nothing_lifts_it() -> None:
    error = refusal({"messageType": "TESTS_RENAMED", "schemaVersion": 1, "data": {"name": "a"}})

    assert error.code == "no_upcaster"
    assert error.field == "schemaVersion"
    assert not isinstance(error, UnknownMessageType)


def test_a_new_subclass_is_in_the_union_at_once() -> None:
    whole = {"messageType": "TESTS_BORN_LATE", "data": {"name": "a"}}
    assert isinstance(refusal(whole), UnknownMessageType)

    class BornLateMessage(Message):
        queue: ClassVar[str] = "tests_born_late"
        message_type: Literal["TESTS_BORN_LATE"] = "TESTS_BORN_LATE"
        data: RenamedData

    assert isinstance(parse_message(whole), BornLateMessage)
    assert message_class("TESTS_BORN_LATE") is BornLateMessage


def test_another_schema_version_than_its_own_cannot_be_sent() -> None:
    with pytest.raises(InvalidMessage) as refused:
        note(schema_version=5).to_json()
    assert refused.value.field == "schemaVersion"


def in_a_fresh_process(code: str) -> list[str]:
    """Run code that would spoil the message types of this process; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


SECOND_EMAIL = """
from typing import Literal
from messages import DuplicateMessageType, EmailData, EmailMessage, Message, message_class
from messages import parse_message
try:
    class Mail(Message):
        message_type: Literal["EMAIL"] = "EMAIL"
        data: EmailData
except DuplicateMessageType as error:
    print(error.code, error)
sent = EmailMessage.of("ada@example.com", "Hi", "welcome").to_json()
print(type(parse_message(sent)).__module__, message_class("EMAIL").__module__)
"""


def test_two_classes_of_one_name_are_refused_and_the_first_goes_on() -> None:
    complaint, after = in_a_fresh_process(SECOND_EMAIL)

    assert complaint.startswith(
        "duplicate_message_type __main__.Mail and messages.email.EmailMessage"
    )
    assert "'EMAIL'" in complaint
    assert after == "messages.email messages.email"


SECOND_BUILD = """
from typing import ClassVar, Literal
from messages import BuildData, DuplicateMessageType, Message, message_types
try:
    class Deploy(Message):
        message_type: Literal["DEPLOY"] = "DEPLOY"
        data: BuildData
except DuplicateMessageType as error:
    print(error)
print("DEPLOY" in message_types())
"""


def test_two_classes_that_entries_of_streams_call_the_same_are_refused() -> None:
    complaint, known = in_a_fresh_process(SECOND_BUILD)

    assert complaint == (
        "__main__.Deploy and messages.build.BuildMessage both declare the job type 'deploy'. "
        "Give one of them another name."
    )
    assert known == "False"


RELOADED = """
import importlib
import messages.note_enrichment
from messages import parse_message
importlib.reload(messages.note_enrichment)
made = messages.note_enrichment.NoteEnrichmentMessage.of("note-1")
print(parse_message(made.to_json()) == made)
"""


def test_a_module_that_is_loaded_again_replaces_its_message_type() -> None:
    assert in_a_fresh_process(RELOADED) == ["True"]
