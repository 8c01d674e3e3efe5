"""Keeps `ProcessingStatus` on notes and activities while a message makes something of them.

PENDING until the first message starts, PROCESSING from then on, also while it waits for its next
try (so a killed process needs nobody to tidy up after it), COMPLETED together with the effect.
FAILED means that the handler said no or used up its tries; ERROR means that the job died without
its handler: crash, timeout, expiry, a corrupt record.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy.orm import Session

from handlers.parts.database import transaction
from handlers.parts.once import apply_once, earlier
from handlers.parts.tables import Activity, Note, ProcessingStatus
from messages import JsonObject, Message
from workers import PermanentError

P = TypeVar("P", Note, Activity)

_HANDLER_SAID_NO = frozenset({"permanent", "exhausted", "invalid_payload"})


@dataclass(frozen=True)
class Made:
    """What was made of a row.

    Args:
        columns: Column name to the text to store there.
        result: The handler's result.
    """

    columns: Mapping[str, str]
    result: JsonObject


def process_once(
    message: Message, model: type[P], row_id: str, make: Callable[[P], Made]
) -> JsonObject:
    """Make something of a row and store it there, once for each message.

    Args:
        message: The message.
        model: `Note` or `Activity`.
        row_id: The row.
        make: Called outside any transaction; it may wait for a service.

    Returns:
        The result, or that of an earlier run of the message.

    Raises:
        PermanentError: If there is no such row.
    """
    with transaction() as session:
        row = _locked(session, model, row_id)
        done = earlier(session, message)
        if done is not None:
            return done
        _set(row, message, ProcessingStatus.PROCESSING)
    made = make(row)

    def complete(session: Session) -> JsonObject:
        row = _locked(session, model, row_id)
        for name, value in made.columns.items():
            setattr(row, name, value)
        _set(row, message, ProcessingStatus.COMPLETED)
        row.processed_at = datetime.now(UTC)
        return made.result

    return apply_once(message, complete)


def mark_dead(message: Message, model: type[P], row_id: str, *, reason: str) -> None:
    """Say on the row that its message died. Does nothing if the row speaks of another message.

    Args:
        message: The message that died.
        model: `Note` or `Activity`.
        row_id: The row; it may be missing.
        reason: The dead letter's reason.
    """
    with transaction() as session:
        row = session.get(model, row_id, with_for_update=True)
        if row is None or not _speaks_of(row, message):
            return
        said_no = reason in _HANDLER_SAID_NO
        _set(row, message, ProcessingStatus.FAILED if said_no else ProcessingStatus.ERROR)
        row.failure = reason


def _locked(session: Session, model: type[P], row_id: str) -> P:
    row = session.get(model, row_id, with_for_update=True)
    if row is None:
        raise PermanentError(f"There is no {model.__name__.lower()} {row_id!r}.")
    return row


def _set(row: Note | Activity, message: Message, status: ProcessingStatus) -> None:
    row.status = status
    row.status_message_id = message.message_id
    row.failure = None


def _speaks_of(row: Note | Activity, message: Message) -> bool:
    if row.status == ProcessingStatus.PENDING:
        return True  # it died before it started
    # COMPLETED: killed after its effect. The effect counts.
    return row.status_message_id == message.message_id and row.status != ProcessingStatus.COMPLETED
