"""Sends a dead letter's message again, under a new id.

Storing it and removing the letter is one step, so a replay that is killed and started again sends
each letter once.
"""

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

import redis

from workers import audit, keys
from workers.audit import By
from workers.connection import storage_errors
from workers.dead_letters.edits import TRIES, changed_fields, changed_meanwhile, changes, successor
from workers.dead_letters.letter import DeadLetter, letter_of
from workers.dead_letters.replayed import history_of, replayed_now
from workers.dead_letters.resending import Resent, is_of_stream, to_queue, to_stream
from workers.dead_letters.store import (
    letter_keys,
    not_found,
    seconds_remembered,
    stored_text,
    with_tenants,
)
from workers.errors import InvalidState
from workers.options import Backoff, Duration, EnqueueOptions
from workers.record import JobRecord, job_record
from workers.registry import enqueue_middleware
from workers.routing import NAME_PATTERN, Priority, PriorityName, queue_of
from workers.settings import Settings, load_settings


class ReplayOptions(TypedDict, total=False):
    """What a replay may do otherwise than its letter's job did; each may be left out.

    `queue`: instead of the letter's. `priority`: high, normal, low, or 1 (most urgent) to 10.
    `attempts`: starts in all, from 1. `backoff`: as in `EnqueueOptions`. `timeout`: of one
    attempt, from 1 s.
    """

    queue: str
    priority: PriorityName | Priority | int
    attempts: int
    backoff: Backoff
    timeout: Duration


def replay(
    job_id: str,
    *,
    data: Mapping[str, Any] | None = None,
    by: By,
    connection: redis.Redis,
    settings: Settings | None = None,
    **options: Unpack[ReplayOptions],
) -> str:
    """Send a dead letter's message again and remove the letter.

    The new message has its own id, the dead one's as `causationId`, the same `correlationId`, and
    `replayOf` in its metadata. The dead job's record can still be read, keeps its attempts and its
    error, and says `replayed_as`, but it is no longer among RQ's failed ones, and does not run
    again.

    One that died in a stream goes back to it, for the group in which it died, unless an option says
    something of queues.

    Args:
        job_id: The letter's job.
        data: What to change in its data; objects are merged, null removes a field.
        by: Who does it, and why.
        connection: Where.
        settings: None means those of the environment.
        options: See `ReplayOptions`; what is left out is as the letter's sender chose.

    Returns:
        The new job's id.

    Raises:
        DeadLetterNotFound: If there is no such letter, or none any more.
        NotReplayable: If it holds no message.
        InvalidMessage: If the data does not fit the type. Nothing is changed.
        InvalidOption: If an option cannot be used. Nothing is changed.
        InvalidState: If the job was requeued and waits.
        LetterChanged: If somebody else keeps on changing the letter.
    """
    settings = settings or load_settings()
    with storage_errors():
        for _ in range(TRIES):
            stored = stored_text(job_id, connection=connection)
            letter = letter_of(stored)
            sent = _resent(letter, data, options, settings=settings)
            made = _entry(letter, data, sent, by)
            history = _history(letter, by.actor)
            if _send(sent, letter, stored, history, made, settings=settings, connection=connection):
                audit.tell(made)
                return sent.id
    raise changed_meanwhile(job_id)


def replay_silently(
    job_id: str,
    data: Mapping[str, Any] | None = None,
    *,
    actor: str,
    connection: redis.Redis,
    settings: Settings,
) -> bool:
    """As `replay`, for a bulk that has its own entry in the audit log.

    Args:
        job_id: The letter's job.
        data: What to change in its data; None changes nothing.
        actor: Who began the bulk.
        connection: Where.
        settings: Defaults and routes.

    Returns:
        False if the letter is gone: somebody replayed or purged it already.

    Raises:
        PostroomError: As `replay`.
    """
    for _ in range(TRIES):
        stored: Any = connection.get(keys.dead_letter(job_id))
        if stored is None:
            return False
        letter = letter_of(stored)
        sent = _resent(letter, data, {}, settings=settings)
        history = _history(letter, actor)
        if _send(sent, letter, stored, history, None, settings=settings, connection=connection):
            return True
    raise changed_meanwhile(job_id)


