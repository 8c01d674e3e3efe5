"""Builds the web application: the probes, the login, and the API behind it. Closed by default."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from redis import Redis
from starlette.routing import BaseRoute

from monitoring.alerts import AlertSettings
from monitoring.api import (
    alerts,
    audit,
    cleaning,
    dead_letters,
    deploys,
    failures,
    health,
    history,
    jobs,
    live,
    many_jobs,
    numbers,
    pauses,
    prometheus,
    queues,
    rq_dashboard,
    search,
    sending,
    session,
    stream_actions,
    streams,
    why,
    worker_actions,
)
from monitoring.api.parts import Looker
from monitoring.board import dialogs, files
from monitoring.board.page import Board, refused
from monitoring.board.places import (
    failure_group,
    failure_letters,
    failures_dialogs,
    insights,
    job_dialogs,
    jobs_dialogs,
    messages,
    messages_dialogs,
    moved,
    overview,
    palette,
    queue_dialogs,
    settings_dialogs,
    stream_dialogs,
    workers,
    workers_dialogs,
)
from monitoring.board.places import failures as failures_place
from monitoring.board.places import job as job_place
from monitoring.board.places import jobs as jobs_place
from monitoring.board.places import queue as queue_place
from monitoring.board.places import queues as queues_place
from monitoring.board.places import settings as settings_place
from monitoring.board.places import stream as stream_place
from monitoring.duties import Duties
from monitoring.live.live import Live
from monitoring.live.looks import LookTaker
from monitoring.live.pace import Pace
from monitoring.prometheus import Exposition
from monitoring.web.auth import declared
from monitoring.web.body_limit import BodyLimit
from monitoring.web.entry import entry_of
from monitoring.web.headers import SafeHeaders
from monitoring.web.logins import Attempts
from monitoring.web.outages import Outages
from monitoring.web.probes import healthz, readyz
from monitoring.web.refusals import answer_errors
from monitoring.web.rq_dashboard import RqDashboard
from monitoring.web.sessions import CSRF_HEADER
from monitoring.web.settings import WebSettings
from monitoring.web.slashes import Slashes, names_whole
from monitoring.web.stirring import Stirring
from workers.settings import Settings, load_settings

ROUTERS = (
    numbers,
    deploys,
    prometheus,
    alerts,
    health,
    history,
    why,
    queues,
    pauses,
    cleaning,
    live,
    jobs,
    many_jobs,
    search,
    sending,
    dead_letters,
    failures,
    streams,
    stream_actions,
    worker_actions,
    audit,
    session,
    rq_dashboard,
    overview,
    workers,
    messages,
    messages_dialogs,
    moved,
    insights,
    settings_place,
    settings_dialogs,
    palette,
    queues_place,
    queue_place,
    queue_dialogs,
    jobs_place,
    job_place,
    job_dialogs,
    jobs_dialogs,
    stream_place,
    stream_dialogs,
    workers_dialogs,
    failures_place,
    failure_letters,
    failure_group,
    failures_dialogs,
    dialogs,
)
"""Modules with a `router`; each route declares its role."""

OPEN_ROUTERS = (session.open_router, files.open_router)
"""What answers without a token, beside the probes."""


def create_app(
    *,
    connection: Redis,
    settings: WebSettings | None = None,
    engine: Settings | None = None,
    reader: Redis | None = None,
    alerts_settings: AlertSettings | None = None,
) -> FastAPI:
    """The application. It can be mounted under any path of another one.

    Args:
        connection: Where actions are done; its timeouts bound the answer of `/readyz`.
        settings: The secret, claims, origins and prefix; None means those of the environment.
        engine: Defaults and routes for what is sent; None means those of the environment.
        reader: Where it looks, if that is a replica; None means `connection`.
        alerts_settings: Rules and channels; None means those of the environment.

    Returns:
        The application; `app.state.one_time_code` has the code of a demo without a secret. A
        server that is to go calls `app.state.live.end()`, or waits for its streams for ever.

    Raises:
        SecretMissing: If there is no secret, and this is no demo.
        Undeclared: If a route declares no role.
    """
    settings = settings or WebSettings()
    entry = entry_of(settings)
    app = FastAPI(
        title="Postroom",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # to where the Host header says, which anybody may have chosen
        lifespan=attended,
    )
    app.state.connection, app.state.reader = connection, reader or connection
    app.state.web, app.state.engine = settings, engine or load_settings()
    app.state.authenticator, app.state.one_time_code = entry.authenticator, entry.code
    app.state.logins, app.state.outages = Attempts(connection), Outages()
    app.state.exposition = Exposition(connection=app.state.reader)
    app.state.duties = Duties(
        connection=connection,
        settings=settings,
        engine=app.state.engine,
        reader=reader,
        alerts_settings=alerts_settings,
    )
    app.state.live = live_of(reader or connection, settings)
    app.state.board, app.state.show_refusal = Board(settings.live_seconds), refused
    app.state.rq_dashboard = RqDashboard(connection, app.state.engine)
    _add_routes(app, settings.api_prefix)
    answer_errors(app)
    app.add_middleware(Slashes)
    app.add_middleware(BodyLimit)
    app.add_middleware(Stirring, live=app.state.live, board=app.state.board)
    app.add_middleware(SafeHeaders)
    if settings.cors_origins:
        _allow(app, settings.cors_origins)
    return app


@asynccontextmanager
async def attended(app: FastAPI) -> AsyncIterator[None]:
    """Alert people, clean up and resolve what is stuck, while the application is served.

    A server that serves it as it is does so; where it is mounted, the lifespan of the other
    application has this around its `yield`, or `postroom watch` runs beside it.

    Args:
        app: As `create_app` makes it.
    """
    duties: Duties = app.state.duties
    duties.start()
    try:
        yield
    finally:
        await asyncio.to_thread(duties.stop)


def live_of(reader: Redis, settings: WebSettings) -> Live:
    """The streams of a process.

    Args:
        reader: Where they look.
        settings: How often, and for how many.
    """
    pace = Pace(seconds=settings.live_seconds)
    return Live(LookTaker(reader), pace=pace, most=settings.live_clients)


def openapi(request: Request, _: Looker) -> JSONResponse:
    """Describe every route, as OpenAPI 3.1."""
    app: FastAPI = request.app
    # To make it takes a tenth of a second of the processor, and the routes do not change.
    if app.openapi_schema is None:
        app.openapi_schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
    return JSONResponse(app.openapi_schema)


def _add_routes(app: FastAPI, prefix: str) -> None:
    app.add_api_route("/healthz", healthz, methods=["GET"])
    app.add_api_route("/readyz", readyz, methods=["GET"])
    app.router.routes.extend(_routes_under(prefix))


@cache
def _routes_under(prefix: str) -> Sequence[BaseRoute]:
    """All routes but the probes. Made once a process: FastAPI needs 60 ms of the processor."""
    together = APIRouter(dependencies=[Depends(names_whole)])
    for router in (*OPEN_ROUTERS, *closed_routers()):
        together.include_router(router, prefix=prefix)
    return together.routes


def closed_routers() -> Sequence[APIRouter]:
    """All routers but those of probes and login; each of their routes declares a role.

    Raises:
        Undeclared: If one does not.
    """
    described = APIRouter(tags=["session"])
    described.add_api_route("/openapi.json", openapi, methods=["GET"])
    routers = [*(module.router for module in ROUTERS), described]
    declared(routers)
    return routers


def _allow(app: FastAPI, origins: tuple[str, ...]) -> None:
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_credentials=False,
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Last-Event-ID", CSRF_HEADER],
        max_age=600,
    )
