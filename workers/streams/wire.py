"""A message as the fields of an entry, and back: flat, in snake_case, all of it text.

    job_id, job_type, created_at, user_id, metadata, correlation_id, causation_id, traceparent,
    schema_version, priority, and then the message's data, field by field

What is not text stands there as JSON. A text field is as it is, so an entry can be made by hand
with `XADD`; what the envelope lacks then is the id and the time of the entry itself.
"""

import json
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring as quoted
from json.encoder import encode_basestring_ascii as quoted_ascii
from typing import Any

from pydantic_core import from_json, to_json

from messages import Message
from workers.clock import iso
from workers.routing import Priority
from workers.streams.layouts import ENVELOPE, OURS, Kind, known
from workers.streams.naming import job_type_of

_LAST = 253_402_300_799_000  # ms: the end of the year 9999; ids made by hand may be larger


def fields_of(message: Message, priority: Priority = Priority.NORMAL) -> Sequence[str]:
    """A message as the fields of an entry.

    Args:
        message: The message.
        priority: What its sender said; data with a priority of its own says it again.

    Returns:
        Names and values by turns, `job_id` first.

    Raises:
        InvalidMessage: If the message is too large or too deep, or holds text that UTF-8 cannot
            carry.
    """
    wire: dict[str, Any] = from_json(message.to_json())
    flat = ["job_id", wire["messageId"], "job_type", job_type_of(message)]
    for name, (wire_name, kind) in ENVELOPE.items():
        if name != "job_id" and wire_name in wire:
            flat += (name, _written(wire[wire_name], kind))
    data, places = wire["data"], known().data_of(type(message))
    if priority is not Priority.NORMAL and all(each.flat != "priority" for each in places):
        flat += ("priority", priority.value)
    for each in places:
        if each.wire in data and each.flat != "job_type":
            flat += (each.flat, _written(data[each.wire], each.kind))
    return flat


def envelope_of(flat: Sequence[bytes], entry_id: str) -> bytes:
    """An entry as the JSON of a message, valid or not: whoever parses it says what is wrong.

    Args:
        flat: Names and values by turns, as Redis returns them.
        entry_id: The entry's id, for what the envelope lacks.
    """
    names = tuple(flat[::2])
    layout = known().layout(names, _value_of(b"job_type", names, flat))
    parts = [layout.begin]
    for begin, place, kind in layout.parts:
        parts.append(begin)
        parts.append(json_of(flat[place], kind))
    parts.append(layout.end)
    if layout.lacks:
        parts.insert(1, _from_entry(layout.lacks, entry_id))
    return "".join(parts).encode()


def own_of(flat: Sequence[bytes]) -> Mapping[str, Any]:
    """What the lane itself wrote into an entry: `restarts`, `group` and `meta`.

    Args:
        flat: Names and values by turns.
    """
    if OURS.encode() not in flat[::2]:
        return {}
    try:
        found = json.loads(_value_of(OURS.encode(), tuple(flat[::2]), flat))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def value_of(name: bytes, flat: Sequence[bytes]) -> bytes | None:
    """The value of one field of an entry; None if it has no such field."""
    if flat[:1] == [name]:  # `job_id` is the first
        return flat[1]
    names = flat[::2]
    return flat[2 * names.index(name) + 1] if name in names else None


def json_of(value: bytes, kind: Kind) -> str:
    """The value of a field as JSON. What need not be text and is no JSON counts as text.

    Args:
        value: As it stands in the entry.
        kind: How it stands there.
    """
    if kind == "text":
        return _quoted(value)
    try:
        from_json(value, allow_inf_nan=False)
        return value.decode()
    except ValueError:
        return _quoted(value)


def milliseconds(entry_id: str) -> int:
    """The time in an entry's id, in ms since 1970; one that was made by hand may say anything."""
    return int(entry_id.partition("-")[0])


def class_of(job_type: str) -> type[Message] | None:
    """The message class that an entry's `job_type` stands for; None if it is not known."""
    return known().classes.get(job_type)


def shown(flat: Sequence[bytes]) -> dict[str, Any]:
    """An entry for people: its fields by name, JSON read.

    Args:
        flat: Names and values by turns.
    """
    names = tuple(flat[::2])
    cls = class_of(_value_of(b"job_type", names, flat).decode(errors="replace"))
    kinds = {each.flat: each.kind for each in known().data_of(cls)} if cls else {}
    kinds |= {name: kind for name, (_, kind) in ENVELOPE.items()}
    found = zip((name.decode(errors="replace") for name in names), flat[1::2], strict=True)
    return {name: _shown(value, kinds.get(name, "text")) for name, value in found if name != OURS}


def _written(value: Any, kind: Kind) -> str:
    if kind == "text":
        return str(value)
    if kind == "mixed" and isinstance(value, str) and not _is_json(value):
        return value
    return to_json(value).decode()


def _quoted(value: bytes) -> str:
    try:
        return quoted(value.decode())
    except UnicodeDecodeError:  # escaped like this no parser takes it for text
        return quoted_ascii(value.decode(errors="surrogateescape"))


def _is_json(text: str) -> bool:
    try:
        from_json(text, allow_inf_nan=False)
    except ValueError:
        return False
    return True


def _shown(value: bytes, kind: Kind) -> Any:
    text = value.decode(errors="replace")
    if kind == "text":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _value_of(name: bytes, names: tuple[bytes, ...], flat: Sequence[bytes]) -> bytes:
    return flat[2 * names.index(name) + 1] if name in names else b""


def _from_entry(lacks: frozenset[str], entry_id: str) -> str:
    seconds, rest = divmod(min(milliseconds(entry_id), _LAST), 1_000)
    own = {
        "job_id": f',"messageId":{quoted(entry_id)}',
        "created_at": f',"timestamp":"{iso(seconds)[:-7]}{rest:03d}Z"',
    }
    return "".join(own[name] for name in sorted(lacks))
