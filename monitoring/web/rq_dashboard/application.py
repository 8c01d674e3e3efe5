"""rq-dashboard as an application of Flask's, on our connection. Slow to load: half a second."""

import sys
from collections.abc import Mapping
from contextlib import closing
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import rq_dashboard
from fastapi import HTTPException, Request, Response
from flask import Flask, current_app
from flask import Response as FlaskResponse
from redis import Redis
from rq.exceptions import NoSuchJobError
from rq.serializers import JSONSerializer
from rq_dashboard import web

from monitoring.errors import InvalidQuery
from monitoring.web.paths import path_of
from monitoring.web.rq_dashboard.changes import ENDED, Changes
from monitoring.web.rq_dashboard.lists import REGISTRIES, jobs_shown, queues_shown
from monitoring.web.rq_dashboard.pages import inert_json, safe_page
from monitoring.web.rq_dashboard.records import ShownJob
from monitoring.web.rq_dashboard.workers import ShownWorker
from workers.connection import storage_errors
from workers.errors import JobNotFound
from workers.settings import Settings

MOST_JOBS = 200
"""How many jobs a page shows at most."""

_REGISTRIES = {"queued", *REGISTRIES}
_CHANGES = (
    "delete_job_view",
    "requeue_job_view",
    "requeue_all",
    "empty_queue",
    "compact_queue",
)
_MOST_PAGES = 1_000_000
_POLL_MS = 2_500


class Dashboard:
    """rq-dashboard.

    Args:
        connection: The server whose queues it shows; TLS and Sentinel come with it. Not a replica:
            RQ's readers clean up what they find dead.
        settings: Of the engine.
    """

    def __init__(self, connection: Redis, settings: Settings) -> None:
        _teach_json()
        app = Flask(rq_dashboard.__name__)  # its templates expect this name
        app.config["RQ_DASHBOARD_REDIS_URL"] = ("Postroom",)
        app.config["RQ_DASHBOARD_POLL_INTERVAL"] = _POLL_MS
        app.redis_conn = connection  # type: ignore[attr-defined] # where its views look for it
        app.register_blueprint(rq_dashboard.blueprint, url_prefix="")
        changes = Changes(connection, settings)
        for name in _CHANGES:
            app.view_functions[f"{rq_dashboard.blueprint.name}.{name}"] = getattr(changes, name)
        self._app = app

    def answer(self, request: Request, path: str, *, subject: str) -> Response:
        """Answer a request for one of its pages.

        Args:
            request: The request; nothing of its body is read.
            path: Within rq-dashboard, without the first slash.
            subject: Who asks, for the audit log.

        Raises:
            InvalidQuery: If a part of the path is out of range.
            JobNotFound: If there is no such job.
            StorageUnavailable: If Redis does not answer.
            HTTPException: If there is no such page.
        """
        with self._app.request_context(_environ(request, path, subject)) as context:
            try:
                with storage_errors():
                    _check(context.request.view_args or {})
                    answer = self._app.full_dispatch_request()
            except NoSuchJobError as error:
                raise JobNotFound("There is no such job.", field="job_id") from error
            with closing(answer):
                if answer.status_code >= HTTPStatus.BAD_REQUEST:
                    raise HTTPException(answer.status_code)
                return _safe(answer, context.request.view_args or {})


def _teach_json() -> None:
    web.config.serializer = JSONSerializer
    web.Job, web.Worker = ShownJob, ShownWorker
    web.serialize_queues, web.get_queue_registry_jobs_count = queues_shown, jobs_shown
    # It builds a client from a URL on each request; ours knows more, and one is enough.
    web.from_url = lambda *_, **__: (None, current_app.redis_conn)  # type: ignore[attr-defined]


def _environ(request: Request, path: str, subject: str) -> dict[str, Any]:
    # What Flask needs of a request, after PEP 3333.
    given = {
        f"HTTP_{name.upper().replace('-', '_')}": text for name, text in request.headers.items()
    }
    return given | {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": _wsgi(path_of(request, "/rq")),
        "PATH_INFO": _wsgi(f"/{path}"),
        "QUERY_STRING": request.url.query,
        "SERVER_NAME": request.url.hostname or "localhost",
        "SERVER_PORT": str(request.url.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_USER": subject,
        "wsgi.url_scheme": request.url.scheme,
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
    }


def _wsgi(text: str) -> str:
    return text.encode().decode("latin-1")


def _check(asked: Mapping[str, Any]) -> None:
    """Refuse what rq-dashboard would stumble over, or read all of Redis for."""
    for name in ("per_page", "page"):
        most = MOST_JOBS if name == "per_page" else _MOST_PAGES
        if name in asked and not 1 <= _number(asked[name]) <= most:
            raise InvalidQuery(f"{name} is {asked[name]}.", field=name, remedy=f"Use 1 to {most}.")
    registry = asked.get("registry_name", "queued")
    if registry not in _REGISTRIES:
        raise InvalidQuery(
            f"There is no registry {registry!r}.",
            field="registry_name",
            remedy=f"Use one of {', '.join(sorted(_REGISTRIES))}.",
        )
    if asked.get("instance_number"):
        raise HTTPException(HTTPStatus.NOT_FOUND)


def _number(text: object) -> int:
    try:
        return int(str(text))
    except ValueError:
        return 0


def _path(address: str) -> str:
    # Flask puts the Host header in front, which anybody may have chosen.
    return urlsplit(address)._replace(scheme="", netloc="").geturl()


def _safe(answer: FlaskResponse, asked: Mapping[str, Any]) -> Response:
    answer.direct_passthrough = False  # files are small
    headers = {
        name: answer.headers[name]
        for name in ("Content-Type", "Cache-Control", "ETag", "Last-Modified", "Location")
        if name in answer.headers
    }
    if "Location" in headers:
        headers["Location"] = _path(headers["Location"])
    if answer.status_code == HTTPStatus.NOT_MODIFIED:
        return Response(status_code=answer.status_code, headers=headers)
    match answer.mimetype:
        case "text/html":
            hidden = (
                {"compact-btn"}
                if asked.get("registry_name") in ENDED
                else {"compact-btn", "empty-btn"}
            )
            page = safe_page(answer.get_data(as_text=True), without=hidden)
            headers["Content-Security-Policy"] = page.policy
            return Response(page.text, answer.status_code, headers)
        case "application/json":
            return Response(inert_json(answer.get_data(as_text=True)), answer.status_code, headers)
        case _:
            return Response(answer.get_data(), answer.status_code, headers)
