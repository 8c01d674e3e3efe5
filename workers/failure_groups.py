"""What people do with failures of one kind: mute them, mark them as mended, replay what died.

The scripts that end runs keep the groups themselves, a hash for each fingerprint, on the path of
failures only: see `note_failure` in lua/ending.lua. `monitoring/failures/` reads them.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import redis
from pydantic import JsonValue

from workers import audit, dead_letters, keys
from workers.audit import By
from workers.connection import default_connection, storage_errors
from workers.dead_letters import Bulk, Filter
from workers.dead_letters.bulk import Progress
from workers.errors import FailureGroupNotFound, InvalidOption
from workers.release import release_name
from workers.scripts import script
from workers.settings import Settings

GroupState = Literal["open", "muted", "fixed", "reopened"]
"""`reopened` is open, too: such failures came back though they were marked as mended."""

MOST_JOBS = 20
"""Ids of jobs that a group names, the newest ones."""


def mute(
    fingerprint: str,
    *,
    by: By,
    now: datetime | None = None,
    connection: redis.Redis | None = None,
) -> bool:
    """Leave a group out of what asks for attention, until somebody opens it. It is counted on.

    Args:
        fingerprint: The group's, 12 hexadecimal digits.
        by: Who does it, and why.
        now: The time; None asks the clock.
        connection: Where; None means the server that the settings name.

    Returns:
        False if it was muted already; then nothing is written down.

    Raises:
        FailureGroupNotFound: If there is no such group.
        InvalidOption: If the actor or the reason is empty.
    """
    return _mark(fingerprint, "muted", by=by, now=now, connection=connection)


def unmute(
    fingerprint: str,
    *,
    by: By,
    now: datetime | None = None,
    connection: redis.Redis | None = None,
) -> bool:
    """Open a group that was muted, or was marked as mended by mistake.

    Args:
        fingerprint: As for `mute`, like all that follow.
        by: Who does it, and why.
        now: The time; None asks the clock.
        connection: Where; None means the server that the settings name.

    Returns:
        False if it was open already, and never marked as mended.

    Raises:
        FailureGroupNotFound: If there is no such group.
        InvalidOption: If the actor or the reason is empty.
    """
    return _mark(fingerprint, "open", by=by, now=now, connection=connection)


def mark_fixed(
    fingerprint: str,
    version: str,
    *,
    by: By,
    now: datetime | None = None,
    connection: redis.Redis | None = None,
) -> bool:
    """Say in which release failures of a kind are mended.

    The group opens by itself, in the step that records the failure, if such a failure comes from
    that release or from one that was first seen after it; as long as that one was never seen, from
    any that was first seen after this call. Failures of older releases, which may still run, only
    count. A failure of an `unknown` release opens it, too.

    Args:
        fingerprint: As for `mute`, like those without a word here.
        version: The release, as CODE_VERSION names it; 1 to 100 characters.
        by: Who does it, and why.
        now: The time; None asks the clock.
        connection: Where; None means the server that the settings name.

    Returns:
        False if that was said already.

    Raises:
        FailureGroupNotFound: If there is no such group.
        InvalidOption: If the version, the actor or the reason is empty.
    """
    if not version.strip():
        raise InvalidOption(
            "The version is empty.",
            field="version",
            remedy="Name the release that mends it, as CODE_VERSION has it.",
        )
    return _mark(fingerprint, "fixed", release_name(version), by=by, now=now, connection=connection)


def replay(  # noqa: PLR0913 - as `replay_all`
    fingerprint: str,
    *,
    most: int | None = None,
    data: Mapping[str, Any] | None = None,
    rate: float | None = None,
    by: By,
    progress: Progress | None = None,
    connection: redis.Redis | None = None,
    settings: Settings | None = None,
) -> Bulk:
    """Send the messages again that died of a kind of failure, all or a few as a trial.

    Args:
        fingerprint: The group's, which may be gone by now.
        most: How many, the oldest first, from 1; None means all.
        data: What to change in the data of each: objects are merged, null removes a field.
        rate: How many a second at most, above 0; None means no limit.
        by: Who does it, and why.
        progress: Is told after each letter.
        connection: Where; None means the server that the settings name.
        settings: None means those of the environment.

    Returns:
        The letters that were replayed, and those that could not be.

    Raises:
        InvalidOption: If `most` or the rate is out of range.
    """
    return dead_letters.replay_all(
        Filter(fingerprint=fingerprint),
        most=most,
        data=data,
        rate=rate,
        by=by,
        progress=progress,
        connection=connection or default_connection(),
        settings=settings,
    )


def dry_replay(
    fingerprint: str,
    *,
    most: int | None = None,
    data: Mapping[str, Any] | None = None,
    connection: redis.Redis | None = None,
    settings: Settings | None = None,
) -> Bulk:
    """Tell which letters `replay` would send, and let it send just those.

    Args:
        fingerprint: As for `replay`, like all that follow.
        most: How many, the oldest first; None means all.
        data: What to change in the data of each; None changes nothing.
        connection: Where; None means the server that the settings name.
        settings: None means those of the environment.

    Raises:
        InvalidOption: If `most` is out of range.
    """
    return dead_letters.dry_replay(
        Filter(fingerprint=fingerprint),
        most=most,
        data=data,
        connection=connection or default_connection(),
        settings=settings,
    )


_ACTIONS = {"muted": "failure.mute", "open": "failure.unmute", "fixed": "failure.mark_fixed"}


def _mark(  # noqa: PLR0913 - what is said, by whom, where
    fingerprint: str,
    state: Literal["open", "muted", "fixed"],
    version: str = "",
    *,
    by: By,
    now: datetime | None,
    connection: redis.Redis | None,
) -> bool:
    details: dict[str, JsonValue] = {"version": version} if version else {}
    made = by.entry(_ACTIONS[state], target=fingerprint, details=details, now=now)
    said = json.dumps({"actor": made.actor, "reason": made.reason, "at": made.at})
    stored = "" if state == "open" else state
    connection = connection or default_connection()
    with storage_errors():
        done: Any = connection.register_script(script("workers", "mark_failures"))(
            keys=[keys.failure(fingerprint), keys.audit()],
            args=[stored, said, version, *audit.arguments(made)],
        )
    if done < 0:
        raise FailureGroupNotFound(
            f"There is no group of failures {fingerprint}.", field="fingerprint"
        )
    if done:
        audit.tell(made)
    return bool(done)
