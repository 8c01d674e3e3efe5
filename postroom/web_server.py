"""The server of the web process: uvicorn, which ends although streams are open."""

import asyncio
import socket
from collections.abc import Callable
from weakref import WeakKeyDictionary

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from monitoring.live.live import Live
from monitoring.web.settings import WebSettings

_SWEEP_SECONDS = 0.25


class WebServer(uvicorn.Server):
    """Ends the streams first, and does not wait for clients that read nothing.

    Uvicorn alone would wait until each client of a stream goes, and a connection that it has closed
    stays, with what is in its buffer, until the client has read that.

    Args:
        app: What is served.
        settings: Of the web process; only the proxies that they name are believed.
        live: The streams of the application.
        patience: Seconds in which the client of a closed connection may read what is left; from 0.
    """

    def __init__(
        self, app: ASGIApp, settings: WebSettings, *, live: Live, patience: float = 10.0
    ) -> None:
        super().__init__(_config(BrokenOff(app, self._close), settings))
        self._live = live
        self._patience = patience
        self._closing: WeakKeyDictionary[object, float] = WeakKeyDictionary()

    @override
    async def main_loop(self) -> None:
        sweeping = asyncio.create_task(self._sweep())
        try:
            await super().main_loop()
        finally:
            sweeping.cancel()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._live.end()
        self._patience = min(self._patience, 1.0)
        sweeping = asyncio.create_task(self._sweep())
        try:
            await super().shutdown(sockets)
        finally:
            sweeping.cancel()

    def _close(self, scope: Scope) -> bool:
        for connection in list(self.server_state.connections):
            if getattr(connection, "scope", None) is scope:
                connection.transport.close()
                return True
        return False

    async def _sweep(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            for connection in list(self.server_state.connections):
                if connection.transport.is_closing():
                    since = self._closing.setdefault(connection, now())
                    if now() - since >= self._patience:
                        connection.transport.abort()
            await asyncio.sleep(_SWEEP_SECONDS)


class BrokenOff:
    """An application whose answers may end in the middle, which ends their connections.

    Uvicorn ends them too, but tells of each as an error. What gave an answer up has said why: a
    client of a stream that reads too slowly is a warning, and a crash has been told.

    Args:
        app: May return when its answer has begun and is not whole.
        close: Closes the connection of a request, and says whether it has found it.
    """

    def __init__(self, app: ASGIApp, close: Callable[[Scope], bool]) -> None:
        self._app = app
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the lifespan of the process."""
        is_begun = False

        async def send_on(message: Message) -> None:
            nonlocal is_begun
            await send(message)
            is_begun = message["type"] == "http.response.start" or message.get("more_body", False)

        await self._app(scope, receive, send_on)
        if is_begun and self._close(scope):
            # Uvicorn says nothing of a client that has gone; what is closed is gone soon.
            while (await receive())["type"] != "http.disconnect":
                pass


class ToldOnce:
    """An application whose crashes are in the log once, as it tells them itself.

    Starlette hands an error on after it is logged and answered, and uvicorn would log it again:
    with its text, which may quote a message, and without masking secrets.

    Args:
        app: Logs every error of a request, as `monitoring.web.refusals` does.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the lifespan of the process."""
        try:
            await self._app(scope, receive, send)
        except Exception:
            if scope["type"] != "http":
                raise


def _config(app: ASGIApp, settings: WebSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        log_config=None,
        server_header=False,
        # By itself it believes whatever anybody on this machine says of where a request comes from.
        proxy_headers=bool(settings.forwarded_allow_ips),
        forwarded_allow_ips=list(settings.forwarded_allow_ips),
    )
