"""Changes of data that are made to many letters: what one was, and what it may change. Pure."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from pydantic import JsonValue

from workers.dead_letters.edits import LONGEST_PATH, NAMES_KEPT, merged
from workers.dead_letters.letter import DeadLetter


def change_of(letter: DeadLetter) -> dict[str, Any] | None:
    """What all edits of a letter changed, so that the same can be done to others.

    Args:
        letter: One that was edited.

    Returns:
        What to merge, as in `edit`; None if there is none, or if it cannot be told: what is secret
        is not kept with an edit.
    """
    found: dict[str, Any] = {}
    for each in (change for edit in letter.edits for change in edit["changes"]):
        *path, name = each["field"].split(".")[1:] or [""]
        at = found
        for step in path:
            if not isinstance(at.setdefault(step, {}), dict):
                return None
            at = at[step]
        at[name] = each["after"]
    # A name with a dot in it, or a mask, would make something else of what it is by now.
    data = (letter.envelope or {}).get("data")
    return found if found and merged(data, found) == data else None


def patched_fields(data: Mapping[str, Any]) -> list[JsonValue]:
    """The paths of the first 50 values that a merge may change, for the audit log.

    Args:
        data: What is merged.
    """
    paths = islice(_leaves(data, ("data",)), NAMES_KEPT)
    return [".".join(path)[:LONGEST_PATH] for path in paths]


def _leaves(data: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name)
