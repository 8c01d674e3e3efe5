"""Server-sent events as bytes (the HTML standard, section 9.2). Pure."""

import json
from collections.abc import Mapping
from typing import Any

from messages import PostroomError

OPENING = b": hello\nretry: 3000\n\n"
"""Begins a stream, so that its reader knows at once that it is open; ms until it comes back."""
HEARTBEAT = b":\n\n"
"""Says nothing, so that nobody on the way takes the connection for dead."""


def event(data: Mapping[str, Any], *, name: str = "", number: str = "") -> bytes:
    """One event.

    Args:
        data: Written as JSON, in one line.
        name: What browsers call it; empty is `message`.
        number: Its id, without line feeds; empty leaves the reader's last one as it is.
    """
    head = f"id: {number}\n" if number else ""
    head += f"event: {name}\n" if name else ""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"{head}data: {text}\n\n".encode(errors="replace")


def refusal_event(name: str, error: PostroomError) -> bytes:
    """An event that tells of an error, with the same four parts as an answer.

    Args:
        name: What browsers call it.
        error: What went wrong.
    """
    return event({"error": error.as_dict()}, name=name)