def check_replayable(
    letter: DeadLetter, data: Mapping[str, Any] | None = None, *, settings: Settings
) -> None:
    """Do all that a replay does, but for writing.

    Args:
        letter: The letter.
        data: What to change in its data; None changes nothing.
        settings: Defaults and routes.

    Raises:
        PostroomError: What `replay` would raise.
    """
    _resent(letter, data, {}, settings=settings)


def resent(
    letter: DeadLetter,
    data: Mapping[str, Any] | None,
    options: ReplayOptions,
    *,
    settings: Settings,
) -> JobRecord:
    """The job that sends a letter's message again, not yet stored, whatever lane it died in.

    Args:
        letter: The letter.
        data: What to change in its data; None changes nothing.
        options: What to do otherwise than the letter's sender chose.
        settings: Defaults and routes.

    Raises:
        PostroomError: What `replay` would raise.
    """
    message = successor(letter, data)
    chosen: EnqueueOptions = {**_as_before(letter), **options}
    for middleware in enqueue_middleware():
        message, chosen = middleware(message, chosen)
    return job_record(message, chosen, settings=settings)


def _resent(
    letter: DeadLetter,
    data: Mapping[str, Any] | None,
    options: ReplayOptions,
    *,
    settings: Settings,
) -> Resent:
    if not is_of_stream(letter) or options:
        return to_queue(resent(letter, data, options, settings=settings))
    message = successor(letter, data)
    for middleware in enqueue_middleware():
        message, _ = middleware(message, {})
    return to_stream(message, letter, settings=settings)


def _as_before(letter: DeadLetter) -> EnqueueOptions:
    if is_of_stream(letter):
        return {}
    queue, options = queue_of(letter.queue), dict[str, Any](letter.options)
    if NAME_PATTERN.fullmatch(queue):
        priority = letter.queue.removeprefix(queue).removeprefix(":")
        options |= {"queue": queue, "priority": priority or Priority.NORMAL}
    before: Any = options
    chosen: EnqueueOptions = before
    return chosen


def _entry(
    letter: DeadLetter,
    data: Mapping[str, Any] | None,
    sent: Resent,
    by: By,
) -> audit.AuditEntry:
    fields = changed_fields(changes(letter, data))
    return by.entry(
        "dead_letter.replay",
        target=letter.job_id,
        details={"messageType": letter.message_type, "newJobId": sent.id, "fields": fields},
    )


def _history(letter: DeadLetter, actor: str) -> tuple[str, str]:
    return replayed_now(actor.strip(), letter), history_of(letter)


def _send(  # noqa: PLR0913 - the facts of one replay
    sent: Resent,
    letter: DeadLetter,
    stored: bytes,
    history: tuple[str, str],
    made: audit.AuditEntry | None,
    *,
    settings: Settings,
    connection: redis.Redis,
) -> bool:
    """Do it in one step; returns False if the letter was changed since it was read."""
    entry, kept = audit.arguments(made) if made else ("", 0)
    job_id = letter.job_id
    outcome = connection.register_script(_script(sent))(
        keys=[
            *letter_keys(job_id),
            keys.job(job_id),
            keys.audit(),
            keys.dead_letter_left(job_id),
            keys.failed(letter.queue),
            keys.attempts(job_id),
            *sent.keys,
        ],
        args=[job_id, stored, entry, kept, seconds_remembered(settings), *history, *sent.arguments],
    )
    if outcome == b"requeued":
        raise InvalidState(
            f"Job {job_id} was requeued and waits for a worker; a replay would run it twice.",
            remedy="Let it run: its letter goes when it starts, and comes back if it fails again.",
        )
    if outcome == b"gone":
        raise not_found(job_id)
    return bool(outcome == b"replayed")


def _script(sent: Resent) -> str:
    rest = with_tenants("replay_letter")
    return f"local function enqueue(KEYS, ARGV)\n{sent.script}\nend\n{rest}"
