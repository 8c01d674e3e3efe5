"""The one way into the dead letters: build the letter, tell the application, store it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import redis

from messages import InvalidMessage, Message, parse_message
from workers import attempts
from workers.dead_letters import DeadLetter, bury
from workers.logger import get_logger
from workers.registry import run_dead_hooks, run_hooks

log = get_logger("postroom.burial")


def bury_job(  # noqa: PLR0913 - the facts of one death; all but the first four are optional
    job_id: str,
    *,
    queue: str,
    reason: str,
    error: str,
    envelope: Any,
    meta: dict[str, Any],
    now: datetime,
    connection: redis.Redis,
    traceback: str = "",
) -> bool:
    """Bury a job, whichever way it died.

    The `on_dead` functions of its type run first: if this process dies between, the job is found
    and buried again, and they run again.

    Args:
        job_id: The job.
        queue: The name of its list.
        reason: See `DeadLetter`.
        error: What went wrong, in a line.
        envelope: The message as stored, as far as it could be read.
        meta: The job's meta; it is marked.
        now: The time.
        connection: Where.
        traceback: Where it was raised.

    Returns:
        False if it was buried already.
    """
    past = attempts.history(job_id, connection=connection)
    message = _readable(envelope)
    letter = DeadLetter(
        job_id=job_id,
        message_type=message.message_type if message else _claimed_type(envelope),
        queue=queue,
        reason=reason,
        error=error[: attempts.MAX_TEXT],
        buried_at=now.isoformat(),
        envelope=envelope,
        traceback=traceback[-attempts.MAX_TEXT :],
        attempts=_plain(past),
    )
    if message is not None:
        run_dead_hooks(message, letter)
    stored = bury(letter, meta=meta, connection=connection)
    if stored:
        log.error("job_buried", job_id=job_id, queue=queue, reason=reason, error=letter.error)
        run_hooks("dead", letter)
    return stored


def _plain(past: Sequence[attempts.AttemptRecord]) -> Sequence[dict[str, Any]]:
    return tuple(asdict(entry) for entry in past)


def _readable(envelope: Any) -> Message | None:
    if not isinstance(envelope, dict):
        return None
    try:
        return parse_message(envelope)
    except InvalidMessage:
        return None


def _claimed_type(envelope: Any) -> str | None:
    claimed = envelope.get("messageType") if isinstance(envelope, dict) else None
    return claimed if isinstance(claimed, str) else None
