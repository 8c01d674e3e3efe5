"""Renders the pages: once for all who see the same, and nothing where a browser has it already."""

import hashlib
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from messages import PostroomError
from monitoring.board import drawing, wording
from monitoring.board.assets import version
from monitoring.board.depths import Depths
from monitoring.board.directions import straight
from monitoring.board.kept import Kept
from monitoring.board.marks import Marks
from monitoring.board.standing import Standing, read_standing
from monitoring.duties import Duties
from monitoring.jobs.stuck import get_stuck_jobs
from monitoring.streams.consumers import find_consumers
from monitoring.streams.overview import StreamRow
from monitoring.streams.reading import answered
from monitoring.web.identity import Identity, Role
from monitoring.web.paths import path_of
from monitoring.web.refusals import status_of
from workers.clock import utc_now
from workers.connection import storage_errors

Values = Mapping[str, Any]
JsonDict = dict[str, Any]
T = TypeVar("T")

_STALE = 30.0  # seconds for which old news of how things stand will do while new ones are read
_STUCK = 30.0  # what is stuck is so for minutes, and to find it costs as much as a page
_SLOW = 12.0  # what the numbers of a day or a month, and what history costs, are read anew for

_TIMES = re.compile(r"(<time[^>]*>)[^<]*")
_THEMES = frozenset({"light", "dark"})

PLACES = (
    ("", "Overview", "overview"),
    ("jobs", "Jobs", "jobs"),
    ("failures", "Failures", "failures"),
    ("queues", "Queues", "queues"),
    ("workers", "Workers", "workers"),
    ("messages", "Messages", "messages"),
    ("insights", "Insights", "insights"),
    ("settings", "Settings", "settings"),
)
"""Path, name and icon of each place, in the order of the rail; Settings stands apart."""

OF_A_TENANT = tuple(each for each in PLACES if each[0] in {"jobs", "queues"})
"""The places for who may see one tenant only."""


@dataclass(frozen=True)
class Seen:
    """A page as it was rendered.

    Args:
        html: The page, but for its tag.
        tag: The same for pages that differ in nothing but how long ago something was.
        status: Of the answer.
    """

    html: str
    tag: str
    status: HTTPStatus = HTTPStatus.OK


class Board:
    """What the pages of one process share.

    Args:
        seconds: For how long a page is remembered; how things stand, twice as long.
    """

    def __init__(self, seconds: float) -> None:
        self.pages: Kept[Seen] = Kept(seconds)
        self.depths = Depths()
        self.streams: Kept[Sequence[StreamRow]] = Kept(2 * seconds, stale=_STALE)
        self._standing: Kept[Standing] = Kept(2 * seconds, stale=_STALE, most=1)
        self._stuck: Kept[Sequence[JsonDict]] = Kept(_STUCK, stale=4 * _STUCK, most=1)
        self._consumers: Kept[int] = Kept(_SLOW, stale=4 * _SLOW, most=1)
        self._slow: Kept[Any] = Kept(_SLOW, stale=4 * _SLOW)

    def stir(self) -> None:
        """Forget all that was seen: something was changed here."""
        self.pages.forget()
        self.streams.forget()
        self._standing.forget()
        self._stuck.forget()
        self._consumers.forget()
        self._slow.forget()

    def slowly(self, key: Hashable, make: Callable[[], T]) -> T:
        """What costs much to read and changes slowly: up to a minute old.

        Args:
            key: Names it, with all that it depends on.
            make: Reads it; may be called by a thread of its own.
        """
        found: T = self._slow.get(key, make)
        return found

    def standing(self, request: Request) -> Standing:
        """How things stand.

        Args:
            request: To the application.
        """
        state, root = request.app.state, path_of(request, "")

        def stuck() -> Sequence[JsonDict]:
            return get_stuck_jobs(connection=state.reader)

        def consumers() -> int:
            return len(answered(find_consumers(state.engine), state.reader).rows)

        def read() -> Standing:
            duties: Duties = state.duties
            return read_standing(
                connection=state.reader,
                settings=state.engine,
                rules=duties.alerter.rules,
                root=root,
                stuck=self._stuck.get(None, stuck),
                consumers=self._consumers.get(None, consumers),
            )

        return self._standing.get(root, read)


def is_fresh(request: Request) -> bool:
    """Whether the browser wants nothing that was remembered: after an action of its own."""
    return "no-cache" in request.headers.get("cache-control", "")


