"""Lets who watches see at once what was done here, and not at the next tick."""

from starlette.types import ASGIApp, Receive, Scope, Send

from monitoring.live.live import Live
from monitoring.web.auth import SAFE


class Stirring:
    """Has the streams look after each request that may have changed something.

    Args:
        app: What answers.
        live: The streams.
    """

    def __init__(self, app: ASGIApp, live: Live) -> None:
        self._app = app
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        await self._app(scope, receive, send)
        if scope["type"] == "http" and scope["method"] not in SAFE:
            self._live.stir()
