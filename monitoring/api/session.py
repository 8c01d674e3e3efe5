"""Routes: log in and out with a browser, and who is logged in."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from messages import PostroomError
from monitoring.api.parts import Asker
from monitoring.web.auth import Authenticator
from monitoring.web.identity import Identity, NotAuthenticated
from monitoring.web.login_page import login_page
from monitoring.web.origins import check_origin
from monitoring.web.paths import own_path, path_of
from monitoring.web.refusals import headers_of, status_of
from monitoring.web.sessions import COOKIE, OneTimeCode
from workers.clock import utc_now

open_router = APIRouter(tags=["browser"])
router = APIRouter(tags=["session"])

_Wanted = Annotated[str, Query(alias="next")]


@open_router.get("/login", response_class=HTMLResponse)
def show_login(request: Request, code: str = "", wanted: _Wanted = "/") -> HTMLResponse:
    """The page for logging in; to open it logs nobody in."""
    page = login_page(path_of(request, "/login"), code=code, wanted=own_path(wanted))
    return HTMLResponse(page)


@open_router.post("/login")
def log_in(
    request: Request,
    token: Annotated[str, Form()] = "",
    code: Annotated[str, Form()] = "",
    wanted: Annotated[str, Form(alias="next")] = "/",
) -> Response:
    """Exchange a token, or a one-time code, for the cookie of a login."""
    try:
        check_origin(request)
        with request.app.state.logins.of(_address(request)):
            found = _who(request, token.strip(), code.strip())
    except PostroomError as error:
        page = login_page(path_of(request, "/login"), wanted=own_path(wanted), error=str(error))
        return HTMLResponse(page, status_of(error), headers_of(error, request))
    answer = RedirectResponse(path_of(request, own_path(wanted)), HTTPStatus.SEE_OTHER)
    _set_cookie(request, answer, found)
    return answer


@open_router.post("/logout")
def log_out(request: Request) -> Response:
    """Forget the login of this browser."""
    check_origin(request)
    answer = RedirectResponse(path_of(request, "/login"), HTTPStatus.SEE_OTHER)
    answer.delete_cookie(COOKIE, path=path_of(request, "/"), httponly=True, samesite="strict")
    return answer


@router.get("/api/session")
def session(request: Request, asker: Asker) -> dict[str, Any]:
    """Who asks, what they may do, and the token that a change by cookie must show."""
    auth: Authenticator = request.app.state.authenticator
    shown = {"csrfToken": auth.sessions.csrf_token(asker)} if asker.by == "cookie" else {}
    return {
        "subject": asker.subject,
        "role": asker.role.name,
        "tenant": asker.tenant,
        **shown,
    }


def _who(request: Request, token: str, code: str) -> Identity:
    auth: Authenticator = request.app.state.authenticator
    once: OneTimeCode | None = request.app.state.one_time_code
    if code:
        if once is None:
            raise NotAuthenticated("No one-time code was given out.", remedy="Use a token.")
        return once.redeem(code)
    return auth.tokens.identity(token)


def _set_cookie(request: Request, answer: Response, identity: Identity) -> None:
    sessions = request.app.state.authenticator.sessions
    lasts: timedelta = sessions.lasts
    answer.set_cookie(
        COOKIE,
        sessions.cookie(identity, now=utc_now()),
        max_age=int(lasts.total_seconds()),
        path=path_of(request, "/"),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
