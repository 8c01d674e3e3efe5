"""The entries of streams for people: their content, secrets masked, and how far each is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from messages.masking import masked, masked_by_name
from monitoring.streams.groups import Group, Stream, text
from monitoring.streams.reading import Plan, Question, known
from workers.streams import layouts
from workers.streams.depths import is_lower
from workers.streams.naming import Naming
from workers.streams.wire import class_of, envelope_of, shown


@dataclass(frozen=True)
class Seen:
    """An entry that was looked at.

    Args:
        stream: The stream's key.
        group: The group for which it is more or less far; without one everything waits.
        entry_id: Its id.
        fields: Its content, as Redis returned it.
    """

    stream: str
    group: Group | None
    entry_id: str
    fields: Mapping[bytes | str, bytes | str]


def entries(
    wanted: Sequence[tuple[Stream, Group | None]], count: int, *, reverse: bool, after: str = ""
) -> Plan[Sequence[Seen]]:
    """Look at entries of streams.

    Args:
        wanted: The streams with their groups.
        count: Entries of each at most.
        reverse: Whether the newest come first.
        after: Only those that come after this id, in that order; empty begins.
    """
    questions = [_entries_of(stream.key, count, after, reverse=reverse) for stream, _ in wanted]
    answers = (yield questions) if questions else []
    return _seen(wanted, answers)


def named(wanted: Sequence[tuple[Stream, Group | None]], entry_id: str) -> Plan[Sequence[Seen]]:
    """Look at the entries of streams that have an id.

    Args:
        wanted: The streams with their groups.
        entry_id: The id.
    """
    questions = [_named_in(stream.key, entry_id) for stream, _ in wanted]
    answers = (yield questions) if questions else []
    return _seen(wanted, answers)


def jobs(seen: Sequence[Seen], naming: Naming) -> Plan[list[dict[str, Any]]]:
    """Entries as `peek_jobs` shows them, and how far each is.

    Args:
        seen: The entries.
        naming: What the streams' keys say.

    Returns:
        For each what it holds and `state`: `{"name": "waiting"}`, `{"name": "done"}`, or `pending`
        with the consumer that has it, how long it has it in ms, and how often it was delivered.
    """
    # One by one: between two entries there may be any number of rows of entries that are gone.
    in_hand = [each for each in seen if each.group and each.group.pending and not _waits(each)]
    answers = (yield [_pending_of(each) for each in in_hand]) if in_hand else []
    rows = {
        (each.stream, each.entry_id): known(answer, ())
        for each, answer in zip(in_hand, answers, strict=True)
    }
    return [
        _job(each, _state(each, rows.get((each.stream, each.entry_id))), naming) for each in seen
    ]


def _seen(wanted: Sequence[tuple[Stream, Group | None]], answers: Sequence[Any]) -> Sequence[Seen]:
    return [
        Seen(stream.key, group, text(entry_id), fields or {})
        for (stream, group), answer in zip(wanted, answers, strict=True)
        for entry_id, fields in known(answer, ())
    ]


def _named_in(stream: str, entry_id: str) -> Question:
    return lambda pipe: pipe.xrange(stream, entry_id, entry_id)


def _entries_of(stream: str, count: int, after: str, *, reverse: bool) -> Question:
    bound = f"({after}" if after else ""
    if reverse:
        return lambda pipe: pipe.xrevrange(stream, max=bound or "+", count=count)
    return lambda pipe: pipe.xrange(stream, min=bound or "-", count=count)


def _pending_of(seen: Seen) -> Question:
    name = seen.group.asked_as if seen.group else ""
    return lambda pipe: pipe.xpending_range(seen.stream, name, seen.entry_id, seen.entry_id, 1)


def _waits(seen: Seen) -> bool:
    return seen.group is None or is_lower(seen.group.delivered, seen.entry_id)


def _state(seen: Seen, rows: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    if rows:
        return {
            "name": "pending",
            "consumer": text(rows[0]["consumer"]),
            "idle_ms": int(rows[0]["time_since_delivered"]),
            "deliveries": int(rows[0]["times_delivered"]),
        }
    return {"name": "waiting" if _waits(seen) else "done"}


def _job(seen: Seen, state: Mapping[str, Any], naming: Naming) -> dict[str, Any]:
    flat = [_stored(part) for pair in seen.fields.items() for part in pair]
    data = _data(flat, seen.entry_id)
    job_type = data.pop("job_type", "")
    if "type" in data:  # the message's own field of that name
        data["data.type"] = data.pop("type")
    job_id = data.pop("job_id", seen.entry_id)
    name = naming.read(seen.stream)
    known_parts = {
        "guild_id": data.get("guild_id") or name.tenant or None,
        "channel_id": data.get("channel_id"),
        "job_type": job_type or name.job_type or None,
        "job_id": job_id,
    }
    return {
        "stream_name": seen.stream,
        "message_id": seen.entry_id,
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
