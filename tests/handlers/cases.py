"""One case for each thing that a shipped handler does: its message, its effects, its failures."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import delete

from handlers.parts.database import close_database, database, transaction
from handlers.parts.guild_sample import channels
from handlers.parts.settings import handler_settings
from handlers.parts.tables import User
from messages import (
    ActivitySchemaMessage,
    BuildMessage,
    DataSyncMessage,
    EmailMessage,
    Message,
    MessageScanMessage,
    NoteEnrichmentMessage,
    NotificationMessage,
    TestData,
    TestMessage,
    ThumbnailRetryMessage,
    UserActionMessage,
    WorkoutChanges,
    WorkoutUpdateMessage,
)
from tests.handlers.conftest import Setting
from tests.handlers.effects import counted, mails_in
from tests.handlers.servers import free_port
from workers import PermanentError, ResourceUnavailable
from workers.testing import Postroom

Outage = Callable[[Postroom, Setting], AbstractContextManager[None]]
Doom = Callable[[Postroom, Setting], Message]


@dataclass(frozen=True)
class Case:
    """What one handler does.

    `effects` counts what a message left, in the database or on the disk. `outage` takes away what
    the handler needs until its block ends, which `away` says. `doomed` makes a message that can
    never succeed, and `error` says why.
    """

    make: Callable[[Postroom], Message]
    effects: Callable[[], int]
    outage: Outage
    away: str
    doomed: Doom
    error: str
    expected: int = 1


def _in_database(name: str) -> Callable[[], int]:
    return lambda: counted(database(), name)


def _mails() -> int:
    return len(mails_in(handler_settings().mail_dir))


def _files(ending: str) -> int:
    return len(list(Path(handler_settings().backup_url).rglob(f"*{ending}")))


def _built(name: str) -> Path:
    return handler_settings().build_dir.parent / f"built-{name}"


# Each message needs something to do: what one has scanned is nothing new to the next.
_CHANNELS = cycle(channels())
_WHOLE_CHANNELS = cycle(pair for pair in channels() if pair[1] != "789-1")


def _import_of_a_lost_user(postroom: Postroom) -> Message:
    user_id = f"user-{uuid4().hex}"
    with transaction() as session:
        session.add(User(id=user_id, name="Edsger", email="edsger@example.com"))
    file = f"{handler_settings().backup_url}/users/{user_id}.jsonl"
    postroom.run(DataSyncMessage.of("export", "user", [user_id], file))
    with transaction() as session:
        session.execute(delete(User).where(User.id == user_id))
    return DataSyncMessage.of("import", "user", [user_id], file)


def _echo() -> TestMessage:
    return TestMessage(data=TestData(test_type="echo"))


def _action() -> UserActionMessage:
    return UserActionMessage.of("finished", "session", "session-101")


def _change(exercise_id: str = "exercise-202") -> WorkoutUpdateMessage:
    changes = WorkoutChanges(sets=5)
    return WorkoutUpdateMessage.of("plan-456", "phase-789", "session-101", exercise_id, changes)


def _notification() -> NotificationMessage:
    return NotificationMessage.of("user-123", "Done", "Well done")


def _mail(template: str = "welcome") -> EmailMessage:
    return EmailMessage.of("ada@example.com", "Hello", template, {"name": "Ada"})


# --- what goes wrong ----------------------------------------------------------------------------


@contextmanager
def _planned(postroom: Postroom, _: Setting) -> Iterator[None]:
    postroom.fail_next(TestMessage, ResourceUnavailable("Planned."))
    yield


@contextmanager
def _no_database(_: Postroom, setting: Setting) -> Iterator[None]:
    url = handler_settings().database_url.get_secret_value()
    close_database()
    setting("DATABASE_URL", url.rpartition("/")[0])  # a folder, which is no database
    yield
    setting("DATABASE_URL", url)


@contextmanager
def _no_folder(_: Postroom, __: Setting) -> Iterator[None]:
    folder = Path(handler_settings().backup_url)
    folder.write_text("a file in its place")
    yield
    folder.unlink()


def _nobody_at(setting_name: str, url: str) -> Outage:
    """A service that does not answer; when it is over, none is asked."""

    @contextmanager
    def outage(_: Postroom, setting: Setting) -> Iterator[None]:
        setting(setting_name, url.format(port=free_port()))
        yield
        setting(setting_name, "")

    return outage


@contextmanager
def _no_mail_server(_: Postroom, setting: Setting) -> Iterator[None]:
    setting("SMTP_HOST", "127.0.0.1")
    setting("SMTP_PORT", free_port())
    yield
    setting("SMTP_HOST", "")


def _always(make: Callable[[], Message]) -> Doom:
    return lambda _, __: make()


def _planned_doom(make: Callable[[], Message]) -> Doom:
    def doomed(postroom: Postroom, _: Setting) -> Message:
        message = make()
        postroom.fail_next(type(message), PermanentError("Planned."))
        return message

    return doomed


def _pushed_to_no_address(_: Postroom, setting: Setting) -> Message:
    setting("NOTIFY_URLS", "nosuch://host")
    return _notification()


NO_TEXT_SERVICE = _nobody_at("ROBO_BASE_URL", "http://127.0.0.1:{port}/v1")
NO_PUSH_SERVICE = _nobody_at("NOTIFY_URLS", "json://127.0.0.1:{port}/")

CASES = {
    "test": Case(
        lambda _: _echo(),
        lambda: 0,
        expected=0,
        outage=_planned,
        away="Planned",
        doomed=_planned_doom(_echo),
        error="Planned",
    ),
    "workout_update": Case(
        lambda _: _change(),
        _in_database("exercise"),
        outage=_no_database,
        away="database is not available",
        doomed=_always(lambda: _change("exercise-99")),
        error="There is no exercise 'exercise-99'",
    ),
    "user_action": Case(
        lambda _: _action(),
        _in_database("action"),
        outage=_no_database,
        away="database is not available",
        doomed=_planned_doom(_action),
        error="Planned",
    ),
    "notification": Case(
        lambda _: _notification(),
        _in_database("inbox"),
        outage=NO_PUSH_SERVICE,
        away="did not take the notification",
        doomed=_pushed_to_no_address,
        error="nosuch:// address that is not valid",
    ),
    "email": Case(
        lambda _: _mail(),
        _mails,
        outage=_no_mail_server,
        away=r"127\.0\.0\.1 is not available",
        doomed=_always(lambda: _mail("nothing")),
        error="'nothing'",
    ),
    "backup": Case(
        lambda _: DataSyncMessage.of("backup", "note", []),
        lambda: _files(".jsonl") + _files(".part"),
        outage=_no_folder,
        away="cannot be written",
        doomed=_always(lambda: DataSyncMessage.of("backup", "note", ["note-99"])),
        error="There is no note 'note-99'",
    ),
    "export": Case(
        lambda _: DataSyncMessage.of("export", "exercise_plan", []),
        lambda: _files(".manifest.json") + _files(".part"),
        outage=_no_folder,
        away="cannot be written",
        doomed=_always(lambda: DataSyncMessage.of("export", "note", [], "../out")),
        error=r"holds `\.\.`",
    ),
    # Two rows came: the user's own, and the restored one.
    "import": Case(
        _import_of_a_lost_user,
        _in_database("user"),
        expected=2,
        outage=_no_database,
        away="database is not available",
        doomed=_always(lambda: DataSyncMessage.of("import", "user", [])),
        error="There is no file of user",
    ),
    "note_enrichment": Case(
        lambda _: NoteEnrichmentMessage.of("note-1"),
        _in_database("note"),
        outage=NO_TEXT_SERVICE,
        away="does not answer",
        doomed=_always(lambda: NoteEnrichmentMessage.of("note-99")),
        error="There is no note 'note-99'",
    ),
    "activity_schema": Case(
        lambda _: ActivitySchemaMessage.of("activity-1"),
        _in_database("activity"),
        outage=NO_TEXT_SERVICE,
        away="does not answer",
        doomed=_always(lambda: ActivitySchemaMessage.of("activity-99")),
        error="There is no activity 'activity-99'",
    ),
    "message_scan": Case(
        lambda _: MessageScanMessage.of(*next(_CHANNELS)),
        _in_database("scanned"),
        expected=5,
        outage=_no_database,
        away="database is not available",
        doomed=_always(lambda: MessageScanMessage.of("123", "nowhere")),
        error="There is no channel 'nowhere'",
    ),
    "thumbnail_retry": Case(
        lambda _: ThumbnailRetryMessage.of(*next(_WHOLE_CHANNELS)),
        _in_database("thumbnail"),
        expected=2,
        outage=_no_database,
        away="database is not available",
        doomed=_always(lambda: ThumbnailRetryMessage.of("789", "789-1", ["789-1-2"])),
        error="No image could be rendered",
    ),
    "build": Case(
        lambda _: BuildMessage.of("acme/shop", [f"sh -c 'touch {_built(uuid4().hex)}'"]),
        lambda: len(list(_built("*").parent.glob("built-*"))),
        outage=_no_database,
        away="database is not available",
        doomed=_always(lambda: BuildMessage.of("acme/shop", ["rm -rf everything"])),
        error="'rm' is not allowed",
    ),
}
EFFECTS = {name: case for name, case in CASES.items() if case.expected}
"""Those that leave something behind; TEST only answers."""

EACH = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
