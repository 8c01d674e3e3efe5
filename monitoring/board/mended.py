"""A dead letter that somebody mends: its form, what was changed, and what an edit would change."""

import difflib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from messages import UnknownMessageType
from messages.errors import PostroomError
from messages.masking import MASK, masked
from monitoring.board.schema_form import Field, data_schema, fields_of, whole
from workers.dead_letters import DeadLetter
from workers.dead_letters.edits import changes, merged, successor

Form = Literal["form", "json"]

Edit = Mapping[str, Any]
"""An edit as its letter keeps it."""

_AROUND = 2  # lines around a change
_MOST_CHANGES = 20  # of one edit


@dataclass(frozen=True)
class Line:
    """A line of a difference.

    Args:
        sign: `+`, `-`, a blank, or `…` where lines are left out.
        text: What is the same in the line that it takes the place of, or that takes its place.
        changed: What is not; empty if the whole line is new or gone.
        rest: What is the same behind that.
    """

    sign: str
    text: str
    changed: str = ""
    rest: str = ""


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


def edits_of(letter: DeadLetter | None) -> Sequence[tuple[Edit, Sequence[Line]]]:
    """What was changed in a letter, edit by edit, with up to twenty differences of each.

    Args:
        letter: The letter; None has no edits.
    """
    return [] if letter is None else [(each, list(_lines(each))) for each in letter.edits]


def _lines(edit: Edit) -> Iterator[Line]:
    for each in edit["changes"][:_MOST_CHANGES]:
        before, after = (f"{each['field']}: {_json(each[name])}" for name in ("before", "after"))
        yield Line("-", *_parts(before, after))
        yield Line("+", *_parts(after, before))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _difference(letter: DeadLetter, patch: Mapping[str, Any]) -> Iterator[Line]:
    if not is_message(letter):
        return
    data = letter.envelope.get("data")
    before, after = (
        _text(masked({**letter.envelope, "data": each})["data"])
        for each in (data, merged(data, patch))
    )
    # The first two name files.
    lines = list(difflib.unified_diff(before, after, n=_AROUND, lineterm=""))[2:]
    for sign, block in groupby(lines, lambda line: line[0] if line[0] in "@ " else "±"):
        if sign == "@":
            yield Line("…", "")
        elif sign == " ":
            yield from (Line(" ", line[1:]) for line in block)
        else:
            yield from _marked(list(block))


def _marked(block: Sequence[str]) -> Iterator[Line]:
    """Lines that go and lines that come; where two are of one value, with what differs."""
    gone, come = (_by_name(block, sign) for sign in "-+")
    for line in block:
        sign, text = line[0], line[1:]
        other = (come if sign == "-" else gone).get(_name(text))
        yield Line(sign, text) if other is None else Line(sign, *_parts(text, other))


def _by_name(block: Sequence[str], sign: str) -> Mapping[str, str]:
    """The lines with a sign by the name of their value, but for those that share one."""
    lines = [line[1:] for line in block if line[0] == sign]
    often = Counter(map(_name, lines))
    return {_name(line): line for line in lines if often[_name(line)] == 1}


def _name(line: str) -> str:
    """The name of the value that a line of JSON holds, with what stands before it."""
    return line.partition('": ')[0] if '": ' in line else ""


def _parts(text: str, other: str) -> tuple[str, str, str]:
    """What a line has in common with another at its begin, what it has not, and at its end."""
    begin = _alike(text, other)
    end = len(text) - _alike(text[begin:][::-1], other[begin:][::-1])
    return text[:begin], text[begin:end], text[end:]


def _alike(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _text(data: Any) -> Sequence[str]:
    # Without commas, which differ where the next line is new.
    text = json.dumps(data, indent=2, ensure_ascii=False)
    return [line.removesuffix(",") for line in text.splitlines()]
