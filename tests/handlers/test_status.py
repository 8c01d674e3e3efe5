"""ProcessingStatus of notes and activities when their job dies."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from rq.timeouts import JobTimeoutException
from sqlalchemy import update

from handlers.parts.database import snapshot, transaction
from handlers.parts.tables import Activity, Note, ProcessingStatus
from messages import ActivitySchemaMessage, Message, NoteEnrichmentMessage
from tests.handlers.cases import NO_TEXT_SERVICE
from tests.handlers.conftest import Setting
from tests.handlers.processes import Crew, Kill
from workers import PermanentError, enqueue
from workers.testing import Postroom

pytest_plugins = ["workers.testing"]

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

MOST_ATTEMPTS = 5  # of both handlers


def _row(model: type[Note] | type[Activity], row_id: str) -> Note | Activity:
    with snapshot() as session:
        row = session.get_one(model, row_id)
    assert isinstance(row, Note | Activity)
    return row


def _dies_in_crashes(postroom: Postroom, message: Message) -> None:
    postroom.crash_next(type(message), when="before", times=3)
    enqueue(message)
    postroom.advance("1h")
    postroom.assert_buried(message, reason="crash_loop")


def _dies_of_old_age(postroom: Postroom, message: Message) -> None:
    enqueue(message, queue_ttl=timedelta(minutes=1))
    postroom.idle("2m")
    postroom.drain()


def _fails(error: Exception) -> Callable[[Postroom, Message], None]:
    def die(postroom: Postroom, message: Message) -> None:
        postroom.fail_next(type(message), error, times=MOST_ATTEMPTS)
        enqueue(message)
        postroom.advance("1h")

    return die


@dataclass(frozen=True)
class Way:
    """A way to die, and what the letter and the row then say."""

    die: Callable[[Postroom, Message], None]
    reason: str
    status: ProcessingStatus


WAYS = (
    Way(_fails(PermanentError("no")), "permanent", ProcessingStatus.FAILED),
    Way(_fails(TimeoutError("no answer")), "exhausted", ProcessingStatus.FAILED),
    Way(_fails(JobTimeoutException("too slow")), "timeout", ProcessingStatus.ERROR),
    Way(_dies_in_crashes, "crash_loop", ProcessingStatus.ERROR),
    Way(_dies_of_old_age, "expired", ProcessingStatus.ERROR),
)


@KINDS
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.reason)
def test_a_row_says_how_its_message_died(
    postroom: Postroom,
    make: Callable[[str], Message],
    model: type[Note] | type[Activity],
    row_id: str,
    way: Way,
) -> None:
    message = make(row_id)

    way.die(postroom, message)

    postroom.assert_buried(message, reason=way.reason)
    row = _row(model, row_id)
    assert (row.status, row.failure) == (way.status, way.reason)


@BOTH
@KINDS
def test_a_job_killed_in_the_middle_stays_processing_until_it_is_buried(
    postroom: Postroom,
    make: Callable[[str], Message],
    model: type[Note] | type[Activity],
    row_id: str,
    crew: Crew,
) -> None:
    message = make(row_id)
    crew.run(message, kill=Kill("after_commit", 1))
    killed = _row(model, row_id).status

    _dies_in_crashes(postroom, message)

    assert killed is ProcessingStatus.PROCESSING
    assert _row(model, row_id).status is ProcessingStatus.ERROR


@BOTH
def test_a_message_that_failed_and_runs_again_completes_and_clears_the_failure(
    postroom: Postroom, setting: Setting
) -> None:
    message = NoteEnrichmentMessage.of("note-1")
    with NO_TEXT_SERVICE(postroom, setting):
        enqueue(message)
        postroom.advance("1h")
    postroom.assert_buried(message, reason="exhausted", match="does not answer")
    failed = _row(Note, "note-1").status

    postroom.perform(message)

    row = _row(Note, "note-1")
    assert failed is ProcessingStatus.FAILED
    assert (row.status, row.failure) == (ProcessingStatus.COMPLETED, None)


def test_a_job_that_died_after_its_effect_leaves_the_row_completed(postroom: Postroom) -> None:
    message = NoteEnrichmentMessage.of("note-1")
    postroom.crash_next(NoteEnrichmentMessage, times=3)

    enqueue(message)
    postroom.advance("1h")

    postroom.assert_buried(message, reason="crash_loop")
    assert _row(Note, "note-1").status is ProcessingStatus.COMPLETED


@BOTH
def test_an_older_message_that_dies_does_not_speak_for_a_newer_one(
    postroom: Postroom, crew: Crew
) -> None:
    older, newer = NoteEnrichmentMessage.of("note-1"), NoteEnrichmentMessage.of("note-1")
    crew.run(older, kill=Kill("after_commit", 1))
    crew.run(newer, kill=Kill("after_commit", 1))

    _dies_in_crashes(postroom, older)

    assert _row(Note, "note-1").status is ProcessingStatus.PROCESSING


@BOTH
def test_a_second_delivery_of_a_finished_message_does_not_open_the_row_again(
    postroom: Postroom,
) -> None:
    message = NoteEnrichmentMessage.of("note-1")
    postroom.run(message)
    with transaction() as session:
        session.execute(update(Note).values(title="mine"))

    postroom.deliver_again(message)

    row = _row(Note, "note-1")
    assert isinstance(row, Note)
    assert (row.status, row.title) == (ProcessingStatus.COMPLETED, "mine")
