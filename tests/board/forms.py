"""What people do on the board: every request that a form of its templates stands for, or undoes."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi.routing import APIRoute

from monitoring import board
from monitoring.web.app import closed_routers
from monitoring.web.auth import SAFE

TEMPLATES = Path(board.__file__).parent / "templates"
ELEMENT = "job-monitor"

_OPENED = re.compile(r"<form (.*?)>\n?|{% block form %}(.*?){% endblock %}", re.DOTALL)
_SENT = re.compile(r'action="([^"]*)"|data-method="(\w+)"')
_OTHER = re.compile(r' formaction="([^"]*)"')
_UNDO = re.compile(r"data-undo='\{\{(.*?)\}\}'", re.DOTALL)
_UNDONE = re.compile(r'"method": "(\w+)", "url": root ~ (.*?), "body"', re.DOTALL)
_VALUE = re.compile(r"{{.*?}}")


@dataclass(frozen=True, order=True)
class Action:
    """Something that people do by a form.

    Args:
        form: The template, `its name, undone` for the button that undoes it, or the element.
        route: Method and path of the API, as it is declared.
    """

    form: str
    route: str


OF_THE_ELEMENT = (
    "PATCH /admin/jobs/queue/{queue}/pause",
    "PATCH /admin/jobs/queue/{queue}/resume",
    "DELETE /admin/jobs/queue/{queue}/clear",
    "POST /admin/jobs/retry/{queue}/{job_id}",
    "POST /admin/jobs/{queue}/{job_id}/stop",
)
"""What `js/monitor-acts.js` sends, which has no forms of templates."""


def actions() -> Sequence[Action]:
    """Everything that people do on the board."""
    routes = [each.name for each in changing()]
    found = {
        Action(form, route)
        for path in sorted(TEMPLATES.rglob("*.html"))
        for form, method, action in _requests(path)
        for route in _fitting(method, action, routes)
    }
    return [*sorted(found), *(Action(ELEMENT, each) for each in OF_THE_ELEMENT)]


@dataclass(frozen=True)
class Changing:
    """A route of the API that changes something.

    Args:
        name: Method and path, as they are declared.
        path: The path alone.
        endpoint: The function behind it.
    """

    name: str
    path: str
    endpoint: Callable[..., object]


def changing() -> Sequence[Changing]:
    """Every route of the API that changes something."""
    return [
        Changing(f"{method} {route.path}", route.path, route.endpoint)
        for router in closed_routers()
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods - SAFE)
    ]


def _requests(path: Path) -> Iterator[tuple[str, str, str]]:
    """Form, method and path of what a template sends; `*` stands for what it fills in."""
    text, name, method = path.read_text(), path.relative_to(TEMPLATES).as_posix(), ""
    for match in _OPENED.finditer(text):
        opened = match[1] or match[2]
        if "data-method=" not in opened:
            continue
        sent = [action or f" {method}" for action, method in _SENT.findall(opened)]
        methods = [each.strip() for each in sent if each.startswith(" ")]
        paths = [each for each in sent if not each.startswith(" ")]
        if len(methods) == 1:  # of a form whose path alone depends on something
            methods *= len(paths)
        for method, action in zip(methods, paths, strict=True):
            yield name, method, _VALUE.sub("*", action.removeprefix("{{ root }}"))
    for action in _OTHER.findall(text):  # of a button, by the method of its form
        yield name, method, _VALUE.sub("*", action.removeprefix("{{ root }}"))
    for undo in _UNDO.findall(text):
        for method, url in _UNDONE.findall(undo):
            parts = [each.strip() for each in url.split("~")]
            told = "".join(each.strip('"') if each.startswith('"') else "*" for each in parts)
            yield f"{name}, undone", method, told


def _fitting(method: str, action: str, routes: Sequence[str]) -> Sequence[str]:
    """The routes that an address reaches: `*` is a parameter, or else any one word."""
    known = [each for each in routes if each.startswith(f"{method} ")]
    found = [each for each in known if _fits(action, each.split()[1], word=False)]
    found = found or [each for each in known if _fits(action, each.split()[1], word=True)]
    if not found:
        raise AssertionError(f"{method} {action} is sent to no route that there is.")
    return found


def _fits(action: str, path: str, *, word: bool) -> bool:
    asked, declared = action.split("/"), path.split("/")
    return len(asked) == len(declared) and all(
        one == other or (one == "*" and (word or other.startswith("{")))
        for one, other in zip(asked, declared, strict=True)
    )
