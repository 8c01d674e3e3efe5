"""Every handler leaves one effect: run by two real processes at once, or killed on the way."""

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from handlers.parts.database import database, snapshot, transaction
from handlers.parts.tables import User
from messages import Message
from tests.handlers.cases import CASES, EFFECTS, Case
from tests.handlers.conftest import Setting
from tests.handlers.effects import counted
from tests.handlers.processes import Crew, Kill
from tests.handlers.servers import Answer, MailServer, TextService
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]

MOMENTS = ("before_commit", "after_commit")

# One case for each way of being idempotent; the others share its code, and are among the drills.
_WAYS = ("user_action", "email", "import", "note_enrichment")
_OF_STEPS = ("message_scan", "thumbnail_retry")
_QUICK = {("sqlite", name) for name in (*_WAYS, *_OF_STEPS)} | {("postgresql", n) for n in _WAYS}
EACH_ON_EACH = pytest.mark.parametrize(
    ("any_database", "case"),
    [
        pytest.param(
            kind,
            case,
            id=f"{kind}-{name}",
            marks=[] if (kind, name) in _QUICK else [pytest.mark.drill],
        )
        for kind in ("sqlite", "postgresql")
        for name, case in EFFECTS.items()
    ],
    indirect=["any_database"],
)


@pytest.fixture
def message_of(any_database: str, sample: None, postroom: Postroom) -> Callable[[Case], Message]:
    """Makes the message of a case, on each kind of database, beside the sample data."""
    del any_database, sample
    return lambda case: case.make(postroom)


@EACH_ON_EACH
def test_two_processes_at_the_same_time_have_one_effect_and_one_result(
    case: Case, message_of: Callable[[Case], Message], crew: Crew
) -> None:
    message = message_of(case)

    first, second = crew.run_together([message, message])

    assert (first.code, second.code) == (0, 0)
    assert first.result == second.result
    assert case.effects() == case.expected


@pytest.mark.parametrize("moment", MOMENTS)
@EACH_ON_EACH
def test_a_process_killed_around_any_commit_leaves_one_effect_once_it_ran_again(
    postroom: Postroom, case: Case, moment: str, message_of: Callable[[Case], Message], crew: Crew
) -> None:
    messages: list[Message] = []
    survived = False
    while not survived:
        messages.append(message_of(case))
        kill = Kill(moment, len(messages))  # type: ignore[arg-type]
        survived = not crew.run(messages[-1], kill=kill).was_killed
    for message in messages:
        postroom.run(message)

    assert len(messages) > 1, "no process was killed: there was no commit to kill it at"
    assert case.effects() == case.expected * len(messages)


def test_an_import_that_runs_again_does_not_undo_what_came_in_between(
    postroom: Postroom,
    message_of: Callable[[Case], Message],
) -> None:
    message = message_of(CASES["import"])
    postroom.run(message)
    with transaction() as session:
        session.execute(update(User).values(name="mine"))

    postroom.deliver_again(message)

    with snapshot() as session:
        assert set(session.scalars(select(User.name))) == {"mine"}


def test_an_older_change_that_runs_again_does_not_undo_a_newer_one(
    postroom: Postroom,
    message_of: Callable[[Case], Message],
) -> None:
    older = message_of(CASES["workout_update"])
    postroom.run(older)
    postroom.run(message_of(CASES["workout_update"]))

    postroom.deliver_again(older)

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
    postroom: Postroom, message_of: Callable[[Case], Message], crew: Crew, mail_server: MailServer
) -> None:
    message = message_of(CASES["email"])

    killed = crew.run(message, kill=Kill("before_commit", 1))
    postroom.run(message)

    assert killed.was_killed
    first, second = mail_server.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert first.as_bytes() == second.as_bytes()


def test_a_process_killed_after_the_ledger_was_written_has_sent_the_only_mail(
    postroom: Postroom, message_of: Callable[[Case], Message], crew: Crew, mail_server: MailServer
) -> None:
    message = message_of(CASES["email"])

    killed = crew.run(message, kill=Kill("after_commit", 1))
    postroom.run(message)

    assert killed.was_killed
    assert len(mail_server.mails) == 1


@pytest.mark.usefixtures("sample")
def test_two_processes_at_the_same_time_push_once(
    postroom: Postroom, crew: Crew, text_service: TextService, setting: Setting
) -> None:
    text_service.answers = [Answer(content="taken")]
    text_service.seconds = 0.2
    setting("NOTIFY_URLS", f"json://{text_service.origin}/one, json://{text_service.origin}/two")
    message = CASES["notification"].make(postroom)

    first, second = crew.run_together([message, message])

    assert first.result == second.result
    assert len(text_service.requests) == 2
