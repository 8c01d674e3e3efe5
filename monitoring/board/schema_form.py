"""Turns a JSON Schema and values into the fields of a form. Pure; `schema_form.html` draws them.

A place gives `fields_of(data_schema(kind), values, name="data")` to its template, which writes

    {% import "schema_form.html" as schema_form with context %}
    <form action="..." data-method="POST">{{ schema_form.fields(fields) }}</form>

The form sends `data` as an object, what is empty and optional left out. With `data-patch="data"` on
the form it sends a merge patch instead: only what was changed, and null for what was emptied. So
what is hidden stays as it is unless somebody writes something else in its place. The API's error
is shown at the field whose `path` it names. `fields` belongs to the sheets of such a place.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from messages import json_schema
from messages.masking import MASK

Kind = Literal["text", "long", "number", "boolean", "choice", "moment", "scalar", "json", "group"]

_SAFE = re.compile(r"(?!__)[A-Za-z_][\w-]*", re.ASCII)  # no dot, which would nest it; no __proto__
_DEEPEST = 4  # groups within groups; what is deeper is JSON
_LONG = 500  # characters that a field of several lines may have
_LINE = 100  # characters that one line shows
_CUT = 60  # characters of a value that does not fit
_WORDS = {"string": "text", "array": "list", "date-time": "date and time"}

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """One field of a form, or a group of them.

    Args:
        name: What the form sends it as; a dot stands before what is within.
        path: Its wire path, as errors name it: `data.to`.
        label: Its own wire name.
        kind: How it is edited. `scalar` and `json` are JSON; a scalar that is none is text.
        type: In words, such as `integer, optional`.
        text: What stands in it at first.
        is_required: Whether it must be sent.
        hint: What it means, and what it may be.
        choices: What can be chosen.
        is_hidden: Whether its value is a secret that is not shown.
        misfit: The value as it is, if the field cannot show it.
        parts: The fields of a group.
    """

    name: str
    path: str
    label: str
    kind: Kind
    type: str
    text: str = ""
    is_required: bool = False
    hint: str = ""
    choices: Sequence[str] = ()
    is_hidden: bool = False
    misfit: str = ""
    parts: Sequence["Field"] = ()


def data_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a message type's data alone, with what it refers to.

    Args:
        kind: A wire name such as `EMAIL`.

    Raises:
        UnknownMessageType: If no class that this process knows has that name.
    """
    whole = json_schema(kind)
    return {**whole["properties"]["data"], "$defs": whole.get("$defs", {})}


def fields_of(
    schema: Schema, values: Any = None, *, name: str = "data", path: str = "data"
) -> Sequence[Field]:
    """The fields of an object, in the order of its schema, with what it holds beyond that.

    Args:
        schema: A JSON Schema (draft 2020-12), such as `data_schema` returns.
        values: The object as it is shown: secrets are `***`. None if there is none yet.
        name: What the form calls the whole.
        path: What errors call the whole.

    Returns:
        One field of JSON for all of it, if that is no object that the schema describes.
    """
    made = _Form(schema.get("$defs", {})).field(
        schema, _Slot(name, path, path, is_required=True), values
    )
    return made.parts if made.kind == "group" else [made]


def whole(values: Any, *, name: str = "data", path: str = "data") -> Field:
    """All of it as JSON.

    Args:
        values: As for `fields_of`, like the others.
        name: What the form calls it.
        path: What errors call it.
    """
    return Field(name, path, path, "json", "object", _pretty(values), is_required=True)


@dataclass(frozen=True)
class _Slot:
    """Where a field stands."""

    name: str
    path: str
    label: str
    depth: int = 0
    is_required: bool = False

    def inner(self, key: str, *, is_required: bool) -> "_Slot":
        return _Slot(
            f"{self.name}.{key}", f"{self.path}.{key}", key, self.depth + 1, is_required=is_required
        )


@dataclass(frozen=True)
class _Form:
    definitions: Mapping[str, Schema]

    def field(self, schema: Schema, slot: _Slot, value: Any) -> Field:
        schema = self.resolved(schema)
        kind = _kind(schema, value)
        if kind == "group":
            parts = list(self.parts(schema, slot, value)) if slot.depth < _DEEPEST else []
            if parts:
                told, about = _type(schema, slot), schema.get("description", "")
                where = (slot.name, slot.path, slot.label)
                return Field(*where, "group", told, hint=about, parts=parts)
            kind = "json"
        return _single(schema, slot, kind, value)

    def parts(self, schema: Schema, slot: _Slot, value: Any) -> Iterator[Field]:
        values = value if isinstance(value, Mapping) else {}
        known: Schema = schema["properties"]
        if not all(_SAFE.fullmatch(key) for key in {*known, *values}):
            return
        required = schema.get("required", ())
        for key, inner in known.items():
            yield self.field(inner, slot.inner(key, is_required=key in required), values.get(key))
        further = schema.get("additionalProperties", True)
        for key in (key for key in values if key not in known):
            yield self.further(further, slot.inner(key, is_required=False), values[key])
        if further is not False:
            yield Field(
                f"{slot.name}.*",
                slot.path,
                "further values",
                "json",
                "object, optional",
                hint='As JSON, such as {"name": "value"}.',
            )

    def further(self, schema: Any, slot: _Slot, value: Any) -> Field:
        """A value that the schema has no name for."""
        if schema is False:
            made = self.field({}, slot, value)
            return Field(**{**vars(made), "hint": "The type has no such field; empty it."})
        return self.field(schema if isinstance(schema, Mapping) else {}, slot, value)

    def resolved(self, schema: Schema) -> Schema:
        """The schema itself, without references and without the null of what is optional."""
        for _ in range(_DEEPEST):
            arms = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
            if "$ref" in schema:
                inner = self.definitions.get(schema["$ref"].rpartition("/")[2], {})
            elif len(arms) == 1:
                inner = arms[0]
            else:
                return schema
            schema = {**inner, **{k: v for k, v in schema.items() if k not in {"$ref", "anyOf"}}}
        return schema


