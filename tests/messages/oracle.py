"""What is a message, told by hand-written JSON Schemas and limits: no code of ours, no pydantic.

The schemas in `schemas/` were written from the design's table of message types.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend
from referencing import Registry, Resource

SCHEMAS = Path(__file__).parent / "schemas"
TYPES = (
    "ACTIVITY_SCHEMA",
    "BUILD",
    "DATA_SYNC",
    "EMAIL",
    "MESSAGE_SCAN",
    "NOTE_ENRICHMENT",
    "NOTIFICATION",
    "TEST",
    "THUMBNAIL_RETRY",
    "USER_ACTION",
    "WORKOUT_UPDATE",
)
MOST_BYTES = 256_000
DEEPEST = 64

_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_formats = FormatChecker(formats=())


@dataclass(frozen=True)
class Verdict:
    """Whether a document is a message, and the fields that an error about it may name."""

    fields: frozenset[str | None] = frozenset()

    @property
    def is_valid(self) -> bool:
        return not self.fields


def judge(data: bytes) -> Verdict:
    """Read a document as an independent reader would."""
    try:
        document = json.loads(data.decode())
    except (ValueError, RecursionError):
        return Verdict(frozenset({None}))
    if len(data) > MOST_BYTES:
        return Verdict(frozenset({None}))
    return Verdict(frozenset(_beyond_json(document)) | frozenset(_wrong_fields(document)))


def _wrong_fields(document: Any) -> Iterator[str]:
    kind = document.get("messageType") if isinstance(document, dict) else None
    if kind not in TYPES:
        yield "messageType"
        return
    for error in _validator(kind).iter_errors(document):
        steps = [str(step) for step in error.absolute_path]
        for missing in _missing(error) or [[]]:
            yield ".".join([*steps, *missing])


def _missing(error: ValidationError) -> list[list[str]]:
    if error.validator != "required":
        return []
    return [[name] for name in error.validator_value if name not in error.instance]


def _beyond_json(document: Any) -> Iterator[str | None]:
    """Paths of what the wire's limits refuse: NaN, lone surrogates, too many levels.

    A reader may stop at any level above, so every path on the way is as good.
    """
    pending: list[tuple[Any, tuple[str, ...]]] = [(document, ())]
    while pending:
        value, path = pending.pop()
        is_too_deep = isinstance(value, dict | list) and len(path) >= DEEPEST
        if is_too_deep or _is_no_json(value) or _is_no_json("".join(path[-1:])):
            yield None
            yield from (".".join(path[:end]) for end in range(1, len(path) + 1))
        elif isinstance(value, dict | list):
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            pending.extend((child, (*path, str(step))) for step, child in pairs)


def _is_no_json(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, str) and any("\ud800" <= each <= "\udfff" for each in value)


@_formats.checks("date-time")
def _is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    if not _RFC_3339.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return False
    return True


@cache
def _validator(kind: str) -> Draft202012Validator:
    loaded = [json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")]
    registry = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in loaded
    )
    schema = registry.contents(f"urn:tests:{kind}")
    return _Strict(schema, registry=registry, format_checker=_formats)


# The draft counts 4.0 as an integer; on this wire an integer is written without a fraction.
_Strict = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)
