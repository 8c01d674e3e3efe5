"""How the fields of message classes stand in entries: what each is called, and as what it is read.

Worked out once for each class, and once for each set of fields that entries have.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from json.encoder import encode_basestring as quoted
from json.encoder import encode_basestring_ascii as quoted_ascii
from typing import Any, Literal, NamedTuple, get_args

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from messages import Message
from messages.base import registered_types

OURS = "postroom"
"""A field that only the lane itself writes, into the successors of an entry: a JSON object."""

Kind = Literal["text", "json", "mixed"]
"""How a value stands in its field: as it is, as JSON, or as whichever of them can be told apart."""

ENVELOPE: Mapping[str, tuple[str, Kind]] = {
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
_RESERVED = frozenset({*ENVELOPE, OURS})
_IN_DATA = "data."  # before a data field that is named like one of the envelope


class FieldPlace(NamedTuple):
    """A field of a message's data: how entries and JSON call it, and how its value stands."""

    flat: str
    wire: str
    kind: Kind


class Layout(NamedTuple):
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
class Known:
    """What is known of the message classes that are declared."""

    types: Mapping[str, type[Message]]
    classes: Mapping[str, type[Message]] = field(init=False)

    def __post_init__(self) -> None:
        """Find out what entries call each class."""
        all_types = dict.fromkeys(self.types.values())
        self.classes = {name: cls for cls in all_types for name in cls.job_types}
        self._data: dict[type[Message], tuple[FieldPlace, ...]] = {}
        self._layouts: dict[tuple[bytes, tuple[bytes, ...]], Layout] = {}

    def data_of(self, cls: type[Message]) -> tuple[FieldPlace, ...]:
        """The fields of a class's data."""
        found = self._data.get(cls)
        if found is None:
            found = self._data[cls] = tuple(_data_of(cls))
        return found

    def layout(self, names: tuple[bytes, ...], job_type: bytes) -> Layout:
        """How entries of a type with these names become JSON."""
        found = self._layouts.get((job_type, names))
        if found is None:
            if len(self._layouts) >= _MOST_LAYOUTS:  # made by hand, each in its own way
                self._layouts.clear()
            found = self._layouts[job_type, names] = self._new_layout(names, job_type)
        return found

    def _new_layout(self, names: tuple[bytes, ...], job_type: bytes) -> Layout:
        text = job_type.decode(errors="replace")
        cls = self.classes.get(text)
        data = {} if cls is None else {each.flat: each for each in self.data_of(cls)}
        head: list[tuple[str, int, Kind]] = []
        rest: list[tuple[str, int, Kind]] = []
        last = {name.decode(errors="replace"): 2 * at + 1 for at, name in enumerate(names)}
        for name, place in last.items():
            if name in ENVELOPE:
                wire, kind = ENVELOPE[name]
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
        return Layout(begin, (*head, *rest), end, lacks)


_MOST_LAYOUTS = 1_000


def _head_of(cls: type[Message] | None, job_type: str) -> str:
    if cls is not None:
        return f'{{"messageType":{quoted(cls.model_fields["message_type"].default)}'
    # An unknown type is handed back and waits for a newer release; none at all is an error.
    return f'{{"messageType":{quoted_ascii(job_type.upper())}' if job_type else '{"job_type":""'


_newest = Known({})


def known() -> Known:
    """What is known now; made anew when a message class was declared."""
    global _newest  # noqa: PLW0603 - see above
    types = registered_types()
    if _newest.types is not types:
        _newest = Known(types)
    return _newest


def _data_of(cls: type[Message]) -> Iterator[FieldPlace]:
    model = cls.model_fields["data"].annotation
    assert model is not None  # noqa: S101 - every message declares its data
    for name, each in model.model_fields.items():
        is_taken = name in _RESERVED or (name == "job_type" and not _says_type(cls, each))
        flat = f"{_IN_DATA}{name}" if is_taken else name
        kind = _kind_of(each.annotation, has_none=each.default is not None)
        yield FieldPlace(flat, each.alias or name, kind)


def _says_type(cls: type[Message], field: FieldInfo) -> bool:
    """Whether a field of the data can hold nothing but what entries call its class."""
    values = {*get_args(field.annotation)}
    return bool(values) and values <= {*cls.job_types}


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
