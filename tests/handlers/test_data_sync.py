import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from handlers.parts.database import snapshot, transaction
from handlers.parts.settings import handler_settings
from handlers.parts.tables import Activity, Base, Exercise, Note, Plan, TrainingSession, User
from messages import DataSyncMessage, NoteEnrichmentMessage, WorkoutChanges, WorkoutUpdateMessage
from workers import Progress, enqueue
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]

pytestmark = pytest.mark.usefixtures("sample")

BOTH = pytest.mark.usefixtures("any_database", "sample")


def _backups() -> Path:
    return Path(handler_settings().backup_url)


def _rows(model: type[Base]) -> list[dict[str, Any]]:
    with snapshot() as session:
        rows = session.scalars(select(model)).all()
        columns = [column.key for column in model.__mapper__.column_attrs]
        found = [{name: getattr(row, name) for name in columns} for row in rows]
    return sorted(found, key=lambda row: str(row["id"]))


@BOTH
def test_a_backup_lies_in_the_folder_of_its_day_with_a_manifest_that_fits(
    postroom: Postroom,
) -> None:
    message = DataSyncMessage.of("backup", "note", ["note-2", "note-1"])

    result = postroom.run(message)

    [file] = _backups().glob(f"{message.timestamp:%Y-%m-%d}/note-*-{message.message_id}.jsonl")
    manifest = json.loads(file.with_suffix("").with_suffix(".manifest.json").read_text())
    content = file.read_bytes()
    assert [json.loads(line)["id"] for line in content.splitlines()] == ["note-1", "note-2"]
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert (manifest["rows"], manifest["size"]) == (2, len(content))
    assert (manifest["entity_type"], manifest["message_id"]) == ("note", message.message_id)
    assert result == {"file": file.as_uri(), "rows": 2, "sha256": manifest["sha256"]}


@BOTH
@pytest.mark.parametrize("kind", ["note", "activity", "user", "exercise_plan"])
def test_an_import_restores_what_was_exported_over_rows_that_changed_went_or_came(
    postroom: Postroom, kind: str, tmp_path: Path
) -> None:
    postroom.run(NoteEnrichmentMessage.of("note-1"))
    place = ("plan-456", "phase-789", "session-101", "exercise-202")
    changes = WorkoutChanges.model_validate({"weight": 0.1, "tempo": "3-1-1"})
    postroom.run(WorkoutUpdateMessage.of(*place, changes))
    models: list[type[Base]] = [Note, Activity, User, Plan, TrainingSession, Exercise]
    before = {model: _rows(model) for model in models}
    file = tmp_path / "out" / "all.jsonl"
    postroom.run(DataSyncMessage.of("export", kind, [], str(file)))

    _change_everything(kind)
    changed = {model: _rows(model) for model in models}
    postroom.run(DataSyncMessage.of("import", kind, [], str(file)))

    assert changed != before
    assert {model: _rows(model) for model in models} == before


def _change_everything(kind: str) -> None:
    with transaction() as session:
        if kind == "note":
            session.execute(update(Note).values(text="gone", markdown=None, status="ERROR"))
            session.execute(delete(Note).where(Note.id == "note-1"))
        elif kind == "activity":
            session.execute(update(Activity).values(json_schema={}))
        elif kind == "user":
            session.execute(delete(User))
        else:
            session.execute(delete(Exercise).where(Exercise.id == "exercise-202"))
            session.execute(
                update(Exercise)
                .where(Exercise.id == "exercise-203")
                .values(session_id="session-103")
            )
            session.add(Exercise(id="new", session_id="session-101", name="Extra"))
            session.execute(update(Plan).values(title="Another"))


def test_an_import_may_take_only_some_rows(postroom: Postroom) -> None:
    postroom.run(DataSyncMessage.of("backup", "note", []))
    with transaction() as session:
        session.execute(update(Note).values(text="gone"))

    result = postroom.run(DataSyncMessage.of("import", "note", ["note-1"]))

    texts = {row["id"]: row["text"] for row in _rows(Note)}
    assert result["rows"] == 1
    assert texts["note-1"] != "gone"
    assert texts["note-2"] == "gone"


def test_an_import_from_a_folder_takes_the_newest_file_of_its_kind(postroom: Postroom) -> None:
    postroom.run(DataSyncMessage.of("backup", "note", ["note-1"]))
    postroom.advance("1h")
    newest = postroom.run(DataSyncMessage.of("backup", "note", ["note-2"]))
    postroom.advance("1h")
    postroom.run(DataSyncMessage.of("backup", "user", []))

    result = postroom.run(DataSyncMessage.of("import", "note", []))

    assert result == newest


def test_a_file_can_be_at_any_fsspec_url(postroom: Postroom) -> None:
    url = "memory://exports/notes.jsonl"
    postroom.run(DataSyncMessage.of("export", "note", [], url))

    result = postroom.run(DataSyncMessage.of("import", "note", [], url))

    assert result["file"] == "memory:///exports/notes.jsonl"
    assert result["rows"] == 6


def test_the_same_rows_give_the_same_bytes(postroom: Postroom, tmp_path: Path) -> None:
    files = [tmp_path / name / "plan.jsonl" for name in ("one", "two")]

    for file in files:
        postroom.run(DataSyncMessage.of("export", "exercise_plan", [], str(file)))

    assert files[0].read_bytes() == files[1].read_bytes()


