"""Builds the web application: whether it lives, whether it can work. It only looks."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from redis import Redis
from starlette.exceptions import HTTPException

from messages import PostroomError
from workers.connection import storage_errors


def create_app(*, connection: Redis) -> FastAPI:
    """The application, closed but for the two probes.

    Args:
        connection: The server it watches; its timeouts bound the answer of `/readyz`.
    """
    app = FastAPI(title="Postroom", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.connection = connection
    app.add_api_route("/healthz", healthz, methods=["GET"])
    app.add_api_route("/readyz", readyz, methods=["GET"])
    app.add_exception_handler(PostroomError, _unavailable)
    app.add_exception_handler(HTTPException, _refused)
    return app


def healthz() -> dict[str, str]:
    """The process answers: nothing else is asked, so that Redis away does not restart it."""
    return {"status": "ok"}


def readyz(request: Request) -> dict[str, str]:
    """Redis answers within its timeout; 503 with the cause if not."""
    with storage_errors():
        request.app.state.connection.ping()
    return {"status": "ok"}


def _unavailable(_: Request, error: Exception) -> JSONResponse:
    known = error if isinstance(error, PostroomError) else PostroomError(str(error))
    return JSONResponse({"error": known.as_dict()}, HTTPStatus.SERVICE_UNAVAILABLE)


def _refused(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
    phrase = HTTPStatus(status).phrase
    known = PostroomError(
        f"{request.method} {request.url.path}: {phrase.lower()}.",
        remedy="GET /healthz or /readyz.",
        code=phrase.lower().replace(" ", "_"),
    )
    return JSONResponse({"error": known.as_dict()}, status)
