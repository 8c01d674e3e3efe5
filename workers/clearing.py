"""Clear a queue: remove its ended jobs, or, when told so twice, those that wait.

In short steps, so that other clients are served between them. Dead letters stay: they have a purge
of their own. Running, delayed and deferred jobs are never touched.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import redis

from messages import PostroomError
from workers import keys
from workers.audit import By
from workers.connection import default_connection, storage_errors
from workers.dependents import settle_dependents
from workers.discarding import discard
from workers.errors import InvalidOption
from workers.pauses import held_sets
from workers.routing import Priority, list_name, queue_of
from workers.scripts import script
from workers.settings import Settings, load_settings

What = Literal["completed", "failed", "all", "waiting"]

AT_ONCE = 500
"""Jobs that one step removes: some ms for the server."""
_SHOWN = 20


class ClearRefused(PostroomError):
    """A queue of a production installation is not cleared unless that is allowed."""

    code = "clear_refused"
    remedy_text = "Set ALLOW_CLEAR=1 for this one command if you are sure."


@dataclass(frozen=True)
class Cleared:
    """How many jobs were removed."""

    completed: int = 0
    failed: int = 0
    waiting: int = 0


def clear(  # noqa: PLR0913 - what, by whom, when, where
    queue: str,
    what: What = "all",
    *,
    waiting: bool = False,
    by: By,
    now: datetime | None = None,
    settings: Settings | None = None,
    connection: redis.Redis | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Cleared:
    """Remove a queue's completed or failed jobs with their records.

    The audit entry is written first, with the counts found, so that nothing goes without one.
    What comes after a list was counted stays.

    Args:
        queue: Its name without priority; its three lists are cleared.
        what: `completed`, `failed`, `all`, which is both and never more than that, or `waiting`:
            only those that never ran.
        waiting: Whether to remove those that wait as well. They are lost: they never ran.
        by: Who does it, and why.
        now: The time; None asks the clock.
        settings: ENVIRONMENT and ALLOW_CLEAR; None means those of this process.
        connection: Where; None means the server that the settings name.
        progress: Called after each step with how many jobs are removed, and how many were found.

    Returns:
        How many were removed.

    Raises:
        ClearRefused: If ENVIRONMENT is production and ALLOW_CLEAR is not set.
        InvalidOption: If the queue is one list of a queue, or the actor or the reason is empty.
    """
    _check(queue, what)
    _allowed(queue, settings or load_settings())
    connection = connection or default_connection()
    waiting, lists = waiting or what == "waiting", _lists(queue)
    with storage_errors():
        found = _found(lists, what, waiting=waiting, connection=connection)
        by.record(
            "queue.clear",
            target=queue,
            details={"what": what, "waiting": waiting, "found": {**found}},
            now=now,
            connection=connection,
        )
        report = _counting(progress or (lambda _done, _total: None), sum(found.values()))
        ended = _ended(what)
        removed = {
            name: sum(_clear_ended(registry(each), connection, report) for each in lists)
            for name, registry in ended.items()
        }
        if waiting:
            removed["waiting"] = sum(_clear_waiting(each, connection, report) for each in lists)
        left = _found(lists, what, waiting=waiting, connection=connection)
        by.record_end(
            "queue.clear", target=queue, before=found, after=left, now=now, connection=connection
        )
    return Cleared(**removed)


@dataclass(frozen=True)
class Clearable:
    """What would be removed.

    Args:
        counts: By kind: `completed`, `failed`, `waiting`.
        sample: The ids of 20 of these jobs at most.
    """

    counts: Mapping[str, int]
    sample: Sequence[str]


def dry_clear(
    queue: str,
    what: What = "all",
    *,
    waiting: bool = False,
    settings: Settings | None = None,
    connection: redis.Redis | None = None,
) -> Clearable:
    """Look what `clear` would remove, and remove nothing.

    Args:
        queue: As for `clear`.
        what: As for `clear`.
        waiting: As for `clear`.
        settings: As for `clear`.
        connection: As for `clear`.

    Raises:
        ClearRefused: If `clear` would be refused.
        InvalidOption: If the queue is one list of a queue.
    """
    _check(queue, what)
    _allowed(queue, settings or load_settings())
    connection = connection or default_connection()
    waiting, lists = waiting or what == "waiting", _lists(queue)
    with storage_errors():
        places = [of(name) for of in _ended(what).values() for name in lists]
        if waiting:
            places += [key for name in lists for key in _waiting(name, connection)]
        ids = [each for key in places for each in _some(key, connection)]
        found = _found(lists, what, waiting=waiting, connection=connection)
    return Clearable(found, [each.decode() for each in ids[:_SHOWN]])


def clear_list(
    name: str,
    what: Literal["finished", "failed", "canceled"],
    *,
    by: By,
    settings: Settings,
    connection: redis.Redis,
) -> int:
    """Remove the ended jobs of one list with their records.

    Args:
        name: The list's name, such as `email:high`.
        what: How they ended.
        by: Who does it, and why.
        settings: ENVIRONMENT and ALLOW_CLEAR.
        connection: Where.

    Returns:
        How many were removed.

    Raises:
        ClearRefused: If ENVIRONMENT is production and ALLOW_CLEAR is not set.
        InvalidOption: If the name, the actor or the reason is empty.
    """
    _allowed(name, settings)
    of = {"finished": keys.finished, "failed": keys.failed, "canceled": keys.canceled}
    registry = of[what](name)
    with storage_errors():
        found = _size(registry, connection)
        details = {"what": what, "found": found}
        by.record("queue.clear", target=name, details=details, connection=connection)
        removed = _clear_ended(registry, connection, lambda _: None)
        left = _size(registry, connection)
        by.record_end("queue.clear", target=name, before=found, after=left, connection=connection)
    return removed


def _lists(queue: str) -> Sequence[str]:
    return [list_name(queue, priority) for priority in Priority]


def _check(queue: str, what: str) -> None:
    if queue_of(queue) != queue or not queue:
        raise InvalidOption(
            f"{queue!r} is not the name of a queue.",
            field="queue",
            remedy="Name it without :high or :low: its three lists are cleared together.",
        )
    if what not in get_args(What):
        raise InvalidOption(
            f"{what!r} cannot be cleared.",
            field="what",
            remedy=f"Use {', '.join(get_args(What))}.",
        )


def _allowed(queue: str, settings: Settings) -> None:
    if settings.environment.strip().lower() == "production" and not settings.allow_clear:
        raise ClearRefused(f"ENVIRONMENT is production, so {queue} is not cleared.")


def _counting(progress: Callable[[int, int], object], total: int) -> Callable[[int], object]:
    counts = [0]

    def report(count: int) -> None:
        counts[0] += count
        progress(counts[0], total)

    return report


def _ended(what: What) -> Mapping[str, Callable[[str], str]]:
    registries = {"completed": keys.finished, "failed": keys.failed}
    return {name: of for name, of in registries.items() if what in {name, "all"}}


def _found(
    lists: Sequence[str], what: What, *, waiting: bool, connection: redis.Redis
) -> dict[str, int]:
    found = {
        name: sum(_size(registry(each), connection) for each in lists)
        for name, registry in _ended(what).items()
    }
    if waiting:
        places = [key for name in lists for key in _waiting(name, connection)]
        found["waiting"] = sum(_size(key, connection) for key in places)
    return found


def _waiting(name: str, connection: redis.Redis) -> Sequence[str]:
    return (keys.queue(name), *held_sets(name, connection=connection))


def _size(key: str, connection: redis.Redis) -> int:
    kind: Any = connection.type(key)
    return int(connection.llen(key) if kind == b"list" else connection.zcard(key))


def _some(key: str, connection: redis.Redis) -> Sequence[bytes]:
    kind: Any = connection.type(key)
    read = connection.lrange if kind == b"list" else connection.zrange
    ids: Any = read(key, 0, _SHOWN - 1)
    return list(ids)


def _clear_ended(registry: str, connection: redis.Redis, report: Callable[[int], object]) -> int:
    removed, left = 0, _size(registry, connection)
    while left > 0 and (ids := _first(registry, min(AT_ONCE, left), connection)):
        done = discard(registry, ids, connection=connection)
        report(done)
        removed, left = removed + done, left - len(ids)
    return removed


def _first(registry: str, count: int, connection: redis.Redis) -> Sequence[bytes]:
    ids: Any = connection.zrange(registry, 0, count - 1)
    found: Sequence[bytes] = ids
    return found


def _clear_waiting(name: str, connection: redis.Redis, report: Callable[[int], object]) -> int:
    removed = 0
    for key in _waiting(name, connection):
        left = _size(key, connection)
        while left > 0 and (done := _empty(key, left, connection)):
            report(done)
            removed, left = removed + done, left - done
    return removed


def _empty(key: str, most: int, connection: redis.Redis) -> int:
    others = (keys.attempts, keys.progress, keys.job_log)
    answer: Any = connection.register_script(script("workers", "empty"))(
        keys=[key],
        args=[min(AT_ONCE, most), keys.job_prefix(), *(of("") for of in others)],
    )
    for parent in answer[1:]:
        settle_dependents(parent.decode(), connection=connection)
        connection.unlink(keys.dependents(parent.decode()))
    return int(answer[0])
