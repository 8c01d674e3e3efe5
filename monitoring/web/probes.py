"""What others ask to know whether the process lives, and whether it can work; without a token."""

from fastapi import Request

from workers.connection import storage_errors


def healthz() -> dict[str, str]:
    """The process answers: nothing else is asked, so that Redis away does not restart it."""
    return {"status": "ok"}


def readyz(request: Request) -> dict[str, str]:
    """Redis answers within its timeout; 503 with the cause if not."""
    with storage_errors():
        request.app.state.connection.ping()
    return {"status": "ok"}
