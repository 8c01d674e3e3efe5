"""Building blocks for the fields of a message: markers and the shapes that JSON leaves open.

A marker stands in the annotation and changes nothing about the value:
`note_id: Annotated[str, LogField, Indexed]`.
"""

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, JsonValue

MAX_DEPTH = 64
"""Levels of nesting that a message may have, the envelope included (design: limits)."""

Scalar = str | int | float | bool
"""A single JSON value that is not null."""


class Indexed:
    """Marker: jobs can be searched by this field."""


class Secret:
    """Marker: this field is masked wherever a person sees the message."""


class LogField:
    """Marker: log lines of the job carry this field, under its Python name.

    A field that is named like a part of every line, such as `message` or `level`, is left out.
    """


Marker = type[Indexed] | type[Secret] | type[LogField]


def _within_limits(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    level: Iterable[JsonValue] = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return value
    message = f"is nested deeper than {MAX_DEPTH} levels"
    raise ValueError(message)


def _children(value: JsonValue) -> Iterable[JsonValue]:
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, list):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        message = "holds NaN or Infinity, which JSON does not know"
        raise ValueError(message)
    return ()


JsonObject = Annotated[dict[str, JsonValue], AfterValidator(_within_limits)]
"""An object whose content the message type leaves open: any JSON, at most `MAX_DEPTH` deep."""


@lru_cache(maxsize=1_024)
def marked_fields(model: type[BaseModel], marker: Marker) -> tuple[str, ...]:
    """The fields of a model that carry a marker.

    Args:
        model: A message's payload class.
        marker: `Indexed`, `Secret` or `LogField`.

    Returns:
        Python names, in the order they are declared.
    """
    return tuple(name for name, field in model.model_fields.items() if marker in field.metadata)


def marked_values(payload: BaseModel, marker: Marker) -> dict[str, Any]:
    """The values of a payload's marked fields.

    Args:
        payload: A message's `data`.
        marker: `Indexed`, `Secret` or `LogField`.

    Returns:
        Python name to value, without the fields that are None.
    """
    names = marked_fields(type(payload), marker)  # type: ignore[arg-type]  # classes are hashable
    found = {name: getattr(payload, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}
