"""One line of a log: what a filter asks of it, and how it looks to a person."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import typer

from messages.errors import PostroomError
from postroom.columns import printable

Entry = Mapping[str, Any]

_COLOURS = {"DEBUG": "bright_black", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}
_SHOWN_FIRST = frozenset({"timestamp", "level", "message", "event", "module", "number"})
_TEXTS = ("exception", "traceback", "stack")  # shown below the line, as they are
_CLOCK = slice(11, 23)  # the time of day, to milliseconds, in an ISO 8601 time


class FilterInvalid(PostroomError, ValueError):
    """A condition of --where cannot be understood."""

    code = "invalid_filter"


def parse_conditions(conditions: Sequence[str]) -> Mapping[str, str]:
    """What the lines must have.

    Args:
        conditions: Each `name=value`.

    Returns:
        Name to value.

    Raises:
        FilterInvalid: If one has no `=` or no name, or two name the same field.
    """
    wanted: dict[str, str] = {}
    for condition in conditions:
        name, equals, value = condition.partition("=")
        if not equals or not name.strip():
            raise FilterInvalid(
                f"--where {condition!r} is no condition.",
                field="where",
                remedy="Write --where NAME=VALUE, such as --where note_id=123.",
            )
        if wanted.setdefault(name.strip(), value) != value:
            raise FilterInvalid(
                f"--where asks for two values of {name.strip()}, and no line has both.",
                field="where",
                remedy="Ask for one of them at a time.",
            )
    return wanted


def parse_line(line: str) -> Entry | None:
    """A line of a log as JSON.

    Args:
        line: As it is written.

    Returns:
        Its fields; None if it is no JSON object.
    """
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def has(entry: Entry, wanted: Mapping[str, str]) -> bool:
    """Whether a line has all values that are asked for.

    Args:
        entry: The line.
        wanted: Name to value, as text; numbers and the like are compared as JSON writes them.
    """
    return all(name in entry and _text(entry[name]) == value for name, value in wanted.items())


def for_people(entry: Entry, *, colours: bool) -> str:
    """A line as a person reads it: time, level, sentence, and then its values.

    Args:
        entry: The line.
        colours: Whether it goes to a terminal.

    Returns:
        One line, and below it the traceback, if it has one.
    """
    style = typer.style if colours else _plain
    level = str(entry.get("level", ""))
    values = "  ".join(
        f"{name}={printable(_text(value))}"
        for name, value in entry.items()
        if name not in _SHOWN_FIRST and name not in _TEXTS
    )
    parts = (
        printable(str(entry.get("timestamp", ""))[_CLOCK]),
        style(f"{printable(level):7}", fg=_COLOURS.get(level)),
        printable(str(entry.get("message") or entry.get("event", ""))),
        style(values, fg="bright_black"),
    )
    texts = (str(entry[name]) for name in _TEXTS if name in entry)
    below = [f"    {printable(line)}" for text in texts for line in text.splitlines()]
    return "\n".join(["  ".join(part for part in parts if part).rstrip(), *below])


def _plain(text: str, fg: str | None = None) -> str:
    del fg
    return text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
