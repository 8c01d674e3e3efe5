"""How a command answers: one JSON object for machines, or lines for people."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from messages import PostroomError
from workers.errors import setting_invalid

USAGE_ERROR = 2

Answer = Mapping[str, Any] | Sequence[Any]

Say = Callable[[Answer, str], None]
"""Prints an answer: its JSON form, and its form for people."""


@contextmanager
def answer(*, as_json: bool) -> Iterator[Say]:
    """Print a command's answer, or its error, in the form that was asked for.

    Args:
        as_json: Whether to print JSON.

    Yields:
        The function to answer with.

    Raises:
        SystemExit: With code 2, after an error was printed as JSON.
        PostroomError: Any error, when people are to read it; `main` prints it.
        ValidationError: Of settings, likewise.
    """
    try:
        yield _say_json if as_json else _say_text
    except (PostroomError, ValidationError) as error:
        if not as_json:
            raise
        known = setting_invalid(error) if isinstance(error, ValidationError) else error
        _say_json({"success": False, "error": known.as_dict()}, "")
        raise SystemExit(USAGE_ERROR) from None


def _say_json(answer: Answer, _: str) -> None:
    sys.stdout.write(json.dumps(answer, default=str) + "\n")


def _say_text(_: Answer, text: str) -> None:
    sys.stdout.write(text + "\n")
