"""The change that mended one message, as an address has it, for the others. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring.board.mended import Line, checked
from workers.dead_letters import DeadLetter
from workers.dead_letters.patches import change_of

MOST_OF_CHANGE = 1_500
"""Characters of a change in an address; a longer one is not offered for others."""
_SIGNS = frozenset("+-")


@dataclass(frozen=True)
class Alike:
    """What a change would do to a letter.

    Args:
        job_id: The letter's job.
        lines: Those that go and those that come; secrets are masked.
    """

    job_id: str
    lines: Sequence[Line]


def change_in_address(letter: DeadLetter) -> str:
    """What all edits of a letter changed, for an address.

    Args:
        letter: The letter.

    Returns:
        JSON; empty if it was not edited, if it is too long, or if a secret was changed, which does
        not belong into an address.
    """
    found = change_of(letter)
    text = "" if found is None else json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= MOST_OF_CHANGE else ""


def change_from(text: str) -> Mapping[str, Any] | None:
    """Read a change.

    Args:
        text: As an address has it.

    Returns:
        None if it is none.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found else None


def alike(letters: Sequence[DeadLetter], change: Mapping[str, Any]) -> Sequence[Alike]:
    """What a change would do to letters.

    Args:
        letters: Some that it is for.
        change: What to merge into the data of each.
    """
    found = ((each.job_id, checked(each, change).lines) for each in letters)
    return [
        Alike(job_id, [line for line in lines if line.sign in _SIGNS]) for job_id, lines in found
    ]
