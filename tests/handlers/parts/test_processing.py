from collections.abc import Callable
from typing import Any

import pytest

from handlers.parts.database import snapshot
from handlers.parts.processing import mark_dead
from handlers.parts.tables import Activity, Note, ProcessingStatus
from messages import ActivitySchemaMessage, Message, NoteEnrichmentMessage

pytestmark = pytest.mark.usefixtures("sample")


@pytest.mark.parametrize(
    ("make", "model", "row_id"),
    [
        (NoteEnrichmentMessage.of, Note, "note-1"),
        (ActivitySchemaMessage.of, Activity, "activity-1"),
    ],
    ids=["note", "activity"],
)
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
def test_a_death_sets_the_status_its_reason_stands_for_also_if_it_is_told_twice(
    make: Callable[[str], Message],
    model: type[Any],
    row_id: str,
    reason: str,
    status: ProcessingStatus,
) -> None:
    message = make(row_id)

    for _ in range(2):
        mark_dead(message, model, row_id, reason=reason)

    with snapshot() as session:
        row = session.get_one(model, row_id)
    assert (row.status, row.failure) == (status, reason)


@pytest.mark.usefixtures("any_database", "sample")
def test_the_death_of_a_message_whose_row_is_gone_is_no_trouble() -> None:
    mark_dead(NoteEnrichmentMessage.of("note-99"), Note, "note-99", reason="permanent")

    with snapshot() as session:
        assert session.get(Note, "note-99") is None
