"""The one way into the dead letters: build the letter, tell the application, store it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import redis

from messages import InvalidMessage, Message, parse_message
from messages.masking import secrets_of
from workers import attempts, keys
from workers.dead_letters import DeadLetter, bury
from workers.dead_letters.ending import Ending
from workers.logger import get_logger
from workers.redaction import hiding, redacted
from workers.registry import run_dead_hooks, run_hooks

log = get_logger("postroom.burial")


@dataclass(frozen=True)
class Death:
    """How a job died.

    Args:
        job_id: The job.
        queue: The name of its list.
        reason: See `DeadLetter`.
        error: What went wrong, in a line.
        envelope: The message as stored, as far as it could be read.
        traceback: Where it was raised; empty if nowhere.
        stream: The key of the stream that it was in; empty if it was in a queue.
        group: The consumer group in which it died; empty as `stream`.
    """

    job_id: str
    queue: str
    reason: str
    error: str
    envelope: Any = None
    traceback: str = ""
    stream: str = ""
    group: str = ""


def bury_job(  # noqa: PLR0913 - what died, how, when, where
    death: Death,
    *,
    meta: dict[str, Any],
    now: datetime,
    connection: redis.Redis,
    past: Sequence[attempts.AttemptRecord] | None = None,
    ending: Ending | None = None,
) -> bool:
    """Bury a job, whichever way it died.

    The `on_dead` functions of its type run first: if this process dies between, the job is found
    and buried again, and they run again.

    Args:
        death: What is known about it.
        meta: The job's meta; it is marked.
        now: The time.
        connection: Where.
        past: Its attempts; None asks Redis.
        ending: The end of its run; None if none of ours ends.

    Returns:
        False if it was buried already, or if another worker has it.
    """
    if past is None:
        past = attempts.history(death.job_id, connection=connection)
    message = _readable(death.envelope)
    options = _options(death, meta, connection)
    with hiding(secrets_of(death.envelope)):
        letter = _letter(death, message, past, now, options)
    if message is not None:
        run_dead_hooks(message, letter)
    stored = bury(letter, meta=meta, connection=connection, ending=ending)
    if stored:
        log.error(
            "job_buried",
            job_id=letter.job_id,
            queue=letter.queue,
            reason=letter.reason,
            error=letter.error,
        )
        run_hooks("dead", letter)
    return stored


def _options(death: Death, meta: Mapping[str, Any], connection: redis.Redis) -> dict[str, Any]:
    if death.stream:
        return {"stream": death.stream, "group": death.group}
    return sender_options(death.job_id, meta, connection)


def sender_options(job_id: str, meta: Mapping[str, Any], connection: redis.Redis) -> dict[str, Any]:
    """What a job's sender chose, as far as a replay can choose it again.

    Args:
        job_id: The job.
        meta: The job's meta.
        connection: Where its record is.

    Returns:
        Of `attempts`, `backoff` and `timeout` (in seconds), those that are known.
    """
    options = {name: meta[name] for name in ("attempts", "backoff") if name in meta}
    try:
        timeout: Any = connection.hget(keys.job(job_id), "timeout")
    except redis.ResponseError:  # something else stands where its record was
        return options
    if timeout is not None and timeout.isdigit():
        options["timeout"] = int(timeout)
    return options


def _letter(
    death: Death,
    message: Message | None,
    past: Sequence[attempts.AttemptRecord],
    now: datetime,
    options: dict[str, Any],
) -> DeadLetter:
    return DeadLetter(
        job_id=death.job_id,
        message_type=message.message_type if message else _claimed_type(death.envelope),
        queue=death.queue,
        reason=death.reason,
        error=redacted(death.error)[: attempts.MAX_TEXT],
        buried_at=now.isoformat(),
        envelope=death.envelope,
        traceback=redacted(death.traceback)[-attempts.MAX_TEXT :],
        attempts=tuple(_without_secrets(entry) for entry in past),
        options=options,
    )


def _without_secrets(entry: attempts.AttemptRecord) -> dict[str, Any]:
    # A message that does not fit its type never ran, so nothing knew yet what to hide.
    texts = {"error": redacted(entry.error), "traceback": redacted(entry.traceback)}
    return asdict(entry) | texts


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
