"""How bad a group of failures is, and whether a replay of it would help now. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import workers
from monitoring.board.standing import Standing
from monitoring.words import first_line, span

JsonDict = dict[str, Any]

SEVERITIES = (("critical", 100), ("high", 10), ("medium", 1), ("low", 0))
"""The severity of a group, and from how many failures in the last hour it is that."""

_STILL = timedelta(minutes=10)  # so new is a failure that others are to be expected
_FRAME = re.compile(r'^  File "([^"]+)", line (\d+), in (.+)$')
_ROOT = f"{Path(workers.__file__).parents[1]}/"
_FOREIGN = ("site-packages", "/lib/python", str(Path(workers.__file__).parent))
_FEW = 4  # letters that make no sentence


@dataclass(frozen=True)
class Outlook:
    """Whether a replay would help now.

    Args:
        is_good: Whether nothing speaks against one.
        verdict: In some words.
        why: In a sentence.
    """

    is_good: bool
    verdict: str
    why: str


@dataclass(frozen=True)
class Line:
    """A line of a stack.

    Args:
        text: What it says.
        is_own: Whether it stands in the application's code.
    """

    text: str
    is_own: bool


def severity_of(last_hour: int) -> str:
    """How bad a group is.

    Args:
        last_hour: Failures in the last hour.
    """
    return next(name for name, least in SEVERITIES if last_hour >= least)


def title_of(group: Mapping[str, Any]) -> str:
    """What went wrong, in a line.

    Args:
        group: As the API tells it.
    """
    text, kind = first_line(group["message"], ""), short_name(group["errorType"])
    if sum(letter.isalpha() for letter in text) >= _FEW:
        return text if text.endswith("..") else text.removesuffix(".")
    return f"{kind}: {text}" if text else kind


def short_name(qualified: str) -> str:
    """The name of a class without its module."""
    return qualified.rpartition(".")[2]


def outlook_of(
    group: Mapping[str, Any], standing: Standing, *, dead: int, succeeded: int = 0
) -> Outlook | None:
    """Whether a replay would help now.

    Args:
        group: As the API tells it.
        standing: How things stand.
        dead: How many of its letters are left to replay.
        succeeded: How many of its trials did.

    Returns:
        None if there is nothing to replay, or a trial has told it already.
    """
    if not dead or succeeded:
        return None
    held = _held(group, standing)
    if held:
        return Outlook(False, "A replay would only wait", held)
    if group["state"] == "fixed":
        fixed = f"It is marked as fixed in {group['fixedIn']}, and has not come back since."
        return Outlook(True, "A trial will tell", fixed)
    last, now = datetime.fromisoformat(group["lastSeen"]), standing.now
    deploy = standing.deploy
    # How things stand may have been read some seconds before the group was.
    ago = span(max(1, int((now - last).total_seconds())))
    if deploy and datetime.fromisoformat(deploy["at"]) > last:
        what = f"Release {deploy['version'][:20]} came after the last failure, {ago} ago."
        return Outlook(True, "A trial will tell", f"{what} If it mends this, a trial succeeds.")
    if now - last < _STILL:
        return Outlook(
            False,
            "A replay now would likely fail again",
            f"The last failure was {ago} ago, and no release came since.",
        )
    return Outlook(
        True, "A trial will tell", f"It has not failed for {ago}; no release came since."
    )


def stack_of(traceback: str, most: int = 30) -> list[Line]:
    """A stack, its own lines told apart from those of others.

    Args:
        traceback: As it was written, without secrets.
        most: Lines; the last ones are the telling ones.
    """
    return list(_lines(traceback))[-most:]


def _lines(traceback: str) -> Iterator[Line]:
    is_own = False
    for text in traceback.splitlines():
        frame = _FRAME.match(text)
        if frame:
            is_own = not any(part in frame[1] for part in _FOREIGN)
        elif not text.startswith("    "):
            is_own = True
        shown = text.replace(frame[1], _short(frame[1]), 1) if frame else text
        yield Line(shown, is_own)


def _short(path: str) -> str:
    """A file's path without the folder of the packages or of the application."""
    return path.rpartition("site-packages/")[2].removeprefix(_ROOT)


def _held(group: Mapping[str, Any], standing: Standing) -> str:
    for name in group["queues"]:
        facts = standing.queues.get(name)
        if facts is None:
            continue
        for pause in facts.pauses:
            if pause.kind == "queue" or pause.name == group["messageType"]:
                return f"{pause.name} is paused by {pause.actor}: “{pause.reason}”."
        if not facts.workers and not facts.is_held_up:
            return f"No workers serve {name}."
    return ""
