from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from redis import Redis
from sqlalchemy.orm import Session

from handlers.parts.database import close_database, snapshot, transaction
from handlers.parts.settings import handler_settings
from handlers.parts.tables import Activity, Applied, Exercise, Note, ProcessingStatus, User
from messages import (
    ActivitySchemaMessage,
    DataSyncMessage,
    EmailMessage,
    Message,
    NoteEnrichmentMessage,
    WorkoutUpdateMessage,
)
from postroom.demo import traffic
from postroom.demo.effects import Finding, Mails, Places
from postroom.demo.traffic import one_round
from postroom.demo.world import RUN, World, new_world
from workers import Settings, enqueue

CHANCE = Random(1)
SHIPPED = {
    *("TEST", "WORKOUT_UPDATE", "USER_ACTION", "NOTIFICATION", "EMAIL", "DATA_SYNC"),
    *("NOTE_ENRICHMENT", "ACTIVITY_SCHEMA", "MESSAGE_SCAN", "THUMBNAIL_RETRY", "BUILD"),
}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/demo.sqlite3")
    monkeypatch.setenv("IMAGE_DIR", str(tmp_path / "images"))
    handler_settings.cache_clear()
    yield new_world(tmp_path / "backups")
    close_database()
    handler_settings.cache_clear()


Look = Callable[[Message], Finding]


@pytest.fixture
def look(redis: Redis, tmp_path: Path) -> Look:
    (tmp_path / "mails" / "new").mkdir(parents=True)
    mails = Mails(tmp_path / "mails")

    def finding(message: Message) -> Finding:
        with snapshot() as session:
            return Places(session, redis, mails).look(message)

    return finding


def _apply(session: Session, message: Message, pid: int = 4711) -> None:
    session.add(
        Applied(
            message_id=message.message_id,
            step="",
            message_type=message.message_type,
            result={},
            worker_host="here",
            worker_pid=pid,
            applied_at=datetime.now(UTC),
        )
    )


def test_a_round_has_every_type_and_every_way_to_end(world: World) -> None:
    expected = list(one_round(world))

    assert {one.message.message_type for one in expected} == SHIPPED
    assert {one.ends for one in expected} == {"done", "dead"}
    assert {one.retried_for for one in expected} == {None, "451", "429"}
    assert all(one.message.metadata == {RUN: world.run} for one in expected)


def test_rounds_of_two_runs_share_no_row(world: World) -> None:
    other = new_world(world.backups)

    ids = [{one.message.message_id for one in one_round(each)} for each in (world, other)]
    assert not ids[0] & ids[1]
    assert world.run != other.run
    assert world.exercise_id(0) != other.exercise_id(0)


def test_a_message_that_was_only_sent_has_no_effect(world: World, redis: Redis, look: Look) -> None:
    sent = [expected.message for expected in one_round(world)]
    for message in sent:
        enqueue(message, connection=redis, settings=Settings())

    assert [look(message) for message in sent] == [Finding()] * len(sent)


def test_a_change_is_an_effect_only_with_its_values_and_by_its_message(
    world: World, look: Look
) -> None:
    message = traffic.workout_update(world, CHANCE).message
    assert isinstance(message, WorkoutUpdateMessage)
    changes = message.data.changes
    with transaction() as session:
        _apply(session, message)
        row = session.get_one(Exercise, message.data.exercise_id)
        row.sets, row.reps, row.weight = changes.sets, changes.reps, changes.weight
        row.changed_by = "another message"
    assert look(message).state == "waiting"

    with transaction() as session:
        row = session.get_one(Exercise, message.data.exercise_id)
        row.changed_by, row.reps = message.message_id, 99
    assert look(message).state == "waiting"

    with transaction() as session:
        session.get_one(Exercise, message.data.exercise_id).reps = changes.reps
    assert (look(message).state, look(message).pid) == ("done", 4711)


def test_an_effect_is_reported_once_the_ledger_says_which_message_made_it(
    world: World, look: Look
) -> None:
    message = traffic.note(world, CHANCE).message
    assert isinstance(message, NoteEnrichmentMessage)
    with transaction() as session:
        row = session.get_one(Note, message.data.note_id)
        row.status, row.title, row.markdown = ProcessingStatus.COMPLETED, "Leg day", "Leg day"
    assert look(message) == Finding()

    with transaction() as session:
        _apply(session, message, pid=12)

    assert look(message) == Finding("done", f"{message.data.note_id} has the title 'Leg day'", 12)


def test_an_activity_without_a_body_is_not_done(world: World, look: Look) -> None:
    message = traffic.activity(world, CHANCE).message
    assert isinstance(message, ActivitySchemaMessage)
    with transaction() as session:
        _apply(session, message)
        row = session.get_one(Activity, message.data.activity_id)
        row.status, row.title_template = ProcessingStatus.COMPLETED, "Run"
    assert look(message).state == "waiting"

    with transaction() as session:
        session.get_one(Activity, message.data.activity_id).body_template = "$distance"

    assert look(message).state == "done"


@dataclass(frozen=True)
class Backup:
    """A backup written by hand, in the handler's format."""

    message: DataSyncMessage

    def write(self, content: bytes, sha256: str) -> None:
        folder = Path(self.message.data.destination or "") / "2026-01-15"
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"user-20260115T120000000000Z-{self.message.message_id}"
        (folder / f"{stem}.jsonl").write_bytes(content)
        (folder / f"{stem}.manifest.json").write_text(f'{{"sha256": "{sha256}"}}')


def test_a_backup_counts_only_if_its_checksum_is_right(world: World, look: Look) -> None:
    message = traffic.backup(world, CHANCE).message
    assert isinstance(message, DataSyncMessage)
    with transaction() as session:
        _apply(session, message)
    right = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
    Backup(message).write(b"hellO\n", right)
    assert look(message).state == "waiting"

    Backup(message).write(b"hello\n", right)

    assert look(message).effect.startswith("1 rows in ")


def test_an_import_is_done_when_the_lost_row_is_back(world: World, look: Look) -> None:
    backup = traffic.backup(world, CHANCE)
    assert backup.then is not None
    message = backup.then().message
    with transaction() as session:
        _apply(session, message)
    assert look(message).state == "waiting"

    assert isinstance(message, DataSyncMessage)
    with transaction() as session:
        session.add(User(id=message.data.entity_ids[0], name="Edsger", email="e@example.com"))

    assert look(message).effect == f"{message.data.entity_ids[0]} (Edsger) is back"


def test_a_mail_to_somebody_else_is_no_effect(world: World, look: Look, tmp_path: Path) -> None:
    message = traffic.email(world, CHANCE).message
    assert isinstance(message, EmailMessage)
    with transaction() as session:
        _apply(session, message)
    head = f"Message-ID: <{message.message_id}@x>\nSubject: Hi\nTo: "
    (tmp_path / "mails" / "new" / "1").write_text(f"{head}eve@example.com\n\nhello")
    assert look(message).state == "waiting"

    (tmp_path / "mails" / "new" / "2").write_text(f"{head}{message.data.to}\n\nhello")

    assert look(message).effect == f"mail to {message.data.to}: 'Hi'"
