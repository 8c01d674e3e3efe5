"""Where dead letters are kept: into Redis once, out of it by replay, purge or age only."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import redis

from workers import keys
from workers.dead_letters.ending import Ending
from workers.dead_letters.errors import AlreadyReplayed, DeadLetterNotFound
from workers.dead_letters.letter import (
    DeadLetter,
    as_text,
    letter_of,
    summary,
    tenant_of,
)
from workers.dead_letters.spill import spill
from workers.engine_settings import DAY
from workers.logger import get_logger
from workers.scripts import script
from workers.settings import Settings, load_settings
from workers.tenant_keys import dead_letters_of
from workers.tenants import tenant_mark

log = get_logger("postroom.dead_letters")

BURIED = "buried"
"""The field of a job's meta that says it has a dead letter."""

_STORED, _FULL = 1, -1
_UNLIMITED = ""


def bury(
    letter: DeadLetter,
    *,
    meta: dict[str, Any],
    connection: redis.Redis,
    settings: Settings | None = None,
    ending: Ending | None = None,
) -> bool:
    """Store a dead letter. Safe to call twice for one job.

    The job's history moves into the letter, so a job that is requeued starts afresh. Above
    DEAD_LETTER_LIMIT the whole letter goes to the spill file, and Redis keeps what lists show.

    Args:
        letter: What died, and why.
        meta: The job's meta; its record in Redis, if there still is one, is marked as buried.
        connection: Where.
        settings: The limit and the file; None means those of the environment.
        ending: The end of the job's run; None if no run of ours ends.

    Returns:
        False if this job was buried already, or if another worker has it.
    """
    settings = settings or load_settings()
    meta[BURIED] = letter.reason
    text = json.dumps(meta, default=_as_text)
    limit = settings.dead_letter_limit
    stored = _bury(letter, text, ending, limit=limit, connection=connection)
    if stored == _FULL:
        kept = _spilled(letter, settings)
        stored = _bury(kept, text, ending, limit=_UNLIMITED, connection=connection)
    return stored == _STORED


def _bury(
    letter: DeadLetter,
    meta: str,
    ending: Ending | None,
    *,
    limit: int | str,
    connection: redis.Redis,
) -> int:
    text = with_tenants("bury")
    if ending is not None:
        text = ending.script + text
    stored: int = connection.register_script(text)(
        keys=[
            *letter_keys(letter.job_id),
            keys.job(letter.job_id),
            keys.attempts(letter.job_id),
            keys.dead_letter_left(letter.job_id),
        ],
        args=[
            letter.job_id,
            score(letter),
            as_text(letter),
            as_text(summary(letter)),
            int(letter.spilled),
            limit,
            meta,
            "" if ending is None else ending.run,
        ],
    )
    return stored


def _spilled(letter: DeadLetter, settings: Settings) -> DeadLetter:
    path = settings.dead_letter_spill
    try:
        spill(as_text(letter), path)
    except OSError as error:
        # Rather too much memory than a lost message.
        log.exception("dead_letter_not_spilled", job_id=letter.job_id, error=str(error))
        return letter
    log.error("dead_letter_spilled", job_id=letter.job_id, file=str(path))
    return replace(
        letter,
        envelope=None,
        traceback="",
        attempts=(),
        options={},
        edits=(),
        spilled=True,
        tenant=tenant_of(letter),
    )


def with_tenants(name: str) -> str:
    """A script that moves letters, behind the functions that keep the lists of tenants.

    Args:
        name: Of the script.
    """
    return script("workers", "tenant_letters") + script("workers", name)


def letter_keys(job_id: str) -> Sequence[str]:
    """The keys that hold one letter, in the order that the scripts expect."""
    return (
        keys.dead_letters(),
        keys.dead_letter(job_id),
        keys.dead_letter_index(),
        keys.dead_letters_spilled(),
        dead_letters_of(""),  # what the key of a tenant's letters begins with
    )


def score(letter: DeadLetter) -> float:
    """The letter's place among the others: when it was buried, in Unix seconds."""
    return datetime.fromisoformat(letter.buried_at).timestamp()


def _as_text(value: object) -> str:
    # RQ keeps the bytes of a meta that it cannot read, such as a pickle.
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def find(job_id: str, *, connection: redis.Redis) -> DeadLetter | None:
    """The dead letter of a job.

    Args:
        job_id: The job.
        connection: Where.

    Returns:
        The letter, or None if the job has none.
    """
    stored: Any = connection.get(keys.dead_letter(job_id))
    return None if stored is None else letter_of(stored)


def stored_text(job_id: str, *, connection: redis.Redis) -> bytes:
    """A letter as it is stored.

    Args:
        job_id: The job.
        connection: Where.

    Raises:
        DeadLetterNotFound: If the job has none.
    """
    stored: Any = connection.get(keys.dead_letter(job_id))
    if stored is None:
        raise not_found(job_id)
    return bytes(stored)


def not_found(job_id: str) -> DeadLetterNotFound:
    """The error for a job without a letter."""
    return DeadLetterNotFound(f"There is no dead letter of a job {job_id}.", field="job_id")


def count(*, tenant: str | None = None, connection: redis.Redis) -> int:
    """How many dead letters there are, those in the spill file included.

    Args:
        tenant: Only those of this tenant.
        connection: Where.
    """
    key = keys.dead_letters() if tenant is None else dead_letters_of(tenant_mark(tenant))
    return int(connection.zcard(key))


def count_spilled(*, connection: redis.Redis) -> int:
    """How many of them stand in the spill file only: `dead_letters_spilled`."""
    spilled: Any = connection.scard(keys.dead_letters_spilled())
    return int(spilled)


def newest(limit: int, *, connection: redis.Redis) -> Iterator[DeadLetter]:
    """The dead letters buried last.

    Args:
        limit: How many at most, 1 to 1,000; all are read at once.
        connection: Where.

    Yields:
        Letters, newest first.
    """
    ids: Any = connection.zrevrange(keys.dead_letters(), 0, limit - 1)
    with connection.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.get(keys.dead_letter(job_id.decode()))
        stored = pipe.execute() if ids else []
    yield from (letter_of(text) for text in stored if text is not None)


def resolve(job_id: str, *, connection: redis.Redis, settings: Settings | None = None) -> bool:
    """Remove a letter whose job runs again.

    Args:
        job_id: The job.
        connection: Where.
        settings: How long letters are kept; None means those of the environment.

    Returns:
        False if it has none.

    Raises:
        AlreadyReplayed: If the letter was replayed: another job runs its message.
    """
    outcome: Any = connection.register_script(with_tenants("resolve_letter"))(
        keys=[*letter_keys(job_id), keys.dead_letter_left(job_id), keys.job(job_id)],
        args=[job_id, seconds_remembered(settings or load_settings())],
    )
    how, _, successor = outcome.decode().partition(" ")
    if successor:
        raise AlreadyReplayed(
            f"Job {job_id} was replayed as job {successor}, so it does not run again.",
            field="job_id",
            remedy=f"Look at that one: `postroom job {successor}`.",
        )
    return bool(how == "resolved")


def seconds_remembered(settings: Settings) -> int:
    """How long it is remembered how a letter left: as long as another would have been kept."""
    return settings.dead_letter_days * DAY
