"""How much of a request is read at most: it is in memory before anybody knows who sends it."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitoring.web.auth import SAFE

MOST_BYTES = 2_000_000
"""Six times the largest message, as JSON may write each character as six bytes, and some more."""


class BodyLimit:
    """Reads no more of a request than that; whoever would read more is refused.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or scope["method"] in SAFE:
            await self._app(scope, receive, send)
            return
        declared, read = _declared(scope), 0

        async def receive_some() -> Message:
            nonlocal read
            _check(declared)
            message = await receive()
            read += len(message.get("body", b""))
            _check(read)
            return message

        await self._app(scope, receive_some, send)


def _declared(scope: Scope) -> int:
    told = Headers(scope=scope).get("content-length", "")
    return int(told) if told.isascii() and told.isdecimal() else 0


def _check(size: int) -> None:
    # Raised where the body is read: routes that read none answer as ever.
    if size > MOST_BYTES:
        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
