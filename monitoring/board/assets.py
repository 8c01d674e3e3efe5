"""The sheets and modules of the board, as they are sent: without comments, by version."""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from monitoring.errors import SubjectNotFound

_HERE = Path(__file__).parent
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_COMMENT_LINE = re.compile(r"^\s*//.*$", re.MULTILINE)
_SPACE = re.compile(r"\s*([{};,>])\s*")
_BEHIND = re.compile(r":\s+")
_INDENT = re.compile(r"\n\s*")

SHEETS: Mapping[str, tuple[str, ...]] = {
    "shell": ("shell",),
    "overlays": ("fields", "overlays"),
    "refused": ("pages",),
    "jobs": ("pages", "tables", "rows", "search", "charts", "jobs"),
    "queues": ("pages", "tables", "rows", "bars", "fields", "tabs", "queues"),
    "queue": ("pages", "kpis", "tables", "rows", "bars", "charts", "lists", "queue"),
    "overview": ("lead", "overview", "kpis", "bars", "lists", "tables", "charts"),
    "workers": ("pages", "lead", "tables", "rows", "bars", "workers"),
}
"""What each sheet is made of: one request for the shell, and one for the place."""

TYPES: Mapping[str, str] = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@cache
def asset(name: str) -> tuple[bytes, str]:
    """What a browser asks for.

    Args:
        name: Such as `overview.css` or `board.js`.

    Returns:
        The bytes, and their media type.

    Raises:
        SubjectNotFound: If there is nothing of that name.
    """
    stem, _, ending = name.rpartition(".")
    if ending == "css" and stem in SHEETS:
        return _sheet(stem).encode(), TYPES["css"]
    if ending in {"js", "svg"} and stem in _names(ending):
        text = (_HERE / ending / name).read_text("utf-8")
        return (_module(text) if ending == "js" else text).encode(), TYPES[ending]
    raise SubjectNotFound(
        f"The board has no file {name!r}.", field="name", remedy="Reload the page."
    )


@cache
def version() -> str:
    """Changes with any of the files, so that browsers keep each for good: 12 characters."""
    found = hashlib.sha256()
    for path in sorted(_HERE.rglob("*.*")):
        if path.suffix[1:] in {*TYPES, "html", "json"}:
            found.update(path.read_bytes())
    return found.hexdigest()[:12]


@cache
def _names(ending: str) -> frozenset[str]:
    return frozenset(path.stem for path in (_HERE / ending).glob(f"*.{ending}"))


def _sheet(name: str) -> str:
    text = "\n".join((_HERE / "css" / f"{part}.css").read_text("utf-8") for part in SHEETS[name])
    return _BEHIND.sub(":", _SPACE.sub(r"\1", _COMMENT.sub("", text))).replace(";}", "}").strip()


def _module(text: str) -> str:
    """A module without comments and indents; no string of ours has several lines."""
    return _INDENT.sub("\n", _COMMENT_LINE.sub("", _COMMENT.sub("", text))).strip()
