"""Every handler leaves one effect: run twice, run by two processes at once, killed on the way."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import delete, select, update

from handlers.parts.database import database, snapshot, transaction
from handlers.parts.settings import handler_settings
from handlers.parts.tables import User
from messages import (
    ActivitySchemaMessage,
    DataSyncMessage,
    EmailMessage,
    Message,
    NoteEnrichmentMessage,
    NotificationMessage,
    UserActionMessage,
    WorkoutChanges,
    WorkoutUpdateMessage,
)
from tests.handlers.conftest import Setting
from tests.handlers.effects import counted, mails_in
from tests.handlers.processes import Crew, Kill
from tests.handlers.run import run_message
from tests.handlers.servers import Answer, MailServer, TextService

MOMENTS = ("before_commit", "after_commit")


@dataclass(frozen=True)
class Case:
    """A message, and a count of its effects that asks the database or the disk."""

    make: Callable[[], Message]
    effects: Callable[[], int]
    expected: int = 1


def _in_database(name: str) -> Callable[[], int]:
    return lambda: counted(database(), name)


def _mails() -> int:
    return len(mails_in(handler_settings().mail_dir))


def _files(ending: str) -> int:
    return len(list(Path(handler_settings().backup_url).rglob(f"*{ending}")))


def _import_of_a_lost_user() -> Message:
    user_id = f"user-{uuid4().hex}"
    with transaction() as session:
        session.add(User(id=user_id, name="Edsger", email="edsger@example.com"))
    file = f"{handler_settings().backup_url}/users/{user_id}.jsonl"
    run_message(DataSyncMessage.of("export", "user", [user_id], file))
    with transaction() as session:
        session.execute(delete(User).where(User.id == user_id))
    return DataSyncMessage.of("import", "user", [user_id], file)


CASES = {
    "workout_update": Case(
        lambda: WorkoutUpdateMessage.of(
            "plan-456", "phase-789", "session-101", "exercise-202", WorkoutChanges(sets=5)
        ),
        _in_database("exercise"),
    ),
    "user_action": Case(
        lambda: UserActionMessage.of("finished", "session", "session-101"), _in_database("action")
    ),
    "notification": Case(
        lambda: NotificationMessage.of("user-123", "Done", "Well done"), _in_database("inbox")
    ),
    "email": Case(
        lambda: EmailMessage.of("ada@example.com", "Hello", "welcome", {"name": "Ada"}), _mails
    ),
    "backup": Case(
        lambda: DataSyncMessage.of("backup", "note", []),
        lambda: _files(".jsonl") + _files(".part"),
    ),
    "export": Case(
        lambda: DataSyncMessage.of("export", "exercise_plan", []),
        lambda: _files(".manifest.json") + _files(".part"),
    ),
    # Two rows came: the user's own, and the restored one.
    "import": Case(_import_of_a_lost_user, _in_database("user"), expected=2),
    "note_enrichment": Case(lambda: NoteEnrichmentMessage.of("note-1"), _in_database("note")),
    "activity_schema": Case(
        lambda: ActivitySchemaMessage.of("activity-1"), _in_database("activity")
    ),
}
EACH = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())

# On PostgreSQL one case for each way of being idempotent; the others share its code.
_MECHANISMS = ("user_action", "email", "import", "note_enrichment")
_KILLED = [("sqlite", name) for name in CASES] + [("postgresql", name) for name in _MECHANISMS]
EACH_MECHANISM = pytest.mark.parametrize(
    ("any_database", "case"),
    [(kind, CASES[name]) for kind, name in _KILLED],
    ids=[f"{kind}-{name}" for kind, name in _KILLED],
    indirect=["any_database"],
)


@pytest.fixture
def message_of(any_database: str, sample: None) -> Callable[[Case], Message]:
    """Makes the message of a case, on each kind of database, beside the sample data."""
    del any_database, sample
    return lambda case: case.make()


@EACH
def test_a_message_that_runs_twice_has_one_effect_and_one_result(
    case: Case, message_of: Callable[[Case], Message]
) -> None:
    message = message_of(case)

    results = [run_message(message), run_message(message)]

    assert results[0] == results[1]
    assert case.effects() == case.expected


@EACH
def test_two_processes_at_the_same_time_have_one_effect_and_one_result(
    case: Case, message_of: Callable[[Case], Message], crew: Crew
) -> None:
    message = message_of(case)

    first, second = crew.run_together([message, message])

    assert (first.code, second.code) == (0, 0)
    assert first.result == second.result
    assert case.effects() == case.expected


@pytest.mark.parametrize("moment", MOMENTS)
@EACH_MECHANISM
def test_a_process_killed_around_any_commit_leaves_one_effect_once_it_ran_again(
    case: Case, moment: str, message_of: Callable[[Case], Message], crew: Crew
) -> None:
    messages: list[Message] = []
    survived = False
    while not survived:
        messages.append(message_of(case))
        kill = Kill(moment, len(messages))  # type: ignore[arg-type]
        survived = not crew.run(messages[-1], kill=kill).was_killed
    for message in messages:
        run_message(message)

    assert len(messages) > 1, "no process was killed: there was no commit to kill it at"
    assert case.effects() == case.expected * len(messages)


def test_an_import_that_runs_again_does_not_undo_what_came_in_between(
    message_of: Callable[[Case], Message],
) -> None:
    message = message_of(CASES["import"])
    run_message(message)
    with transaction() as session:
        session.execute(update(User).values(name="mine"))

    run_message(message)

    with snapshot() as session:
        assert set(session.scalars(select(User.name))) == {"mine"}


def test_an_older_change_that_runs_again_does_not_undo_a_newer_one(
    message_of: Callable[[Case], Message],
) -> None:
    older = message_of(CASES["workout_update"])
    run_message(older)
    run_message(message_of(CASES["workout_update"]))

    run_message(older)

    assert counted(database(), "exercise") == 2


def test_two_processes_at_the_same_time_send_one_mail_by_smtp(
    message_of: Callable[[Case], Message], crew: Crew, mail_server: MailServer
) -> None:
    mail_server.seconds = 0.3
    message = message_of(CASES["email"])

    first, second = crew.run_together([message, message])

    assert first.result == second.result
    assert len(mail_server.mails) == 1


def test_a_process_killed_between_the_servers_250_and_the_ledger_sends_a_mail_with_the_same_id(
    message_of: Callable[[Case], Message], crew: Crew, mail_server: MailServer
) -> None:
    message = message_of(CASES["email"])

    killed = crew.run(message, kill=Kill("before_commit", 1))
    run_message(message)

    assert killed.was_killed
    first, second = mail_server.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert first.as_bytes() == second.as_bytes()


def test_a_process_killed_after_the_ledger_was_written_has_sent_the_only_mail(
    message_of: Callable[[Case], Message], crew: Crew, mail_server: MailServer
) -> None:
    message = message_of(CASES["email"])

    killed = crew.run(message, kill=Kill("after_commit", 1))
    run_message(message)

    assert killed.was_killed
    assert len(mail_server.mails) == 1


@pytest.mark.usefixtures("sample")
def test_two_processes_at_the_same_time_push_once(
    crew: Crew, text_service: TextService, setting: Setting
) -> None:
    text_service.answers = [Answer(content="taken")]
    text_service.seconds = 0.2
    setting("NOTIFY_URLS", f"json://{text_service.origin}/one, json://{text_service.origin}/two")
    message = CASES["notification"].make()

    first, second = crew.run_together([message, message])

    assert first.result == second.result
    assert len(text_service.requests) == 2
