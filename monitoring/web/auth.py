"""Who asks: by a bearer token, by the cookie of a login, or as the application's own function says.

A route declares the role it needs with `needs`; an application in which one does not is not built.
"""

import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from pydantic import SecretStr
from starlette.routing import BaseRoute
from typing_extensions import override

from messages import PostroomError
from monitoring.web.identity import Identity, NotAllowed, NotAuthenticated, Role
from monitoring.web.origins import check_origin, require_origin
from monitoring.web.parameters import check_parameters
from monitoring.web.sessions import COOKIE, CSRF_HEADER, Sessions
from monitoring.web.tokens import Tokens

Own = Callable[[Request], Identity | None]
"""The application's own function; None means that nobody is logged in."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

_SCHEME = "bearer"


class Undeclared(PostroomError, TypeError):
    """A route says nothing of the role it needs: a programming error, found at start."""

    code = "undeclared_route"


class Authenticator:
    """Finds out who sends a request.

    Args:
        tokens: Checks bearer tokens.
        sessions: Checks cookies.
        own: Asked instead of both, if there is one.
    """

    def __init__(self, tokens: Tokens, sessions: Sessions, own: Own | None = None) -> None:
        self.tokens = tokens
        self.sessions = sessions
        self._own = own

    def identity(self, request: Request, *, by_origin: bool = False) -> Identity:
        """Who sends it.

        Args:
            request: A request that changes something must come from the own pages if it has a
                cookie.
            by_origin: Whether the own pages show that by their origin alone, which the browser
                must tell then; else the token of the login is needed as well.

        Raises:
            NotAuthenticated: If nobody is known.
            NotAllowed: If another site may have made the browser send it.
        """
        if self._own is not None:
            found = self._own(request)
            if found is None:
                raise NotAuthenticated("Nobody is logged in.", remedy="Log in to the application.")
            if request.method not in SAFE:
                (require_origin if by_origin else check_origin)(request)
            return found
        header = request.headers.get("authorization")
        if header is not None:
            scheme, _, token = header.partition(" ")
            if scheme.lower() != _SCHEME or not token.strip():
                raise NotAuthenticated("The header Authorization holds no bearer token.")
            return self.tokens.identity(token.strip())
        return self._of_cookie(request, by_origin=by_origin)

    def _of_cookie(self, request: Request, *, by_origin: bool) -> Identity:
        cookie = request.cookies.get(COOKIE)
        if not cookie:
            raise NotAuthenticated("Nobody is logged in.")
        found = self.sessions.identity(cookie)
        if request.method in SAFE:
            return found
        if by_origin:
            require_origin(request)
        else:
            check_origin(request)
            if not self.sessions.shows_csrf_token(found, request.headers.get(CSRF_HEADER, "")):
                raise NotAllowed(
                    f"The header {CSRF_HEADER} is missing or of another login.",
                    remedy="GET /api/session tells it.",
                )
        return found


class Needs:
    """What a route declares: the role that it needs, and whether it keeps to one tenant.

    Args:
        role: The least role.
        keeps_to_tenant: Whether the route shows those who may see one tenant only that tenant;
            others refuse them.
        by_origin: Whether its pages know no token of the login, so that a change by cookie is
            known by its origin.
    """

    def __init__(
        self, role: Role, *, keeps_to_tenant: bool = False, by_origin: bool = False
    ) -> None:
        self.role = role
        self.keeps_to_tenant = keeps_to_tenant
        self.by_origin = by_origin

    def __call__(self, request: Request) -> Identity:
        """Let the request pass if it may and its parameters are known; returns who sends it."""
        known: Authenticator = request.app.state.authenticator
        found = known.identity(request, by_origin=self.by_origin)
        require(found, self.role)
        if found.tenant is not None and not self.keeps_to_tenant:
            raise NotAllowed(
                f"{found.subject} may see tenant {found.tenant} only, and this shows all.",
                remedy="Ask for the jobs, the dead letters or the streams of the tenant.",
            )
        check_parameters(request)
        return found


class Scrape(Needs):
    """Lets Prometheus in as well, which has a token for this and nothing else."""

    def __init__(self) -> None:
        super().__init__(Role.MODERATOR)

    @override
    def __call__(self, request: Request) -> Identity:
        given: SecretStr | None = request.app.state.web.postroom_scrape_token
        shown = request.headers.get("authorization", "").partition(" ")[2].strip()
        if given is not None and hmac.compare_digest(
            shown.encode(), given.get_secret_value().encode()
        ):
            check_parameters(request)
            return Identity("prometheus", Role.MODERATOR)
        return super().__call__(request)


def require(identity: Identity, role: Role) -> None:
    """Refuse who has a lower role than a part of a route needs.

    Args:
        identity: Who asks.
        role: The least role.

    Raises:
        NotAllowed: If it is lower.
    """
    if identity.role < role:
        raise NotAllowed(
            f"This needs the role {role.name}; {identity.subject} has {identity.role.name}.",
            remedy="Ask somebody who has it.",
        )


def check_tenant(identity: Identity, tenant: str) -> None:
    """Refuse who may not see a tenant.

    Args:
        identity: Who asks.
        tenant: Whom for.

    Raises:
        NotAllowed: If it is another than the one that may be seen.
    """
    if identity.tenant not in {None, tenant}:
        raise NotAllowed(
            f"{identity.subject} may see tenant {identity.tenant} only.",
            remedy="Ask for that tenant, or with a token that has no tenant.",
        )


def check_sees_all(identity: Identity, why: str) -> None:
    """Refuse who may see one tenant only a part of a route that is open to them.

    Args:
        identity: Who asks.
        why: Why, in a sentence.

    Raises:
        NotAllowed: If they may.
    """
    if identity.tenant is not None:
        raise NotAllowed(why, remedy="Leave it out, or ask with a token that has no tenant.")


@dataclass(frozen=True)
class Declared:
    """A route, and what it needs.

    Args:
        path: Without the prefix, its parameters in braces.
        methods: Such as `GET`, in alphabetical order.
        needs: What it declares.
    """

    path: str
    methods: Sequence[str]
    needs: Needs


def declared(routers: Iterable[APIRouter]) -> Sequence[Declared]:
    """What each route of some routers needs. A route that says nothing would be open to anybody.

    Args:
        routers: The routers.

    Raises:
        Undeclared: If a route declares no role, or two.
    """
    return [_declared(route) for router in routers for route in router.routes]


def _declared(route: BaseRoute) -> Declared:
    if not isinstance(route, APIRoute):
        raise Undeclared(f"{route} is served without a role.")
    asked: list[Any] = [each.call for each in route.dependant.dependencies]
    found = [each for each in asked if isinstance(each, Needs)]
    if len(found) != 1:
        raise Undeclared(f"{route.path} declares {len(found)} roles; a route needs one.")
    return Declared(route.path, sorted(route.methods or ()), found[0])
