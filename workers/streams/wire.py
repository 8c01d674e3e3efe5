"""A message as the fields of an entry, and back: flat, in snake_case, all of it text.

    job_id, job_type, created_at, user_id, metadata, correlation_id, causation_id, traceparent,
    schema_version, priority, and then the message's data, field by field

What is not text stands there as JSON. A text field is as it is, so an entry can be made by hand
with `XADD`; what the envelope lacks then is the id and the time of the entry itself.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring as quoted
from json.encoder import encode_basestring_ascii as quoted_ascii
from typing import Any, Literal, NamedTuple

from pydantic import TypeAdapter
from pydantic_core import from_json

from messages import Message
from messages.base import registered_types
from workers.clock import iso
from workers.routing import Priority
from workers.streams.naming import job_type_of, job_types_of

OURS = "postroom"
"""A field that only the lane itself writes, into the successors of an entry: a JSON object."""

Kind = Literal["text", "json", "mixed"]
"""How a value stands in its field: as it is, as JSON, or as whichever of them can be told apart."""

_ENVELOPE: Mapping[str, tuple[str, Kind]] = {
    "job_id": ("messageId", "text"),
    "created_at": ("timestamp", "text"),
    "user_id": ("userId", "text"),
    "metadata": ("metadata", "json"),
    "correlation_id": ("correlationId", "text"),
    "causation_id": ("causationId", "text"),
    "traceparent": ("traceparent", "text"),
    "schema_version": ("schemaVersion", "json"),
}
_SHARED = frozenset({"job_type", "priority"})  # the entry's field is the data's, if it has one
_RESERVED = frozenset({*_ENVELOPE, OURS})
_IN_DATA = "data."  # before a data field that is named like one of the envelope


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
    for name, (wire_name, kind) in _ENVELOPE.items():
        if name != "job_id" and wire_name in wire:
            flat += (name, _written(wire[wire_name], kind))
    data = wire["data"]
    if "priority" not in data and priority is not Priority.NORMAL:
        flat += ("priority", priority.value)
    for each in _known().data_of(type(message)):
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
    layout = _known().layout(names, _value_of(b"job_type", names, flat))
    parts = [layout.begin]
    for begin, place, kind in layout.parts:
        parts.append(begin)
        parts.append(_quoted(flat[place]) if kind == "text" else _read(flat[place], kind))
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


def milliseconds(entry_id: str) -> int:
    """The time in an entry's id, in ms since 1970; one that was made by hand may say anything."""
    return int(entry_id.partition("-")[0])


def class_of(job_type: str) -> type[Message] | None:
    """The message class that an entry's `job_type` stands for; None if it is not known."""
    return _known().classes.get(job_type)


def shown(flat: Sequence[bytes]) -> dict[str, Any]:
    """An entry for people: its fields by name, JSON read.

    Args:
        flat: Names and values by turns.
    """
    names = tuple(flat[::2])
    cls = class_of(_value_of(b"job_type", names, flat).decode(errors="replace"))
    kinds = {each.flat: each.kind for each in _known().data_of(cls)} if cls else {}
    kinds |= {name: kind for name, (_, kind) in _ENVELOPE.items()}
    found = zip((name.decode(errors="replace") for name in names), flat[1::2], strict=True)
    return {name: _shown(value, kinds.get(name, "text")) for name, value in found if name != OURS}


class _Field(NamedTuple):
    """A field of a message's data: how entries and JSON call it, and how its value stands."""

    flat: str
    wire: str
    kind: Kind


class _Layout(NamedTuple):
    """How entries with the same names of fields become JSON.

    Args:
        begin: The text before all values.
        parts: Of each value: the text before it, its place among the fields, how it stands.
        end: The text after the last.
        lacks: What of the envelope the entry does not have.
    """

    begin: str
    parts: tuple[tuple[str, int, Kind], ...]
    end: str
    lacks: frozenset[str]


