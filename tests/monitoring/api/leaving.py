"""A client that leaves a stream after the first bytes, so that also this can be asked as others."""

import asyncio
from typing import Any

from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Leaving:
    """Lets an application believe that its client has gone once it has answered something."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        answered = asyncio.Event()
        asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive_once() -> Message:
            if (request := next(asked, None)) is not None:
                return request
            await answered.wait()
            return {"type": "http.disconnect"}

        async def send_and_note(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body":
                answered.set()

        await self._app(scope, receive_once, send_and_note)


def first_bytes(client: TestClient, path: str) -> Any:
    """What a stream answers to a client until it sends something."""
    headers = dict(client.headers)
    leaving = TestClient(Leaving(client.app), base_url=str(client.base_url), headers=headers)
    try:
        return leaving.get(path)
    finally:
        leaving.close()