def page(
    request: Request,
    asker: Identity,
    template: str,
    read: Callable[[Standing], Values],
    *,
    place: str,
) -> Response:
    """Answer with a page.

    Args:
        request: Its address, with the query, names what is shown.
        asker: Who asks; those of one role and tenant see the same page.
        template: Of `templates/`.
        read: Reads what the page shows beside how things stand.
        place: Of `PLACES`, by its path.
    """
    board: Board = request.app.state.board
    theme = request.cookies.get("postroom_theme", "")
    theme = theme if theme in _THEMES else ""
    key = (path_of(request, ""), str(request.url), asker.role, asker.tenant, theme)
    fresh = is_fresh(request)

    def make() -> Seen:
        around = {"theme": theme, "place": place, **_around(request, asker)}
        try:
            with storage_errors():
                standing = board.standing(request)
                values = read(standing)
        except PostroomError as error:
            return _refused(error, around, status_of(error))
        # Who may see one tenant only is not shown how things stand for all.
        stands = None if asker.tenant else standing
        shown = {**around, "standing": stands, "now": standing.now, **values}
        return _seen(render(template, shown))

    return _answer(request, board.pages.get(key, make, fresh=fresh))


def fragment(request: Request, asker: Identity, template: str, values: Values) -> HTMLResponse:
    """Answer with a part of a page, such as a dialog.

    Args:
        request: To the application.
        asker: Who asks.
        template: Of `templates/`.
        values: What it shows.
    """
    return HTMLResponse(render(template, {**_around(request, asker), "now": utc_now(), **values}))


def render(template: str, values: Values) -> str:
    """A template with its values.

    Args:
        template: Of `templates/`.
        values: All that it names; one that is missing is an error.
    """
    return straight(_templates().get_template(template).render(marks=Marks(), **values))


def _around(request: Request, asker: Identity | None) -> Values:
    root = path_of(request, "")
    return {
        "root": root,
        "assets": f"{root}/board/assets/{version()}",
        "version": version(),
        "places": OF_A_TENANT if asker is not None and asker.tenant is not None else PLACES,
        "seconds": request.app.state.web.live_seconds,
        "environment": request.app.state.engine.environment,
        "may_act": asker is not None and asker.role >= Role.ADMIN,
        "may_destroy": asker is not None and asker.role >= Role.SUPER_ADMIN,
        "tenant": asker.tenant if asker else None,
    }


def refused(request: Request, error: PostroomError, status: int) -> Response:
    """Answer with a page that says why there is none, and what to do.

    Args:
        request: Of a browser.
        error: What went wrong.
        status: Of the answer.
    """
    around = {"theme": "", "place": None, **_around(request, None)}
    return _answer(request, _refused(error, around, HTTPStatus(status)))


def _refused(error: PostroomError, around: Values, status: HTTPStatus) -> Seen:
    passes = status == HTTPStatus.SERVICE_UNAVAILABLE
    shown = {**around, "standing": None, "now": utc_now(), "error": error, "is_passing": passes}
    return _seen(render("refused.html", shown), status)


def _seen(html: str, status: HTTPStatus = HTTPStatus.OK) -> Seen:
    if status is not HTTPStatus.OK:  # told whole each time, and nothing of it by its tag
        return Seen(html, "", status)
    lasting = _TIMES.sub(r"\1", html)
    return Seen(html, f'W/"{hashlib.sha256(lasting.encode()).hexdigest()[:20]}"', status)


def _answer(request: Request, seen: Seen) -> Response:
    headers = {"Cache-Control": "private, no-cache"} | ({"ETag": seen.tag} if seen.tag else {})
    if seen.tag and request.headers.get("if-none-match") == seen.tag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    html = seen.html.replace("{{tag}}", seen.tag.replace('"', "&quot;"), 1)
    return HTMLResponse(html, seen.status, headers)


def _quoted(name: object) -> str:
    # Jinja's own filter leaves slashes as they are, and a queue may be named `a/b`.
    return quote(str(name), safe="")


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("monitoring.board"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    made.filters |= {
        "count": wording.count,
        "percent": wording.percent,
        "duration": wording.duration,
        "bytes": wording.size,
        "exactly": wording.exactly,
        "short": wording.short,
        "cut": wording.cut,
        "pretty": wording.pretty,
        "urlencode": _quoted,
    }
    made.globals |= {
        "told": wording.told,
        "clock": wording.clock,
        "load_bars": drawing.load_bars,
        "spark_path": drawing.spark_path,
        "under": drawing.under,
    }
    return made
