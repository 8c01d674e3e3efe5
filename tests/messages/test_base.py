"""The envelope: its names on the wire, its ids and times, and what a constructor refuses."""

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError
from typing_extensions import override

from messages import (
    DataSyncData,
    EmailData,
    EmailMessage,
    InvalidMessage,
    Message,
    NoteEnrichmentData,
    NoteEnrichmentMessage,
    Payload,
    TestPayload,
    WorkoutChanges,
    parse_message,
)
from tests.messages.notes import note, on_the_wire

MAIL = {"to": "ada@example.com", "subject": "Hi", "template": "welcome"}
SYNC = {"sync_type": "backup", "entity_type": "note"}


def test_the_wire_uses_camel_case() -> None:
    message = EmailMessage(
        message_id="m-1",
        timestamp=datetime(2026, 1, 15, 12, tzinfo=UTC),
        user_id="user-1",
        metadata={"any_key": "kept"},
        correlation_id="m-0",
        causation_id="m-0",
        traceparent="00-1-2-01",
        data=EmailData(to="ada@example.com", subject="Hi", template="t", template_data={"a_b": 1}),
    )

    assert on_the_wire(message) == {
        "messageId": "m-1",
        "messageType": "EMAIL",
        "timestamp": "2026-01-15T12:00:00Z",
        "schemaVersion": 1,
        "userId": "user-1",
        "metadata": {"any_key": "kept"},
        "correlationId": "m-0",
        "causationId": "m-0",
        "traceparent": "00-1-2-01",
        "data": {
            "to": "ada@example.com",
            "subject": "Hi",
            "template": "t",
            "templateData": {"a_b": 1},
        },
    }


def test_optional_fields_that_are_none_stay_off_the_wire() -> None:
    expected = {"messageId", "messageType", "timestamp", "schemaVersion", "data"}

    assert on_the_wire(note()).keys() == expected


def test_none_inside_open_data_stays_on_the_wire() -> None:
    message = note(metadata={"a": None, "b": [None]})

    assert on_the_wire(message)["metadata"] == {"a": None, "b": [None]}


def test_text_travels_as_utf_8() -> None:
    assert "é 🎉".encode() in note(user_id="é 🎉").to_json()


def test_the_timestamp_is_now_unless_it_is_given() -> None:
    before = datetime.now(UTC)
    stamped = note().timestamp

    assert before <= stamped <= datetime.now(UTC)


def test_a_timestamp_of_another_zone_is_written_in_utc() -> None:
    two_hours_ahead = datetime(2026, 1, 15, 12, tzinfo=timezone(timedelta(hours=2)))

    assert on_the_wire(note(timestamp=two_hours_ahead))["timestamp"] == "2026-01-15T10:00:00Z"


def test_a_zone_with_odd_seconds_loses_nothing() -> None:
    long_ago = datetime(1890, 1, 1, tzinfo=ZoneInfo("Europe/Paris"))  # 9 minutes and 21 seconds
    message = note(timestamp=long_ago)

    assert parse_message(message.to_json()) == message


def test_a_timestamp_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidMessage) as refused:
        note(timestamp=datetime(2026, 1, 15, 12))  # noqa: DTZ001 - the point

    assert refused.value.field == "timestamp"


def test_ids_are_uuids_of_version_7_and_carry_the_time() -> None:
    before = time.time_ns() // 1_000_000
    made = UUID(note().message_id)

    assert made.version == 7
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_ids_sort_by_the_order_in_which_they_were_made() -> None:
    ids = [note().message_id for _ in range(5_000)]

    assert ids == sorted(set(ids))


