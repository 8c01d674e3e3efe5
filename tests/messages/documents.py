"""Messages in wire form, written by hand, and values to spoil them with."""

import json
from copy import deepcopy
from typing import Any

Document = dict[str, Any]
Path = tuple[str | int, ...]

DATA: dict[str, Document] = {
    "TEST": {
        "testType": "echo",
        "payload": {"field": "name", "oldValue": 1, "newValue": "b", "more": True},
    },
    "WORKOUT_UPDATE": {
        "exercisePlanId": "plan-1",
        "phaseId": "phase-2",
        "sessionId": "session-3",
        "exerciseId": "exercise-4",
        "changes": {
            "sets": 4,
            "reps": 12,
            "weight": 62.5,
            "duration": 30.0,
            "rest": 90.0,
            "notes": "slowly",
            "tempo": "3-1-3",
        },
    },
    "USER_ACTION": {
        "action": "session_completed",
        "entityType": "session",
        "entityId": "session-3",
        "payload": {"minutes": 48, "laps": [1, 2.5, None, {"split": True}]},
    },
    "NOTIFICATION": {
        "recipientId": "user-5",
        "title": "Done",
        "message": "Well done.",
        "type": "success",
        "actionUrl": "/workouts",
    },
    "EMAIL": {
        "to": "ada@example.com",
        "subject": "Your week",
        "template": "weekly_summary",
        "templateData": {"name": "Ada", "days": ["Mon", "Wed"]},
    },
    "DATA_SYNC": {
        "syncType": "backup",
        "entityType": "note",
        "entityIds": ["note-1", "note-2"],
        "destination": "file:///backups/notes.json",
    },
    "NOTE_ENRICHMENT": {"noteId": "note-6"},
    "ACTIVITY_SCHEMA": {"activityId": "activity-7"},
    "MESSAGE_SCAN": {"guildId": "123", "channelId": "456", "messageIds": ["9001", "9002"]},
    "THUMBNAIL_RETRY": {"guildId": "123", "channelId": "456", "messageIds": ["9001"]},
    "BUILD": {
        "jobType": "test",
        "repository": "raibid-labs/raibid-cli",
        "branch": "main",
        "commit": "7629e52",
        "config": {
            "build_steps": ["cargo build --release", "cargo test"],
            "cache_enabled": True,
            "timeout_minutes": 30,
        },
        "priority": "normal",
    },
}
"""One data object of each type, with every field it may have."""


def document(kind: str) -> Document:
    """A message of one type with every field there is."""
    return {
        "messageId": "01a20000-0000-7000-8000-000000000001",
        "messageType": kind,
        "timestamp": "2026-01-15T12:00:00.250000Z",
        "schemaVersion": 1,
        "userId": "user-5",
        "metadata": {"tenant": "acme", "tags": ["a", "b"]},
        "correlationId": "c-1",
        "causationId": "c-2",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "data": deepcopy(DATA[kind]),
    }


def encode(value: Any) -> bytes:
    """JSON as a careless program writes it: NaN and lone surrogates pass."""
    return json.dumps(value).encode()


def paths(value: Any, here: Path = ()) -> list[Path]:
    """Every place in a document, the whole of it first."""
    if isinstance(value, dict):
        return [here, *(path for key in value for path in paths(value[key], (*here, key)))]
    if isinstance(value, list):
        return [here, *(path for i, item in enumerate(value) for path in paths(item, (*here, i)))]
    return [here]


def replaced(value: Any, path: Path, new: Any) -> Any:
    """A copy with another value at one place."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def without(value: Any, path: Path) -> Any:
    """A copy that lacks one place."""
    copy = value.copy()
    if len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = without(value[path[0]], path[1:])
    return copy


def at(value: Any, path: Path) -> Any:
    """The value at one place."""
    for step in path:
        value = value[step]
    return value


def nested(levels: int) -> Document:
    """An object in an object, so many in all."""
    value: Document = {}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


JUNK: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1,
    1_001,
    10**30,
    0.5,
    2.0,
    float("nan"),
    float("-inf"),
    "",
    "a",
    "user_name",
    "line\nbreak",
    "line\n",
    "a@b",
    "two@at@signs",
    "\x00",
    "\ud800",
    "1700000000",
    "2026-01-15",
    "2026-01-15T12:00:00",
    "2026-13-15T12:00:00Z",
    "2026-02-30T12:00:00Z",
    "2026-01-15T12:00:00+02:00",
    "EMAIL",
    "NO_SUCH_TYPE",
    "Backup",
    "x" * 129,
    "x" * 2_001,
    "x" * 10_001,
    [],
    [1],
    ["a"],
    [None, {"a": ["b"]}],
    {},
    {"a": 1},
    {"a": None},
    {"int": [1]},
    {"unknown": {"deep": [1]}},
    {"nan": float("nan")},
    nested(61),
    nested(62),
    nested(63),
    nested(64),
    nested(150),
    nested(400),
)
"""Values that some fields take and others refuse."""
