"""Makes an effect happen once for each message, however often the message runs.

`apply_once` is exact: effect and ledger share a transaction. `delivery` is for effects outside
the database; there the ledger follows the effect, and the time between the two is the only
time in which a killed process leads to a second effect.
"""

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from handlers.parts.database import insert_missing, snapshot, transaction
from handlers.parts.locks import alone
from handlers.parts.tables import Applied
from messages import JsonObject, Message


def apply_once(
    message: Message, effect: Callable[[Session], JsonObject], *, step: str = ""
) -> JsonObject:
    """Change the database for a message, unless that was done before.

    Args:
        message: The message.
        effect: Makes the change in the session it is given and returns the handler's result.
        step: Which part of a long change, so that a message that runs again goes on where it
            was; empty for the message as a whole.

    Returns:
        The result; when the message ran before, the result of that run.
    """
    with transaction() as session:
        if not claim(session, message, step):
            return earlier(session, message, step) or {}
        result = effect(session)
        row = (Applied.message_id == message.message_id) & (Applied.step == step)
        session.execute(update(Applied).where(row).values(result=result))
        return result


def claim(session: Session, message: Message, step: str = "") -> bool:
    """Enter a message into the ledger. Of two at the same time the second waits for the first.

    Args:
        session: The transaction; the entry exists when it commits.
        message: The message.
        step: Which of several effects; empty for the message as a whole.

    Returns:
        False if it is there already.
    """
    entry = insert_missing(session, Applied).values(
        message_id=message.message_id,
        step=step,
        message_type=message.message_type,
        result={},
        worker_host=socket.gethostname(),
        worker_pid=os.getpid(),
        applied_at=datetime.now(UTC),
    )
    entered = entry.returning(Applied.message_id)
    return session.execute(entered).scalar() is not None


def earlier(session: Session, message: Message, step: str = "") -> JsonObject | None:
    """The result of an earlier run of this message, or step of it, or None if there was none."""
    applied = session.get(Applied, (message.message_id, step))
    return None if applied is None else applied.result


def steps_of(session: Session, message: Message) -> Mapping[str, JsonObject]:
    """The steps of this message that are done, with their results, in the order of their names."""
    done = select(Applied).where(Applied.message_id == message.message_id, Applied.step != "")
    return {entry.step: entry.result for entry in session.scalars(done.order_by(Applied.step))}


@dataclass
class Delivery:
    """An effect outside the database that is under way.

    Args:
        message: The message it is for.
        result: What an earlier run, or `record`, stored; None until then.
    """

    message: Message
    result: JsonObject | None

    def record(self, result: JsonObject) -> None:
        """Remember that the effect has happened. Call it as soon as that is certain.

        Args:
            result: The handler's result.
        """
        self.apply(lambda _: result)

    def apply(self, effect: Callable[[Session], JsonObject]) -> None:
        """Make the part of the effect that is in the database, and remember it.

        Args:
            effect: As for `apply_once`.
        """
        self.result = apply_once(self.message, effect)


@contextmanager
def delivery(message: Message) -> Iterator[Delivery]:
    """Keep other processes away from a message while its effect is made outside the database.

    Args:
        message: The message.

    Yields:
        The delivery. If its `result` is set, the effect has happened before.

    Raises:
        ResourceUnavailable: If another process is busy with the same message for too long.
    """
    with alone(message.message_id):
        with snapshot() as session:
            result = earlier(session, message)
        yield Delivery(message, result)