def _single(schema: Schema, slot: _Slot, kind: Kind, value: Any) -> Field:
    is_hidden = value == MASK
    text = "" if is_hidden or value is None else _text(kind, value)
    misfit = "" if text is not None else _cut(_pretty(value))
    return Field(
        slot.name,
        slot.path,
        slot.label,
        kind,
        _type(schema, slot),
        text or "",
        slot.is_required,
        " ".join(filter(None, [schema.get("description", ""), _rules(schema)])),
        _choices(schema, kind, text),
        is_hidden,
        misfit,
    )


def _kind(schema: Schema, value: Any) -> Kind:
    if any(isinstance(each, str) for each in schema.get("enum", ())):
        return "choice"
    kind = schema.get("type")
    if kind == "object" and schema.get("properties") and isinstance(value, Mapping | None):
        return "group"
    if kind == "string":
        return "moment" if schema.get("format") == "date-time" else _lines(schema, value)
    if kind in {"integer", "number"}:
        return "number"
    if kind == "boolean":
        return "boolean"
    arms = {each.get("type") for each in schema.get("anyOf", ())}
    is_scalar = bool(arms) and arms <= {"string", "integer", "number", "boolean", "null"}
    is_short = not schema and not isinstance(value, Mapping | list)
    return "scalar" if is_scalar or is_short else "json"


def _lines(schema: Schema, value: Any) -> Kind:
    long = isinstance(value, str) and (len(value) > _LINE or not value.isprintable())
    return "long" if long or schema.get("maxLength", 0) > _LONG else "text"


def _text(kind: Kind, value: Any) -> str | None:
    """A value as its field shows it; None if the field cannot."""
    match kind:
        case "text" | "long" | "moment" | "choice":
            return value if isinstance(value, str) else None
        case "number":
            fits = isinstance(value, int | float) and not isinstance(value, bool)
            return json.dumps(value) if fits else None
        case "boolean":
            return json.dumps(value) if isinstance(value, bool) else None
        case "scalar":
            return _bare(value)
    return _pretty(value)


def _bare(value: Any) -> str:
    """A text without quotes, unless it would be read as something else."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    try:
        json.loads(value)
    except ValueError:
        if value and value.isprintable():
            return value
    return json.dumps(value, ensure_ascii=False)


def _pretty(value: Any) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)


def _cut(text: str) -> str:
    return text if len(text) <= _CUT else f"{text[: _CUT - 1]}\N{HORIZONTAL ELLIPSIS}"


def _choices(schema: Schema, kind: Kind, text: str | None) -> Sequence[str]:
    if kind == "boolean":
        return ("true", "false")
    known = tuple(each for each in schema.get("enum", ()) if isinstance(each, str))
    return known if not text or kind != "choice" or text in known else (*known, text)


def _type(schema: Schema, slot: _Slot) -> str:
    kind = schema.get("format") or schema.get("type") or "value"
    if isinstance(kind, list):
        kind = "value"
    return _WORDS.get(kind, kind) + ("" if slot.is_required else ", optional")


def _rules(schema: Schema) -> str:
    """What a value may be, in words."""
    length = _length(schema.get("minLength", 0), schema.get("maxLength"))
    amount = _between(schema.get("minimum"), schema.get("maximum"), "")
    items = _between(schema.get("minItems"), schema.get("maxItems"), "of them")
    default = schema.get("default")
    return ". ".join(
        filter(None, [length, amount, items, f"Default {_bare(default)}" if default else ""])
    )


def _length(low: int, high: int | None) -> str:
    # What nobody is likely to come near needs no words.
    if low <= 1 and (high is None or high >= _LINE):
        return ""
    return _between(low, high, "characters")


def _between(low: Any, high: Any, unit: str) -> str:
    if high is not None:
        told = f"At most {high} {unit}" if low is None else f"{low} to {high} {unit}"
        return told.rstrip()
    return f"{low} {unit} or more".replace("  ", " ") if low is not None else ""
