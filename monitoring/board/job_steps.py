"""What became of a job as a list of steps, for phones and for those who listen. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring.board.job_rows import LOOKS
from monitoring.board.wording import duration

_GOOD = frozenset({"completed", "running", "handed_back", None})
_NAMES = {"backing off": "backing_off", "delayed": "scheduled"}
_ENDS = frozenset({"completed", "failed", "stopped", "canceled", "replayed"})
_STOPPED = "stopped"
_LONGEST = 160  # characters of a note

BLANK_ATTEMPT: Mapping[str, Any] = dict.fromkeys(
    (
        *("number", "outcome", "worker", "startedAt", "durationMs", "error", "errorType"),
        *("traceback", "delaySeconds", "tier", "why", "codeVersion", "place"),
    )
)
"""What an attempt may have; some have less."""


@dataclass(frozen=True)
class Step:
    """One thing that happened.

    Args:
        shape: Of `Marks.shape`.
        colour: A class.
        text: What.
        note: Why, or how.
        at: When, ISO 8601.
    """

    shape: str
    colour: str
    text: str
    note: str
    at: str


def steps_of(detail: Mapping[str, Any]) -> Sequence[Step]:
    """The steps of a job, oldest first.

    Args:
        detail: As `get_job_detail` tells it.
    """
    sent = detail["createdAt"]
    first = [Step("wait", "", "Sent", "", sent)] if sent else []
    return [*first, *(_step(each) for each in detail["timeline"])]


def is_failure(told: Mapping[str, Any]) -> bool:
    """Whether a span of a timeline is a run that did not succeed.

    Args:
        told: The span.
    """
    return told["state"] == "active" and told.get("outcome") not in _GOOD


def attempts_of(detail: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The attempts of a job, newest first, with the one that was stopped, if one was.

    Args:
        detail: As `get_job_detail` tells it.
    """
    stopped = [
        {
            "number": each["attempt"],
            "outcome": each["outcome"],
            "worker": each["worker"],
            "startedAt": each["at"],
            "durationMs": each["durationMs"],
        }
        for each in detail["timeline"]
        if each["state"] == "active" and each["outcome"] == _STOPPED
    ]
    return [{**BLANK_ATTEMPT, **each} for each in reversed([*detail["attempts"], *stopped])]


def all_attempts(detail: Mapping[str, Any]) -> int:
    """How many attempts there were, where the oldest are not kept; 0 where all are.

    Args:
        detail: As `get_job_detail` tells it.
    """
    numbers = [each.get("number") or 0 for each in detail["attempts"]]
    return max(numbers) if numbers and numbers[0] > 1 else 0


def _step(told: Mapping[str, Any]) -> Step:
    word, shape, colour = LOOKS.get(_NAMES.get(told["state"], told["state"]), LOOKS["waiting"])
    note = told.get("error") or told.get("why") or told.get("reason") or told.get("jobId") or ""
    if told["state"] == "active":
        word = _run(told)
    if is_failure(told):
        shape, colour = "dead", "bad"
    return Step(
        shape,
        f"t-{colour}" if colour else "",
        f"{word}{_length(told)}",
        str(note)[:_LONGEST],
        told["at"],
    )


def _run(told: Mapping[str, Any]) -> str:
    which = f"Attempt {told.get('attempt') or '?'}"
    if told.get("outcome") == _STOPPED:
        return f"{which} was stopped"
    if is_failure(told):
        return f"{which} failed"
    return f"{which} {'runs' if told.get('outcome') == 'running' else 'succeeded'}"


def _length(told: Mapping[str, Any]) -> str:
    if told["durationMs"] is None:
        return "" if told["state"] in _ENDS else ", until now"
    return f" {'after' if is_failure(told) else 'for'} {duration(told['durationMs'])}"
