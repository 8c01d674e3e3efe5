"""The answer that is a stream of events: written as they come, until either side has enough.

A client that does not read makes the server wait in the middle of a write, for ever. So writing is
a task of its own, which ends when the client is given up, too.
"""

import asyncio
import math
from collections.abc import Coroutine, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from monitoring.live.live import Live
from monitoring.live.looks import Subject
from monitoring.live.sse import refusal_event
from monitoring.live.watchers import Watcher
from monitoring.web.identity import Identity, NotAuthenticated
from workers.clock import utc_now

_HEADERS: Mapping[str, str] = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "X-Accel-Buffering": "no",  # nginx would collect it otherwise
}


class EventStream(Response):
    """The events of one subject, to one client.

    Args:
        live: Where they come from.
        subject: What is watched.
        last_id: The id of the last event that the client has seen.
        asker: Who watches; no longer than the token is good for.
    """

    media_type = "text/event-stream"

    def __init__(self, live: Live, subject: Subject, *, last_id: str, asker: Identity) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._live = live
        self._subject = subject
        self._last_id = last_id
        self._asker = asker

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request.

        Raises:
            TooManyClients: If there are as many as may be; nothing has been sent then.
        """
        del scope
        longest, good_for = self._live.pace.stream, _good_for(self._asker)
        farewell = _expired() if good_for < longest else b""
        with self._live.joined(
            self._subject,
            last_id=self._last_id,
            seconds=min(longest, good_for),
            farewell=farewell,
        ) as watcher:
            await _first(self._write(watcher, send), _gone(receive), watcher.given_up.wait())

    async def _write(self, watcher: Watcher, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        async for frame in watcher.frames(self._live.pace.heartbeat):
            await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _first(writing: Coroutine[Any, Any, None], *others: Coroutine[Any, Any, Any]) -> None:
    """Wait until one of them is done, and end the rest."""
    writer = asyncio.create_task(writing)
    tasks: list[asyncio.Task[Any]] = [writer, *(asyncio.create_task(each) for each in others)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not writer.cancelled() and not isinstance(writer.exception(), OSError | None):
        writer.result()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _good_for(asker: Identity) -> float:
    return (asker.until - utc_now()).total_seconds() if asker.until else math.inf


def _expired() -> bytes:
    return refusal_event("end", NotAuthenticated("The token has expired."))
