"""Replaying and purging many dead letters: a fixed set, a rate, a dry run that shows that set."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import redis
from pydantic import JsonValue

from messages import PostroomError
from workers import audit, keys
from workers.audit import By
from workers.connection import storage_errors
from workers.dead_letters.errors import DeadLetterNotFound
from workers.dead_letters.letter import DeadLetter, letter_of
from workers.dead_letters.patches import patched_fields
from workers.dead_letters.removal import purge_many
from workers.dead_letters.replays import check_replayable, replay_silently
from workers.dead_letters.selection import Filter, forget, remember, remembered, snapshot
from workers.dead_letters.store import stored_text
from workers.errors import InvalidOption, StorageRefused, StorageUnavailable
from workers.settings import Settings, load_settings

Progress = Callable[[int, int | None], object]
"""Told how many letters are dealt with, and how many there are if that is known."""

_CHUNK = 100  # letters in memory at a time


@dataclass(frozen=True)
class Refusal:
    """A letter that stays where it is, and why."""

    job_id: str
    error: PostroomError


@dataclass(frozen=True)
class Bulk:
    """What was done, or would be done.

    Args:
        job_ids: The letters' jobs, oldest first.
        refused: Those that cannot be replayed as they are.
    """

    job_ids: Sequence[str]
    refused: Sequence[Refusal] = ()


def dry_replay(
    wanted: Filter,
    *,
    most: int | None = None,
    data: Mapping[str, Any] | None = None,
    connection: redis.Redis,
    settings: Settings | None = None,
) -> Bulk:
    """Tell which letters `replay_all` would replay, and let it replay just those.

    Letters that come later are not among them, if it runs within `PLAN_SECONDS`.

    Args:
        wanted: Which letters.
        most: How many, the oldest first, from 1; None means all.
        data: What to change in the data of each, as in `replay`; None changes nothing.
        connection: Where.
        settings: None means those of the environment.

    Returns:
        The letters that it would replay, and those that it could not, as where the change does not
        fit.

    Raises:
        InvalidOption: If `most` is below 1.
    """
    _check_most(most)
    settings = settings or load_settings()
    good: list[str] = []
    refused: list[Refusal] = []
    with storage_errors():
        ids = snapshot(wanted, connection=connection)[:most]
        for letter in _letters(ids, connection):
            try:
                check_replayable(letter, data, settings=settings)
                good.append(letter.job_id)
            except PostroomError as error:
                refused.append(Refusal(letter.job_id, error))
        # The refused as well, so that the run tells of them, too: it makes the same check.
        remember(_replay(most, data), wanted, ids, connection=connection)
    return Bulk(good, refused)


def replay_all(  # noqa: PLR0913 - what a bulk is told
    wanted: Filter,
    *,
    most: int | None = None,
    data: Mapping[str, Any] | None = None,
    rate: float | None = None,
    by: By,
    progress: Progress | None = None,
    connection: redis.Redis,
    settings: Settings | None = None,
) -> Bulk:
    """Replay the letters that are there now, oldest first; after a dry run, those that it showed.

    Killed and started again, it replays each letter once.

    Args:
        wanted: Which letters.
        most: How many, the oldest first, from 1: a trial; None means all.
        data: What to change in the data of each, as in `replay`; None changes nothing.
        rate: How many a second at most, above 0; None means no limit.
        by: Who does it, and why.
        progress: Is told after each letter.
        connection: Where.
        settings: None means those of the environment.

    Returns:
        The letters that this call replayed, and those that it could not.

    Raises:
        InvalidOption: If the rate is not above 0, or `most` is below 1.
        StorageUnavailable: If Redis does not answer; start it again to go on.
        StorageRefused: If Redis is full; start it again to go on.
    """
    settings = settings or load_settings()
    good: list[str] = []
    refused: list[Refusal] = []
    _check_rate(rate)
    _check_most(most)
    with storage_errors():
        ids = _planned(_replay(most, data), wanted, connection)[:most]
        _record("dead_letter.replay_all", wanted, len(ids), by, connection, data)
        for index, job_id in enumerate(_paced(ids, rate)):
            try:
                if replay_silently(
                    job_id, data, actor=by.actor, connection=connection, settings=settings
                ):
                    good.append(job_id)
            except (StorageUnavailable, StorageRefused):
                raise
            except DeadLetterNotFound:  # somebody else was quicker
                pass
            except PostroomError as error:
                refused.append(Refusal(job_id, error))
            _tell(progress, index + 1, len(ids))
        forget(_replay(most, data), wanted, connection=connection)
        _record_end("dead_letter.replay_all", wanted, ids, by, connection)
    return Bulk(good, refused)


def purge(job_id: str, *, by: By, connection: redis.Redis) -> None:
    """Remove a letter for good, and its job from RQ's failed ones.

    Args:
        job_id: Its job.
        by: Who does it, and why.
        connection: Where.

    Raises:
        DeadLetterNotFound: If there is none.
    """
    made = by.entry("dead_letter.purge", target=job_id)
    with storage_errors():
        stored_text(job_id, connection=connection)
        purge_many([job_id], made=made, connection=connection)
    audit.tell(made)


def dry_purge(wanted: Filter, *, connection: redis.Redis) -> Bulk:
    """Tell which letters `purge_all` would remove, and let it remove just those.

    Args:
        wanted: Which letters.
        connection: Where.
    """
    with storage_errors():
        ids = snapshot(wanted, connection=connection)
        remember("purge", wanted, ids, connection=connection)
    return Bulk(ids)


def purge_all(
    wanted: Filter,
    *,
    by: By,
    progress: Progress | None = None,
    connection: redis.Redis,
) -> Bulk:
    """Remove the letters that are there now; after a dry run, those that it showed.

    Args:
        wanted: Which letters.
        by: Who does it, and why.
        progress: Is told after each hundred.
        connection: Where.

    Returns:
        The letters that were meant.
    """
    with storage_errors():
        ids = _planned("purge", wanted, connection)
        _record("dead_letter.purge_all", wanted, len(ids), by, connection)
        for index, chunk in enumerate(_chunks(ids)):
            purge_many(chunk, connection=connection)
            _tell(progress, index * _CHUNK + len(chunk), len(ids))
        forget("purge", wanted, connection=connection)
        _record_end("dead_letter.purge_all", wanted, ids, by, connection)
    return Bulk(ids)


def _replay(most: int | None, data: Mapping[str, Any] | None) -> str:
    # A trial, a replay of all, and one with a change have plans of their own.
    name = "replay" if most is None else f"replay {most}"
    return name if data is None else f"{name} {json.dumps(data, sort_keys=True)}"


def _planned(action: str, wanted: Filter, connection: redis.Redis) -> list[str]:
    shown = remembered(action, wanted, connection=connection)
    if shown is None:
        return snapshot(wanted, connection=connection)
    return shown if wanted.tenant is None else list(_still_there(shown, wanted, connection))


def _still_there(ids: Sequence[str], wanted: Filter, connection: redis.Redis) -> Iterator[str]:
    """Those that are the tenant's still: an edit since the dry run may have given one away."""
    for chunk in _chunks(ids):
        scores: Any = connection.zmscore(wanted.key, chunk)
        yield from (
            job_id for job_id, score in zip(chunk, scores, strict=True) if score is not None
        )


