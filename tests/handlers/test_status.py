"""ProcessingStatus of notes and activities when their job dies."""

from collections.abc import Callable

import pytest
from sqlalchemy import update

from handlers.parts.database import snapshot, transaction
from handlers.parts.tables import Activity, Note, ProcessingStatus
from messages import ActivitySchemaMessage, Message, NoteEnrichmentMessage
from tests.handlers.conftest import Setting
from tests.handlers.processes import Crew, Kill
from tests.handlers.run import run_message
from tests.handlers.servers import free_port
from workers import DeadLetter, ResourceUnavailable
from workers.registry import run_dead_hooks

pytestmark = pytest.mark.usefixtures("sample")

BOTH = pytest.mark.usefixtures("any_database", "sample")

KINDS = pytest.mark.parametrize(
    ("make", "model", "row_id"),
    [
        (NoteEnrichmentMessage.of, Note, "note-1"),
        (ActivitySchemaMessage.of, Activity, "activity-1"),
    ],
    ids=["note", "activity"],
)


def _bury(message: Message, reason: str) -> None:
    run_dead_hooks(
        message,
        DeadLetter(
            job_id=message.message_id,
            message_type=message.message_type,
            queue=message.queue,
            reason=reason,
            error="it died",
            buried_at="2026-01-15T12:00:00+00:00",
        ),
    )


def _row(model: type[Note] | type[Activity], row_id: str) -> Note | Activity:
    with snapshot() as session:
        row = session.get_one(model, row_id)
    assert isinstance(row, Note | Activity)
    return row


@KINDS
@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("permanent", ProcessingStatus.FAILED),
        ("exhausted", ProcessingStatus.FAILED),
        ("invalid_payload", ProcessingStatus.FAILED),
        ("timeout", ProcessingStatus.ERROR),
        ("crash", ProcessingStatus.ERROR),
        ("crash_loop", ProcessingStatus.ERROR),
        ("expired", ProcessingStatus.ERROR),
        ("corrupt", ProcessingStatus.ERROR),
        ("something new", ProcessingStatus.ERROR),
    ],
)
def test_a_dead_letter_sets_the_status_its_reason_stands_for(
    make: Callable[[str], Message],
    model: type[Note] | type[Activity],
    row_id: str,
    reason: str,
    status: ProcessingStatus,
) -> None:
    _bury(make(row_id), reason)

    row = _row(model, row_id)
    assert (row.status, row.failure) == (status, reason)


@BOTH
@KINDS
def test_a_job_killed_in_the_middle_stays_processing_until_it_is_buried(
    make: Callable[[str], Message],
    model: type[Note] | type[Activity],
    row_id: str,
    crew: Crew,
) -> None:
    message = make(row_id)
    crew.run(message, kill=Kill("after_commit", 1))
    killed = _row(model, row_id).status

    _bury(message, "crash_loop")
    _bury(message, "crash_loop")

    assert killed is ProcessingStatus.PROCESSING
    assert _row(model, row_id).status is ProcessingStatus.ERROR


@BOTH
def test_a_message_that_failed_and_runs_again_completes_and_clears_the_failure(
    setting: Setting,
) -> None:
    message = NoteEnrichmentMessage.of("note-1")
    setting("ROBO_BASE_URL", f"http://127.0.0.1:{free_port()}/v1")
    with pytest.raises(ResourceUnavailable):
        run_message(message)
    _bury(message, "exhausted")
    setting("ROBO_BASE_URL", "")

    run_message(message)

    row = _row(Note, "note-1")
    assert (row.status, row.failure) == (ProcessingStatus.COMPLETED, None)


def test_a_job_that_died_after_its_effect_leaves_the_row_completed() -> None:
    message = NoteEnrichmentMessage.of("note-1")
    run_message(message)

    _bury(message, "crash_loop")

    assert _row(Note, "note-1").status is ProcessingStatus.COMPLETED


@BOTH
def test_an_older_message_that_dies_does_not_speak_for_a_newer_one(crew: Crew) -> None:
    older, newer = NoteEnrichmentMessage.of("note-1"), NoteEnrichmentMessage.of("note-1")
    crew.run(older, kill=Kill("after_commit", 1))
    crew.run(newer, kill=Kill("after_commit", 1))

    _bury(older, "crash")

    assert _row(Note, "note-1").status is ProcessingStatus.PROCESSING


@BOTH
def test_a_second_delivery_of_a_finished_message_does_not_open_the_row_again() -> None:
    message = NoteEnrichmentMessage.of("note-1")
    run_message(message)
    with transaction() as session:
        session.execute(update(Note).values(title="mine"))

    run_message(message)

    row = _row(Note, "note-1")
    assert isinstance(row, Note)
    assert (row.status, row.title) == (ProcessingStatus.COMPLETED, "mine")


@BOTH
def test_a_dead_letter_of_a_row_that_is_gone_is_no_trouble() -> None:
    _bury(NoteEnrichmentMessage.of("note-99"), "permanent")
