"""A dead letter that somebody mends: its form, what was changed, and what an edit would change."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from messages import UnknownMessageType
from messages.errors import PostroomError
from messages.masking import MASK, masked
from monitoring.board.schema_form import Field, data_schema, fields_of, whole
from workers.dead_letters import DeadLetter
from workers.dead_letters.edits import changes, merged, successor

Form = Literal["form", "json"]

_AROUND = 2  # lines around a change


@dataclass(frozen=True)
class Line:
    """A line of a difference.

    Args:
        sign: `+`, `-`, a blank, or `…` where lines are left out.
        text: The line.
    """

    sign: str
    text: str


@dataclass(frozen=True)
class Checked:
    """What an edit would do.

    Args:
        lines: The difference, with some lines around it; secrets are masked.
        changed: How many values it changes.
        error: Why the message cannot be sent so; None if it can.
    """

    lines: Sequence[Line]
    changed: int
    error: PostroomError | None


def is_message(letter: DeadLetter) -> bool:
    """Whether a letter holds a message that can be edited here."""
    envelope = letter.envelope
    is_whole = isinstance(envelope, Mapping) and isinstance(envelope.get("messageType"), str)
    return is_whole and not letter.spilled


def form_of(letter: DeadLetter, form: Form) -> Sequence[Field]:
    """The fields of a letter's data, its secrets hidden.

    Args:
        letter: One that holds a message.
        form: By its schema, or as one JSON value.
    """
    values = masked(letter.envelope).get("data")
    if form == "json":
        return [whole(values)]
    try:
        return fields_of(data_schema(letter.envelope["messageType"]), values)
    except UnknownMessageType:
        return [whole(values)]


def checked(letter: DeadLetter, patch: Mapping[str, Any]) -> Checked:
    """What an edit would change, and whether the message could be sent then.

    Args:
        letter: The letter.
        patch: What to merge into its data, as in `edit`.
    """
    try:
        found = changes(letter, patch)
        successor(letter, patch)
        error = None
    except PostroomError as refused:
        error = refused
        found = changes(letter, patch) if is_message(letter) else ()
    hidden = [each.field for each in found if each.before == MASK == each.after]
    lines = [*_difference(letter, patch), *(Line("+", f"{each}: {MASK}") for each in hidden)]
    return Checked(lines, len(found), error)


def _difference(letter: DeadLetter, patch: Mapping[str, Any]) -> Iterator[Line]:
    if not is_message(letter):
        return
    data = letter.envelope.get("data")
    before, after = (
        _text(masked({**letter.envelope, "data": each})["data"])
        for each in (data, merged(data, patch))
    )
    # The first two name files.
    for line in list(difflib.unified_diff(before, after, n=_AROUND, lineterm=""))[2:]:
        yield Line("…", "") if line.startswith("@@") else Line(line[0], line[1:])


def _text(data: Any) -> Sequence[str]:
    # Without commas, which differ where the next line is new.
    text = json.dumps(data, indent=2, ensure_ascii=False)
    return [line.removesuffix(",") for line in text.splitlines()]
