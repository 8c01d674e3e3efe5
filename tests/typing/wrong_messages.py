"""Messages that mypy must refuse to build, read or change."""

from typing import ClassVar, Literal

from messages import (
    DataSyncData,
    DataSyncMessage,
    EmailData,
    EmailMessage,
    Message,
    NoteEnrichmentData,
    NoteEnrichmentMessage,
    NotificationData,
    NotificationMessage,
    Payload,
    TestData,
    UserActionMessage,
    WorkoutChanges,
    WorkoutUpdateMessage,
    examples_of,
    parse_message,
)

EmailData(to="a@b.de", subject="Hi", templat="t")  # E: Unexpected keyword argument "templat"
EmailData(to="a@b.de", subject="Hi")  # E: Missing named argument "template"
EmailData(to=5, subject="Hi", template="t")  # E: "EmailData" has incompatible type "int"
EmailData("a@b.de", "Hi", "t")  # E: Too many positional arguments for "EmailData"
EmailData(to=None, subject="Hi", template="t")  # E: incompatible type "None"; expected "str"
EmailMessage(data=NoteEnrichmentData(note_id="n"))  # E: expected "EmailData"
EmailMessage()  # E: Missing named argument "data"
EmailMessage(data={"to": "a@b.de"})  # E: incompatible type "dict[str, str]"
NoteEnrichmentMessage(data=NoteEnrichmentData(note_id="n"), user=5)  # E: Unexpected keyword
NoteEnrichmentMessage(data=NoteEnrichmentData(note_id="n"), user_id=5)  # E: expected "str | None"
NoteEnrichmentMessage(data=NoteEnrichmentData(note_id="n"), message_type="EMAIL")  # E: Literal
NotificationData(recipient_id="u", title="t", message="m", type="loud")  # E: incompatible type
DataSyncData(sync_type="restore", entity_type="n", entity_ids=("a",))  # E: incompatible type
DataSyncData(sync_type="backup", entity_type="n", entity_ids="a")  # E: expected "tuple[str, ...]"
WorkoutChanges(sets="four")  # E: incompatible type "str"; expected "int | None"
TestData(test_type="echo", payload={"field": "a"})  # E: expected "TestPayload"

EmailMessage.of("a@b.de", "Hi")  # E: Missing positional argument "template"
EmailMessage.of("a@b.de", "Hi", "t", ["Ada"])  # E: Argument 4 to "of" of "EmailMessage"
DataSyncMessage.of("restore", "note", ["a"])  # E: Argument 1 to "of" of "DataSyncMessage"
NotificationMessage.of("u", "t", "m", "loud")  # E: Argument 4 to "of" of "NotificationMessage"
WorkoutUpdateMessage.of("p", "f", "s", "e", {"sets": 4})  # E: expected "WorkoutChanges"
UserActionMessage.of("a", "t", "i", {}, "ada")  # E: Too many positional arguments for "of"

note = NoteEnrichmentMessage.of("note-1")
note.user_id = "ada"  # E: Property "user_id" defined in "NoteEnrichmentMessage" is read-only
note.data.note_id = "note-2"  # E: Property "note_id" defined in "NoteEnrichmentData" is read-only
note.data.noteId  # E: "NoteEnrichmentData" has no attribute "noteId"  # noqa: B018
note.caused_by("note-0")  # E: expected "Message"
parse_message(5)  # E: Argument 1 to "parse_message" has incompatible type "int"
parse_message(b"{}").data.note_id  # E: "Payload" has no attribute "note_id"  # noqa: B018
examples_of(EmailMessage)  # E: Argument 1 to "examples_of" has incompatible type


class InvoiceData(Payload):
    invoice_id: str


class InvoiceMessage(Message):
    queue: ClassVar[int] = 5  # E: Incompatible types in assignment
    message_type: Literal["INVOICE"] = "BILL"  # E: Incompatible types in assignment
    data: InvoiceData


class NoPayloadMessage(Message):
    message_type: Literal["NO_PAYLOAD"] = "NO_PAYLOAD"
    data: dict[str, str]  # E: Incompatible types in assignment