def test_progress_is_reported_up_to_the_end(postroom: Postroom) -> None:
    message = DataSyncMessage.of("backup", "note", [])

    postroom.run(message)

    seen = postroom.progress(message)
    shares = [progress.share for progress in seen]
    assert shares == sorted(shares)
    assert len(shares) > 2
    assert seen[-1] == Progress(1.0, "6 rows written")


def test_a_row_that_does_not_exist_is_named_and_nothing_is_written(postroom: Postroom) -> None:
    job = enqueue(DataSyncMessage.of("backup", "note", ["note-1", "note-99"]))
    postroom.drain()

    postroom.assert_buried(
        job, reason="permanent", match="There is no note 'note-99'; nothing was written"
    )
    assert not _backups().exists()


@pytest.mark.parametrize("kind", ["../note", "notes", "/etc/passwd"])
def test_an_entity_type_that_is_none_is_refused(postroom: Postroom, kind: str) -> None:
    for sync_type in ("backup", "export", "import"):
        job = enqueue(DataSyncMessage.of(sync_type, kind, []))
        postroom.drain()

        postroom.assert_buried(
            job, reason="permanent", match="known are activity, exercise_plan, note, user"
        )


@pytest.mark.parametrize("url", ["../out", "memory://a/../b", "file:///tmp/..", "a\\..\\b"])
def test_a_destination_that_climbs_is_refused(postroom: Postroom, url: str) -> None:
    job = enqueue(DataSyncMessage.of("export", "note", [], url))
    postroom.drain()

    postroom.assert_buried(job, reason="permanent", match=r"holds `\.\.`")


@pytest.mark.parametrize("protocol", ["nosuch", "s3"])
def test_storage_that_no_installed_package_knows_is_refused_without_its_password(
    postroom: Postroom,
    protocol: str,
) -> None:
    job = enqueue(DataSyncMessage.of("export", "note", [], f"{protocol}://me:hidden@host/x"))
    postroom.drain()

    letter = postroom.assert_buried(job, reason="permanent", match=f"{protocol}://")
    assert "hidden" not in letter.error


@pytest.fixture
def exported(postroom: Postroom, tmp_path: Path) -> Path:
    """A file of all notes, beside its manifest."""
    file = tmp_path / "notes.jsonl"
    postroom.run(DataSyncMessage.of("export", "note", [], str(file)))
    return file


def _imported(postroom: Postroom, file: Path, *ids: str, kind: str = "note") -> str:
    """The error of an import, which must have changed nothing."""
    before = _rows(Note)
    job = enqueue(DataSyncMessage.of("import", kind, ids, str(file)))
    postroom.drain()
    assert _rows(Note) == before
    return postroom.assert_buried(job, reason="permanent").error


def test_a_damaged_file_is_named_and_nothing_is_restored(
    postroom: Postroom, exported: Path
) -> None:
    exported.write_bytes(exported.read_bytes().replace(b"squats", b"hacked"))

    error = _imported(postroom, exported)

    assert f"{exported.as_uri()} is damaged" in error


def test_a_file_without_a_manifest_is_not_read(postroom: Postroom, exported: Path) -> None:
    exported.with_name("notes.manifest.json").unlink()

    assert "There is no file" in _imported(postroom, exported)


def test_a_manifest_that_is_none_is_named(postroom: Postroom, exported: Path) -> None:
    exported.with_name("notes.manifest.json").write_text("{}")

    assert "notes.manifest.json is no manifest" in _imported(postroom, exported)


def test_a_file_of_other_entities_is_not_imported(postroom: Postroom, exported: Path) -> None:
    assert "holds note, not user" in _imported(postroom, exported, kind="user")


def test_a_row_that_the_file_lacks_is_named(postroom: Postroom, exported: Path) -> None:
    assert "does not hold 'note-99'" in _imported(postroom, exported, "note-1", "note-99")


def test_a_row_that_does_not_fit_its_table_is_named(postroom: Postroom, exported: Path) -> None:
    content = exported.read_bytes().replace(b'"text"', b'"words"')
    _write_with_checksum(exported, content)

    assert "Row 1 of the file is no note" in _imported(postroom, exported)


def test_a_line_that_is_no_row_is_named(postroom: Postroom, exported: Path) -> None:
    _write_with_checksum(exported, exported.read_bytes() + b"[]\n")

    assert "line 7, is no row" in _imported(postroom, exported)


def _write_with_checksum(file: Path, content: bytes) -> None:
    path = file.with_name("notes.manifest.json")
    manifest = json.loads(path.read_text()) | {"sha256": hashlib.sha256(content).hexdigest()}
    path.write_text(json.dumps(manifest))
    file.write_bytes(content)


def test_an_import_without_any_file_says_where_it_looked(postroom: Postroom) -> None:
    job = enqueue(DataSyncMessage.of("import", "note", []))
    postroom.drain()

    postroom.assert_buried(
        job, reason="permanent", match=r"There is no file of note in file://.*/backups"
    )


def test_storage_that_takes_nothing_is_worth_waiting_for(
    postroom: Postroom, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    job = enqueue(DataSyncMessage.of("export", "note", [], str(tmp_path / "file" / "below")))
    postroom.drain()

    postroom.assert_retried(job, delay="2s", match="cannot be written")
