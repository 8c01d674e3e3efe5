"""How an error is answered over HTTP: one table, one body."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from messages import InvalidMessage, PostroomError
from monitoring.alerts import ChannelFailed, ChannelNotFound
from monitoring.errors import AskAgain, InvalidQuery, QueueNotFound, SubjectNotFound, TypeNotFound
from monitoring.live.live import TooManyClients
from monitoring.web.body_limit import MOST_BYTES
from monitoring.web.crashes import trail_of
from monitoring.web.identity import NotAllowed, NotAuthenticated
from monitoring.web.logins import WINDOW, TooManyLogins
from monitoring.web.outages import LONGEST, Outages, whole_seconds
from monitoring.web.parameters import parameters_of
from monitoring.web.paths import login_for
from monitoring.web.slashes import shown
from monitoring.web.tokens import KeysUnavailable
from workers import dead_letters
from workers.clearing import ClearRefused
from workers.errors import (
    FailureGroupNotFound,
    InvalidOption,
    InvalidState,
    JobNotFound,
    RecordDamaged,
    StorageRefused,
    StorageUnavailable,
    StreamFull,
    StreamNotFound,
    WorkerNotFound,
)
from workers.logger import get_logger

log = get_logger("postroom.web")

STATUS: Mapping[type[PostroomError], HTTPStatus] = {
    NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    NotAllowed: HTTPStatus.FORBIDDEN,
    ClearRefused: HTTPStatus.FORBIDDEN,
    QueueNotFound: HTTPStatus.NOT_FOUND,
    TypeNotFound: HTTPStatus.NOT_FOUND,
    SubjectNotFound: HTTPStatus.NOT_FOUND,
    JobNotFound: HTTPStatus.NOT_FOUND,
    StreamNotFound: HTTPStatus.NOT_FOUND,
    WorkerNotFound: HTTPStatus.NOT_FOUND,
    ChannelNotFound: HTTPStatus.NOT_FOUND,
    FailureGroupNotFound: HTTPStatus.NOT_FOUND,
    dead_letters.DeadLetterNotFound: HTTPStatus.NOT_FOUND,
    InvalidState: HTTPStatus.CONFLICT,
    RecordDamaged: HTTPStatus.CONFLICT,
    dead_letters.AlreadyReplayed: HTTPStatus.CONFLICT,
    dead_letters.LetterChanged: HTTPStatus.CONFLICT,
    dead_letters.NotReplayable: HTTPStatus.CONFLICT,
    StreamFull: HTTPStatus.CONFLICT,
    InvalidMessage: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidOption: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidQuery: HTTPStatus.UNPROCESSABLE_ENTITY,
    dead_letters.InvalidLetter: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooManyLogins: HTTPStatus.TOO_MANY_REQUESTS,
    ChannelFailed: HTTPStatus.BAD_GATEWAY,
    TooManyClients: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    KeysUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageRefused: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""Error -> status; the nearest class counts, and what is not here is our fault: 500."""

_REMEDIES: Mapping[int, str] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        f"Send {MOST_BYTES:,} bytes at most; store what is large elsewhere, and send its id."
    ),
}
_ELSE = "GET /openapi.json names every route."
_ON_A_PAGE = "Go on from the overview."
_CODES: Mapping[int, str] = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large"}
"""Where Pythons have several phrases for a status."""


def answer_errors(app: FastAPI) -> None:
    """Let an application answer every error with `{"error": {code, field, message, remedy}}`."""
    app.add_exception_handler(PostroomError, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unknown)


_LOOK_IT_UP = "GET /openapi.json says what fits."


def refusal(error: PostroomError, request: Request) -> JSONResponse:
    """The answer for an error.

    Args:
        error: What went wrong.
        request: What was asked.
    """
    body = {"error": error.as_dict()}
    return JSONResponse(body, status_of(error), headers_of(error, request))


