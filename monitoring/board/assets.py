"""The sheets and modules of the board, as they are sent: minified, by version."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rcssmin import cssmin
from rjsmin import jsmin

from monitoring.errors import SubjectNotFound

_HERE = Path(__file__).parent

SHEETS: Mapping[str, tuple[str, ...]] = {
    "shell": ("controls", "shell"),
    "overlays": ("fields", "overlays", "suggest"),
    "refused": ("pages",),
    "job": ("pages", "crumbs", "tables", "rows", "cards", "tabs", "lists", "job"),
    "jobs": ("pages", "tables", "rows", "select", "search", "charts", "jobs"),
    "failures": (
        *("pages", "crumbs", "tabs", "tables", "rows", "cards", "fields", "failures", "shares"),
        *("bars", "code"),
    ),
    "failure": (
        *("pages", "crumbs", "tabs", "fields", "shares", "diff", "steps"),
        *("bars", "charts", "lines", "code"),
    ),
    "queues": ("pages", "tables", "rows", "cards", "bars", "fields", "tabs", "queues"),
    "queue": (
        "pages",
        "crumbs",
        "kpis",
        "tables",
        "rows",
        "cards",
        "bars",
        "charts",
        "lines",
        "lists",
        "queue",
    ),
    "stream": (
        "pages",
        "crumbs",
        "kpis",
        "tables",
        "rows",
        "cards",
        "bars",
        "charts",
        "lines",
        "stream",
    ),
    "overview": ("lead", "overview", "kpis", "bars", "lists", "tables", "charts", "lines"),
    "messages": ("pages", "tables", "lists", "fields", "tabs", "messages"),
    "workers": ("pages", "lead", "tables", "rows", "cards", "bars", "workers"),
    "settings": ("pages", "tables", "rows", "cards", "tabs", "fields", "lists", "insights"),
    "insights": (
        "pages",
        "tables",
        "rows",
        "cards",
        "tabs",
        "fields",
        "bars",
        "charts",
        "lines",
        "insights",
    ),
    "job-monitor": ("controls", "bars", "tables", "charts", "lines", "monitor"),
}
"""What each sheet is made of: one request for the shell, and one for the place."""

ELEMENT = "job-monitor"
"""What other pages embed; its sheet is a module as well, which no policy on styles concerns."""

TYPES: Mapping[str, str] = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@cache
def asset(name: str) -> tuple[bytes, str]:
    """What a browser asks for.

    Args:
        name: Such as `overview.css` or `board.js`; `job-monitor.css.js` is a sheet as a module.

    Returns:
        The bytes, and their media type.

    Raises:
        SubjectNotFound: If there is nothing of that name.
    """
    stem, _, ending = name.rpartition(".")
    if ending == "css" and stem in SHEETS:
        return _sheet(stem).encode(), TYPES["css"]
    if name == f"{ELEMENT}.css.js":
        return f"export default {json.dumps(_sheet(ELEMENT))};".encode(), TYPES["js"]
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
    minified: str = cssmin(text)
    return minified


def _module(text: str) -> str:
    minified: str = jsmin(text)
    return minified
