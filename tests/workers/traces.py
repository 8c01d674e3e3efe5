"""What a test's application leaves outside Redis."""

import os
from pathlib import Path


def note(line: str) -> None:
    """Leave a trace."""
    with Path(os.environ["TRACE"]).open("a", encoding="utf-8") as trace:
        trace.write(f"{line}\n")


def traces(kind: str) -> list[str]:
    """The traces of a behaviour."""
    text = Path(os.environ["TRACE"]).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.startswith(f"{kind}: ")]
