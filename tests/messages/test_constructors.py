"""`.of(...)`: each shipped type from its parts, in the argument order of its sender."""

from collections.abc import Callable

import pytest

from messages import (
    ActivitySchemaMessage,
    BuildMessage,
    DataSyncMessage,
    EmailMessage,
    InvalidMessage,
    Message,
    MessageScanMessage,
    NoteEnrichmentMessage,
    NotificationMessage,
    ThumbnailRetryMessage,
    UserActionMessage,
    WorkoutChanges,
    WorkoutUpdateMessage,
)


@pytest.mark.parametrize(
    ("message", "data"),
    [
        (
            WorkoutUpdateMessage.of("plan", "phase", "session", "exercise", WorkoutChanges(sets=4)),
            {
                "exercisePlanId": "plan",
                "phaseId": "phase",
                "sessionId": "session",
                "exerciseId": "exercise",
                "changes": {"sets": 4},
            },
        ),
        (
            UserActionMessage.of("opened", "note", "note-1", {"from": "mail"}),
            {
                "action": "opened",
                "entityType": "note",
                "entityId": "note-1",
                "payload": {"from": "mail"},
            },
        ),
        (
            UserActionMessage.of("opened", "note", "note-1"),
            {"action": "opened", "entityType": "note", "entityId": "note-1", "payload": {}},
        ),
        (
            NotificationMessage.of("user-1", "Title", "Text", "warning", "/here"),
            {
                "recipientId": "user-1",
                "title": "Title",
                "message": "Text",
                "type": "warning",
                "actionUrl": "/here",
            },
        ),
        (
            NotificationMessage.of("user-1", "Title", "Text"),
            {"recipientId": "user-1", "title": "Title", "message": "Text", "type": "info"},
        ),
        (
            EmailMessage.of("ada@example.com", "Hi", "welcome", {"name": "Ada"}),
            {
                "to": "ada@example.com",
                "subject": "Hi",
                "template": "welcome",
                "templateData": {"name": "Ada"},
            },
        ),
        (
            DataSyncMessage.of("export", "note", ["a", "b"], "memory://notes.json"),
            {
                "syncType": "export",
                "entityType": "note",
                "entityIds": ["a", "b"],
                "destination": "memory://notes.json",
            },
        ),
        (NoteEnrichmentMessage.of("note-1"), {"noteId": "note-1"}),
        (ActivitySchemaMessage.of("activity-1"), {"activityId": "activity-1"}),
        (
            MessageScanMessage.of("123", "456", ["9001", "9002"]),
            {"guildId": "123", "channelId": "456", "messageIds": ["9001", "9002"]},
        ),
        (
            ThumbnailRetryMessage.of("123", "456"),
            {"guildId": "123", "channelId": "456", "messageIds": []},
        ),
        (
            BuildMessage.of("acme/shop", ["make"], branch="next"),
            {
                "jobType": "build",
                "repository": "acme/shop",
                "branch": "next",
                "commit": "",
                "config": {"build_steps": ["make"], "cache_enabled": False, "timeout_minutes": 30},
                "priority": "normal",
            },
        ),
    ],
)
def test_the_parts_arrive_in_their_fields(message: Message, data: object) -> None:
    assert message.data.model_dump(mode="json", exclude_none=True) == data


def test_the_user_is_part_of_the_envelope() -> None:
    changed = WorkoutUpdateMessage.of("p", "f", "s", "e", WorkoutChanges(), user_id="ada")

    assert changed.user_id == "ada"
    assert UserActionMessage.of("opened", "note", "n", user_id="ada").user_id == "ada"


def test_ids_may_be_any_sequence() -> None:
    assert DataSyncMessage.of("backup", "note", ("a",)).data.entity_ids == ("a",)
    assert DataSyncMessage.of("backup", "note", []).data.entity_ids == ()


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: DataSyncMessage.of("backup", "note", "note-1"), "entityIds"),
        (lambda: MessageScanMessage.of("123", "456", "9001"), "messageIds"),
        (lambda: ThumbnailRetryMessage.of("123", "456", "9001"), "messageIds"),
        (lambda: BuildMessage.of("acme/shop", "make"), "build_steps"),
    ],
)
def test_one_id_in_place_of_a_sequence_is_not_taken_apart(
    make: Callable[[], Message], field: str
) -> None:
    with pytest.raises(InvalidMessage) as refused:
        make()
    assert refused.value.field == f"data.{field}"


def test_a_wrong_part_is_refused_by_its_wire_name() -> None:
    with pytest.raises(InvalidMessage) as refused:
        EmailMessage.of("nobody", "Hi", "welcome")
    assert refused.value.field == "data.to"


@pytest.mark.parametrize(
    "address", ["ada@example.com", "a@localhost", "first.last+tag@sub.example.org", "ü@ä.de"]
)
def test_mail_addresses_that_exist_are_accepted(address: str) -> None:
    assert EmailMessage.of(address, "Hi", "welcome").data.to == address


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "@example.com",
        "ada@",
        "ada@example.com, eve@example.com",
        "ada@example.com\nBcc: eve@example.com",
        "ada@example.com\n",
        "Ada <ada@example.com>",
        "a@b@c",
        "ada @example.com",
        f"{'a' * 250}@b.de",
    ],
)
def test_what_could_smuggle_a_second_recipient_is_refused(address: str) -> None:
    with pytest.raises(InvalidMessage):
        EmailMessage.of(address, "Hi", "welcome")


@pytest.mark.parametrize("subject", ["", "two\nlines", "two\r\nlines", "ends\n", "x" * 301])
def test_a_subject_is_one_line(subject: str) -> None:
    with pytest.raises(InvalidMessage):
        EmailMessage.of("ada@example.com", subject, "welcome")


@pytest.mark.parametrize("template", ["", "../secret", "a/b", "A", "a.html", "a\n"])
def test_a_template_is_a_name_and_not_a_path(template: str) -> None:
    with pytest.raises(InvalidMessage):
        EmailMessage.of("ada@example.com", "Hi", template)
