"""The entries of streams for people: their content, secrets masked, and how far each is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from messages.masking import masked, masked_by_name
from monitoring.stream_groups import Group, numbers, text
from monitoring.stream_reading import Plan, Question, known
from workers.streams import layouts
from workers.streams.depths import is_lower
from workers.streams.naming import Naming
from workers.streams.wire import class_of, envelope_of, shown

_MOST_PENDING = 1_000  # rows of the pending list that are compared with the entries of a look

Entry = tuple[str, Mapping[bytes | str, bytes | str]]


@dataclass(frozen=True)
class Look:
    """Some entries of one stream, for one group.

    Args:
        stream: The stream's key.
        group: The group; without one everything waits.
        entries: What was found.
    """

    stream: str
    group: Group | None
    entries: Sequence[Entry] = ()


def looks(
    wanted: Sequence[Look], count: int, *, reverse: bool
) -> Plan[Sequence[tuple[Look, Mapping[str, dict[str, Any]]]]]:
    """Look at entries of streams, and how far each is.

    Args:
        wanted: The streams with their groups.
        count: Entries of each at most.
        reverse: Whether the newest come first.

    Returns:
        The entries, and per entry `{"name": "waiting"}`, `{"name": "done"}`, or `pending` with the
        consumer that has it, how long it has it in ms, and how often it was delivered.
    """
    answers = yield [_entries_of(look.stream, count, reverse=reverse) for look in wanted]
    found = [
        replace(look, entries=[(text(entry), fields or {}) for entry, fields in known(each, ())])
        for look, each in zip(wanted, answers, strict=True)
    ]
    in_hand = [look for look in found if look.group and look.group.pending and look.entries]
    rows = (yield [_pending_of(look) for look in in_hand]) if in_hand else []
    pending = {
        look.stream: {text(row["message_id"]): _pending(row) for row in known(each, ())}
        for look, each in zip(in_hand, rows, strict=True)
    }
    return [
        (
            look,
            {
                entry: _state(entry, look.group, pending.get(look.stream, {}))
                for entry, _ in look.entries
            },
        )
        for look in found
    ]


def _entries_of(stream: str, count: int, *, reverse: bool) -> Question:
    if reverse:
        return lambda pipe: pipe.xrevrange(stream, count=count)
    return lambda pipe: pipe.xrange(stream, count=count)


def _pending_of(look: Look) -> Question:
    ids = sorted((entry for entry, _ in look.entries), key=numbers)
    name = look.group.asked_as if look.group else ""
    return lambda pipe: pipe.xpending_range(look.stream, name, ids[0], ids[-1], _MOST_PENDING)


def job(stream: str, entry: Entry, state: Mapping[str, Any], naming: Naming) -> dict[str, Any]:
    """An entry as `peek_jobs` shows it.

    Args:
        stream: The stream's key.
        entry: The entry.
        state: How far it is.
        naming: What the stream's key says.
    """
    entry_id, fields = entry
    flat = [_stored(part) for pair in fields.items() for part in pair]
    data = _data(flat, entry_id)
    job_type = data.pop("job_type", "")
    if "type" in data:  # the message's own field of that name
        data["data.type"] = data.pop("type")
    job_id = data.pop("job_id", entry_id)
    name = naming.read(stream)
    known_parts = {
        "guild_id": data.get("guild_id") or name.tenant or None,
        "channel_id": data.get("channel_id"),
        "job_type": job_type or name.job_type or None,
        "job_id": job_id,
    }
    return {
        "stream_name": stream,
        "message_id": entry_id,
        "job_data": {"job_id": job_id, "type": job_type, **data},
        "metadata": {key: value for key, value in known_parts.items() if value is not None},
        "state": dict(state),
    }


def _stored(part: bytes | str) -> bytes:
    return part.encode() if isinstance(part, str) else part  # read by a client that decodes


def _data(flat: Sequence[bytes], entry_id: str) -> dict[str, Any]:
    """The fields of an entry by name; secrets are masked."""
    found = shown(flat)
    cls = class_of(str(found.get("job_type", "")))
    if cls is None:
        hidden: dict[str, Any] = masked_by_name(found)
        return hidden
    try:
        data = masked(json.loads(envelope_of(flat, entry_id)))["data"]
    except ValueError:  # bytes that are no text
        return {name: found[name] for name in ("job_id", "job_type") if name in found}
    for place in layouts.known().data_of(cls):
        if place.flat in found and place.wire in data:
            found[place.flat] = data[place.wire]
    return found


def _pending(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": "pending",
        "consumer": text(row["consumer"]),
        "idle_ms": int(row["time_since_delivered"]),
        "deliveries": int(row["times_delivered"]),
    }


def _state(
    entry: str, group: Group | None, pending: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    if entry in pending:
        return pending[entry]
    if group is None or is_lower(group.delivered, entry):
        return {"name": "waiting"}
    return {"name": "done"}