@dataclass
class _Known:
    """What is known of the message classes that are declared."""

    types: Mapping[str, type[Message]]
    classes: Mapping[str, type[Message]] = field(init=False)

    def __post_init__(self) -> None:
        """Find out what entries call each class."""
        all_types = dict.fromkeys(self.types.values())
        self.classes = {name: cls for cls in all_types for name in job_types_of(cls)}
        self._data: dict[type[Message], tuple[_Field, ...]] = {}
        self._layouts: dict[tuple[bytes, tuple[bytes, ...]], _Layout] = {}

    def data_of(self, cls: type[Message]) -> tuple[_Field, ...]:
        """The fields of a class's data."""
        found = self._data.get(cls)
        if found is None:
            found = self._data[cls] = tuple(_data_of(cls))
        return found

    def layout(self, names: tuple[bytes, ...], job_type: bytes) -> _Layout:
        """How entries of a type with these names become JSON."""
        found = self._layouts.get((job_type, names))
        if found is None:
            if len(self._layouts) >= _MOST_LAYOUTS:  # made by hand, each in its own way
                self._layouts.clear()
            found = self._layouts[job_type, names] = self._new_layout(names, job_type)
        return found

    def _new_layout(self, names: tuple[bytes, ...], job_type: bytes) -> _Layout:
        text = job_type.decode(errors="replace")
        cls = self.classes.get(text)
        data = {} if cls is None else {each.flat: each for each in self.data_of(cls)}
        head: list[tuple[str, int, Kind]] = []
        rest: list[tuple[str, int, Kind]] = []
        last = {name.decode(errors="replace"): 2 * at + 1 for at, name in enumerate(names)}
        for name, place in last.items():
            if name in _ENVELOPE:
                wire, kind = _ENVELOPE[name]
                head.append((f",{quoted(wire)}:", place, kind))
            elif name in data:
                rest.append((f",{quoted(data[name].wire)}:", place, data[name].kind))
            elif name not in _SHARED and name != OURS:
                rest.append((f",{quoted(name)}:", place, "text"))
        if rest:
            rest[0] = (rest[0][0][1:], *rest[0][1:])
        begin = _head_of(cls, text)
        middle = ',"data":{'
        if rest:
            rest[0] = (middle + rest[0][0], *rest[0][1:])
        end = "}}" if rest else f"{middle}}}}}"
        lacks = frozenset({"job_id", "created_at"} - last.keys())
        return _Layout(begin, (*head, *rest), end, lacks)


_MOST_LAYOUTS = 1_000
_LAST = 253_402_300_799_000  # ms: the end of the year 9999; ids made by hand may be larger


def _head_of(cls: type[Message] | None, job_type: str) -> str:
    if cls is not None:
        return f'{{"messageType":{quoted(cls.model_fields["message_type"].default)}'
    # An unknown type is handed back and waits for a newer release; none at all is an error.
    return f'{{"messageType":{quoted_ascii(job_type.upper())}' if job_type else '{"job_type":""'


_newest = _Known({})


def _known() -> _Known:
    global _newest  # noqa: PLW0603 - made anew when a message class was declared
    types = registered_types()
    if _newest.types is not types:
        _newest = _Known(types)
    return _newest


def _data_of(cls: type[Message]) -> Iterator[_Field]:
    model = cls.model_fields["data"].annotation
    assert model is not None  # noqa: S101 - every message declares its data
    for name, each in model.model_fields.items():
        flat = f"{_IN_DATA}{name}" if name in _RESERVED else name
        kind = _kind_of(each.annotation, has_none=each.default is not None)
        yield _Field(flat, each.alias or name, kind)


def _kind_of(annotation: Any, *, has_none: bool) -> Kind:
    """How the values of a type stand in a field.

    Args:
        annotation: The type.
        has_none: Whether null must be told from text; where it is the default it is left out.
    """
    kinds = set(_types_in(TypeAdapter(annotation).json_schema()))
    if not has_none:
        kinds.discard("null")
    if kinds == {"string"}:
        return "text"
    return "mixed" if "string" in kinds or "any" in kinds else "json"


def _types_in(schema: Mapping[str, Any], defs: Mapping[str, Any] | None = None) -> Iterator[str]:
    defs = defs or schema.get("$defs", {})
    choices = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    if "$ref" in schema:
        yield from _types_in(defs[schema["$ref"].rpartition("/")[2]], defs)
    elif choices:
        for each in choices:
            yield from _types_in(each, defs)
    elif "type" in schema:
        kind = schema["type"]
        yield from [kind] if isinstance(kind, str) else kind
    elif "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        yield from ("string" if isinstance(each, str) else "other" for each in values)
    else:
        yield "any"


def _written(value: Any, kind: Kind) -> str:
    if kind == "text":
        return str(value)
    if kind == "mixed" and isinstance(value, str) and not _is_json(value):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _read(value: bytes, kind: Kind) -> str:
    """The JSON for a value that need not be text. What is no JSON stands there as text."""
    del kind
    try:
        from_json(value, allow_inf_nan=False)
        return value.decode()
    except ValueError:
        return _quoted(value)


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
