"""The groups of failures as Redis has them, and what lists show of one."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

import redis

from monitoring.answers import as_text
from workers import keys
from workers.clock import shown_text, shown_time
from workers.failure_groups import GroupState

JsonDict = dict[str, Any]

Stored = Mapping[str, str]
"""The fields of a group's hash."""

_CHUNK = 500  # groups read in one round trip
_FIELDS = (
    *("first", "last", "count", "type", "class", "text", "place", "queues", "releases"),
    *("state", "fixed_in", "reopened", "reopened_in", "said"),
)


def read_groups(*, connection: redis.Redis) -> Sequence[tuple[str, Stored]]:
    """All groups, the newest failure first, in up to 3 round trips.

    Args:
        connection: Where.

    Returns:
        Fingerprints, and the fields of their hashes that lists show.
    """
    told: Any = connection.zrevrange(keys.failures(), 0, -1)
    names = [as_text(name) for name in told]
    found: list[tuple[str, Stored]] = []
    for begin in range(0, len(names), _CHUNK):
        chunk = names[begin : begin + _CHUNK]
        with connection.pipeline(transaction=False) as pipe:
            for name in chunk:
                pipe.hmget(keys.failure(name), _FIELDS)
            answers = pipe.execute()
        for name, values in zip(chunk, answers, strict=True):
            if values[0] is not None:  # else its time is over
                pairs = zip(_FIELDS, values, strict=True)
                found.append((name, {field: as_text(value) for field, value in pairs if value}))
    return found


def state_of(group: Stored) -> GroupState:
    """What a group is: open, muted, fixed or reopened."""
    known: GroupState = next(
        (each for each in get_args(GroupState) if each == group.get("state")), "open"
    )
    return known


def shown(name: str, group: Stored) -> JsonDict:
    """What lists show of a group.

    Args:
        name: Its fingerprint.
        group: Its fields.
    """
    return {
        "fingerprint": name,
        "messageType": group["type"],
        "errorType": group["class"],
        "message": group.get("text", ""),
        "place": group.get("place"),
        "count": int(group["count"]),
        "firstSeen": moment(group["first"]),
        "lastSeen": moment(group["last"]),
        "queues": lines(group, "queues"),
        "releases": lines(group, "releases"),
        "state": state_of(group),
        "fixedIn": group.get("fixed_in"),
        "reopenedAt": moment(group.get("reopened")),
        "reopenedIn": group.get("reopened_in"),
        "by": _said(group.get("said")),
    }


def lines(group: Stored, field: str) -> list[str]:
    """The values of a field that has one a line.

    Args:
        group: The group.
        field: Its name.
    """
    return [line for line in group.get(field, "").split("\n") if line]


def _said(stored: str | None) -> JsonDict | None:
    told: JsonDict | None = json.loads(stored or "null")
    return told and {**told, "at": shown_text(told["at"])}


def moment(milliseconds: str | None) -> str | None:
    """A time of a group as it is shown; None if there is none."""
    if milliseconds is None:
        return None
    return shown_time(datetime.fromtimestamp(int(milliseconds) / 1000, UTC))