@pytest.mark.parametrize("message_id", ["", "a b", "a:b", "a/b", "a\n", "é", "*", "x" * 129])
def test_an_id_that_rq_would_refuse_later_is_refused_at_once(message_id: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        note(message_id=message_id)

    assert refused.value.field == "messageId"


def test_a_message_cannot_be_changed() -> None:
    message = note()

    with pytest.raises(ValidationError, match="frozen"):
        message.user_id = "someone"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        message.data.note_id = "another"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: NoteEnrichmentData(note_id=5), "data.noteId"),
        (NoteEnrichmentData, "data.noteId"),
        (lambda: NoteEnrichmentData(note_id="n", priority=1), "data.priority"),
        (NoteEnrichmentMessage, "data"),
        (lambda: NoteEnrichmentMessage(data={"note_id": ""}), "data.noteId"),
        (lambda: note(user_id=5), "userId"),
        (lambda: note(message_type="EMAIL"), "messageType"),
        (lambda: note(metadata=[1]), "metadata"),
        (lambda: note(metadata={"a": {"b": [0, object()]}}), "metadata.a.b.1"),
        (lambda: note(metadata={"str": {"int": object()}}), "metadata.str.int"),
        (lambda: note(priority="high"), "priority"),
        (lambda: EmailMessage(data=NoteEnrichmentData(note_id="n")), "data"),
        (lambda: EmailData(**MAIL, template_data=1), "data.templateData"),
        (lambda: DataSyncData(**SYNC, entity_ids=["a", 1]), "data.entityIds.1"),
        (lambda: WorkoutChanges(sets=-1), "data.changes.sets"),
        (lambda: WorkoutChanges(tempo=[1]), "data.changes.tempo"),
        (lambda: TestPayload(old_value=[1]), "data.payload.oldValue"),
    ],
)  # fmt: skip
def test_a_constructor_raises_one_error_that_names_the_wire_path(make: Any, field: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        make()

    assert refused.value.field == field
    assert refused.value.code == "invalid_payload"
    assert f" {field}: " in refused.value.message


def test_the_error_says_how_many_other_fields_are_wrong() -> None:
    with pytest.raises(InvalidMessage, match=r"data\.to: .* \(2 more\)\."):
        EmailData(to="nobody", subject="two\nlines", template="No Name")


@pytest.mark.parametrize("name", ["cls", "self", "data", "model_fields", "x y", "ü"])
def test_a_further_scalar_may_have_any_name(name: str) -> None:
    changes = WorkoutChanges(**{name: 1})

    assert changes.model_dump(exclude_none=True) == {name: 1}


def test_values_are_not_converted() -> None:
    with pytest.raises(InvalidMessage):
        WorkoutChanges(sets="4")  # type: ignore[arg-type]
    with pytest.raises(InvalidMessage):
        WorkoutChanges(sets=True)


def test_the_tenant_comes_from_the_metadata() -> None:
    assert note(metadata={"tenant": "acme"}).tenant == "acme"
    assert note(metadata={"tenant": 7}).tenant is None
    assert note().tenant is None


class GuildScan(Payload):
    guild_id: str


class GuildScanMessage(Message):
    queue: ClassVar[str] = "tests_guilds"
    message_type: Literal["TESTS_GUILD_SCAN"] = "TESTS_GUILD_SCAN"
    data: GuildScan

    @property
    @override
    def tenant(self) -> str | None:
        return self.data.guild_id


def test_a_message_class_may_know_its_tenant_better() -> None:
    assert GuildScanMessage(data=GuildScan(guild_id="g-1")).tenant == "g-1"


def test_a_chain_of_messages_shares_the_correlation_of_the_first() -> None:
    first = note(traceparent="00-1-2-01")
    second = note().caused_by(first)
    third = note().caused_by(second)

    assert (second.causation_id, second.correlation_id) == (first.message_id, first.message_id)
    assert (third.causation_id, third.correlation_id) == (second.message_id, first.message_id)
    assert third.traceparent == "00-1-2-01"


def test_caused_by_keeps_what_the_caller_said() -> None:
    own = note(correlation_id="mine", causation_id="this", traceparent="00-9-9-01")

    assert own.caused_by(note(correlation_id="theirs", traceparent="00-1-1-01")) == own


def test_caused_by_leaves_the_original_alone() -> None:
    original = note()

    assert original.caused_by(note()).message_id == original.message_id
    assert original.causation_id is None