def _letters(ids: Sequence[str], connection: redis.Redis) -> Iterator[DeadLetter]:
    for chunk in _chunks(ids):
        texts: Any = connection.mget([keys.dead_letter(job_id) for job_id in chunk])
        yield from (letter_of(text) for text in texts if text is not None)


def _chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _record(  # noqa: PLR0913, PLR0917 - the facts of one bulk
    action: str,
    wanted: Filter,
    count: int,
    by: By,
    connection: redis.Redis,
    data: Mapping[str, Any] | None = None,
) -> None:
    # Before the first letter: a bulk that is killed half-way has been begun by somebody, too.
    fields: dict[str, JsonValue] = {} if data is None else {"fields": patched_fields(data)}
    by.record(
        action,
        target="dead letters",
        details={"filter": dict[str, JsonValue](wanted.described()), "letters": count, **fields},
        connection=connection,
    )


def _check_rate(rate: float | None) -> None:
    if rate is not None and not rate > 0:
        raise InvalidOption(
            f"The rate is {rate}.", field="rate", remedy="Use a number of letters a second above 0."
        )


def _check_most(most: int | None) -> None:
    if most is not None and most < 1:
        raise InvalidOption(
            f"{most} letters are none.", field="most", remedy="Use 1 or more, or leave it out."
        )


def _paced(ids: Sequence[str], rate: float | None) -> Iterator[str]:
    begin = time.monotonic()
    for index, job_id in enumerate(ids):
        if rate is not None:
            time.sleep(max(0.0, begin + index / rate - time.monotonic()))
        yield job_id


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def _record_end(
    action: str, wanted: Filter, ids: Sequence[str], by: By, connection: redis.Redis
) -> None:
    left = sum(1 for _ in _still_there(ids, wanted, connection))
    by.record_end(action, target="dead letters", before=len(ids), after=left, connection=connection)
