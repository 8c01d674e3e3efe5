"""rq-dashboard as a WSGI application on our connection: JSON only, changed from its own pages only.

It has no login and no protection against forged requests of its own.
"""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import rq_dashboard
from flask import Flask
from redis import Redis
from rq import Worker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq_dashboard import web
from typing_extensions import override

from postroom.address import is_loopback

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]

_READING = {"GET", "HEAD", "OPTIONS"}


class _JsonJob(Job):
    """A job that is never unpickled, also where rq-dashboard names no serializer."""

    @classmethod
    @override
    def fetch(cls, *arguments: Any, **options: Any) -> Any:
        return super().fetch(*arguments, **{**options, "serializer": JSONSerializer})


class _JsonWorker(Worker):
    """A worker whose jobs are never unpickled: rq-dashboard names no serializer here either."""

    @classmethod
    @override
    def all(cls, *arguments: Any, **options: Any) -> Any:
        return super().all(*arguments, **{**options, "serializer": JSONSerializer})


def dashboard_app(connection: Redis) -> WsgiApp:
    """The application, at the root of wherever it is served.

    Args:
        connection: The server whose queues it shows; TLS and Sentinel come with it.
    """
    web.config.serializer = JSONSerializer
    web.Job = _JsonJob
    web.Worker = _JsonWorker
    # It builds a client from a URL on each request; ours knows more, and one is enough.
    web.from_url = lambda *_, **__: (None, connection)
    app = Flask(rq_dashboard.__name__)  # its templates expect this name
    app.config["RQ_DASHBOARD_REDIS_URL"] = ("Postroom",)
    app.config["RQ_DASHBOARD_POLL_INTERVAL"] = 2500
    app.redis_conn = connection  # type: ignore[attr-defined] # where its views look for it
    app.register_blueprint(rq_dashboard.blueprint, url_prefix="")
    return _own_pages_only(app)


def _own_pages_only(app: WsgiApp) -> WsgiApp:
    def guarded(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if is_forged(environ):
            start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"Open this page by its own address, and change things from there.\n"]
        return app(environ, start_response)

    return guarded


def is_forged(environ: Environ) -> bool:
    """Whether another site may have made the browser send this request.

    Args:
        environ: The WSGI request. A host name that is not this machine's was made to point here;
            a change must be a POST, and its Origin, if told, the page's own.
    """
    host = str(environ.get("HTTP_HOST", ""))
    if not is_loopback(urlsplit(f"//{host}").hostname or ""):
        return True
    if environ.get("REQUEST_METHOD") in _READING:
        return str(environ.get("PATH_INFO", "")).startswith("/requeue/")
    origin = environ.get("HTTP_ORIGIN")
    return origin is not None and urlsplit(str(origin)).netloc != host
