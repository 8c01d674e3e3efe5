"""What a job's record keeps of its replay: when, by whom, and what the job had died of.

Its attempts go back to where they stood before its burial, because the letter that had them goes.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from workers.clock import written_now
from workers.dead_letters.letter import DeadLetter


@dataclass(frozen=True)
class Replayed:
    """A replay, or a retry by a person, as the job that it replaced tells of it.

    Args:
        at: When; ISO 8601, UTC.
        by: Who did it.
        error: What the job had died of, in a line; empty if it had no dead letter.
        reason: Of its dead letter; empty if it had none.
    """

    at: str
    by: str
    error: str = ""
    reason: str = ""


def replayed_now(by: str, letter: DeadLetter | None = None) -> str:
    """A replay of this moment, for the field `replayed` of the job's record.

    Args:
        by: Who does it.
        letter: The job's dead letter; None if it has none.
    """
    error, reason = ("", "") if letter is None else (letter.error, letter.reason)
    return json.dumps(asdict(Replayed(written_now(), by, error, reason)))


def history_of(letter: DeadLetter) -> str:
    """The lines of a letter's attempts, as JSON: as the job's history had them."""
    return json.dumps([json.dumps(attempt) for attempt in letter.attempts])


def replayed_of(stored: bytes | None) -> Replayed | None:
    """Read what `replayed_now` wrote.

    Args:
        stored: The field; None if the record has none, as of a job replayed by an older release.
    """
    if stored is None:
        return None
    told: Mapping[str, Any] = json.loads(stored)
    return Replayed(**told)