def headers_of(error: PostroomError, request: Request) -> dict[str, str]:
    """What the headers of the answer say of an error.

    Args:
        error: What went wrong.
        request: What was asked.

    Returns:
        How to log in, for 401; in how many seconds to ask again, for 429 and 503: when there is
        room again, as far as that is known, or when Redis has been away for twice as long.
    """
    status = status_of(error)
    if status is HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, AskAgain):
        longest = WINDOW if status is HTTPStatus.TOO_MANY_REQUESTS else LONGEST
        return {"Retry-After": str(whole_seconds(error.after, longest=longest))}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        outages: Outages = request.app.state.outages
        return {"Retry-After": str(outages.ask_again_after(error.code))}
    return {}


def status_of(error: PostroomError) -> HTTPStatus:
    """The status that an error is answered with; 500 for one that is our fault."""
    found = (STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)


def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, PostroomError)  # noqa: S101 - for mypy: it is registered for these
    if isinstance(error, NotAuthenticated) and _is_page(request):
        return RedirectResponse(login_for(request), HTTPStatus.SEE_OTHER)
    status = status_of(error)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        _note(request, error)
    return _shown(request, error, status, headers_of(error, request))


def _shown(
    request: Request, error: PostroomError, status: int, headers: Mapping[str, str]
) -> Response:
    """As a page for a browser that wants one, otherwise as JSON."""
    if _is_page(request):
        page: Response = request.app.state.show_refusal(request, error, status)
        page.headers.update(headers)
        return page
    return JSONResponse({"error": error.as_dict()}, status, headers)


def _is_page(request: Request) -> bool:
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    phrase = HTTPStatus(error.status_code).phrase
    known = PostroomError(
        f"{request.method} {shown(request.url.path)}: {phrase.lower()}.",
        remedy=_REMEDIES.get(error.status_code, _ON_A_PAGE if _is_page(request) else _ELSE),
        code=_CODES.get(error.status_code, phrase.lower().replace(" ", "_")),
    )
    return _shown(request, known, error.status_code, error.headers or {})


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    known = _first_of(error.errors(), request)
    return _shown(request, known, status_of(known), headers_of(known, request))


def _first_of(details: Any, request: Request) -> InvalidQuery:
    detail = details[0]
    if detail["type"] == "json_invalid":  # which tells where, in place of a name
        return _invalid_request(f"The body is no JSON: {detail['ctx']['error']}", "body")
    name = _name_of(detail)
    is_elsewhere = detail["type"] == "extra_forbidden" and name in parameters_of(
        request.scope.get("route")
    )
    remedy = f"Give it as a parameter, `?{name}=...`." if is_elsewhere else _LOOK_IT_UP
    said = dict.fromkeys(each["msg"] for each in details if _name_of(each) == name)
    return _invalid_request(f"{name}: {'; or: '.join(said)}", name, remedy)


def _name_of(detail: Any) -> str:
    # Where a field may have one of several forms, the name of the form stands behind its own.
    place, *path = (part for part in map(str, detail["loc"]) if not _is_form(part))
    return ".".join(path) or place


def _invalid_request(what: str, field: str, remedy: str = _LOOK_IT_UP) -> InvalidQuery:
    return InvalidQuery(f"{what}.", field=field, remedy=remedy, code="invalid_request")


def _is_form(part: str) -> bool:
    return part.startswith(("constrained-", "literal["))


def _unknown(request: Request, error: Exception) -> JSONResponse:
    _note(request, error)
    known = PostroomError(
        "Something went wrong here that should not.",
        remedy="The log of the web process says where, as `request_failed`; please report it.",
        code="internal_error",
    )
    return JSONResponse({"error": known.as_dict()}, HTTPStatus.INTERNAL_SERVER_ERROR)


def _note(request: Request, error: Exception) -> None:
    log.error(
        "request_failed",
        method=request.method,
        path=shown(request.url.path),
        error_type=type(error).__name__,
        trail=trail_of(error),
    )
