"""Watches what tests do on the board, and lets one action of it do nothing.

An action that does nothing is asked for as ever: the role, the parameters and the body are checked,
and it answers what it answered when it did something. Only the function behind its route is gone.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from html import unescape
from http import HTTPStatus
from typing import Any

import fastapi.routing
from fastapi import FastAPI
from fastapi.responses import Response
from jinja2 import BaseLoader, Environment
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from monitoring.board import page
from monitoring.web.auth import SAFE
from tests.board.forms import ELEMENT, Action, changing

_FORM = re.compile(r"<(?:form|button) [^>]*data-form=[^>]*>")
_ATTRIBUTE = re.compile(
    r"""(?:form)?(action|data-form|data-method|data-undo)=(?:"([^"]*)"|'([^']*)')"""
)


@dataclass(frozen=True)
class Done:
    """What was done once.

    Args:
        action: By which form, on which route.
        test: Who did it.
        status: Of the answer.
        media: Its type.
        body: Its content.
    """

    action: Action
    test: str
    status: int
    media: str
    body: bytes


@dataclass
class _Asked:
    """A request under way."""

    method: str
    path: str
    is_dry: bool
    action: Action | None = None
    status: int = 0
    media: str = ""


_ASKED: ContextVar[_Asked | None] = ContextVar("asked", default=None)


class Acting:
    """What a test does. Set `test` before each, and `idle` to let one action do nothing."""

    def __init__(self) -> None:
        self.test = ""
        self.idle: Done | None = None
        self.is_met = False
        self.done: list[Done] = []
        self._forms: dict[tuple[str, str], str] = {}
        self._paths = {route.endpoint: route.path for route in changing()}
        # FastAPI has this function so that others can come between a route and what is behind it.
        run = partial(self._run, fastapi.routing.run_endpoint_function)
        fastapi.routing.run_endpoint_function = run
        templates = page._templates()
        assert templates.loader is not None
        templates.loader = _Marking(templates.loader)

    def begin(self, test: str, idle: Done | None = None) -> None:
        """Begin with a test.

        Args:
            test: Its name.
            idle: What does nothing, as it was once done; None lets everything be done.
        """
        self.test, self.idle, self.is_met = test, idle, False
        self._forms.clear()

    def listen(self, app: FastAPI) -> None:
        """Watch an application that has answered nothing yet."""
        app.add_middleware(_Listening, heard=self._heard)

    def _saw(self, html: str) -> None:
        """Remember whose the forms of a page are: who sends one means the last that was shown."""
        for form in _FORM.findall(html):
            told = {name: unescape(one or other) for name, one, other in _ATTRIBUTE.findall(form)}
            self._forms[told.get("data-method", "POST"), told["action"]] = told["data-form"]
            if "data-undo" in told:
                undo = json.loads(told["data-undo"])
                self._forms[undo["method"], undo["url"]] = f"{told['data-form']}, undone"

    def _heard(self, asked: _Asked, body: bytes) -> None:
        if asked.media.startswith("text/html"):
            self._saw(body.decode())
        if asked.action is not None and asked.status < HTTPStatus.MULTIPLE_CHOICES:
            self.done.append(Done(asked.action, self.test, asked.status, asked.media, body))

    async def _run(
        self, run: Callable[..., Awaitable[Any]], *, dependant: Any, **given: Any
    ) -> Any:
        """Call the function of a route, or do nothing."""
        asked, path = _ASKED.get(), self._paths.get(dependant.call)
        if asked is not None and path is not None and not asked.is_dry:
            form = self._forms.get((asked.method, asked.path), ELEMENT)
            asked.action = Action(form, f"{asked.method} {path}")
            if self.idle is not None and self.idle.action == asked.action:
                self.is_met = True
                return Response(self.idle.body, self.idle.status, media_type=self.idle.media)
        return await run(dependant=dependant, **given)


class _Listening:
    """Tells of what was asked for and answered."""

    def __init__(self, app: ASGIApp, heard: Callable[[_Asked, bytes], None]) -> None:
        self._app = app
        self._heard = heard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_dry = b"dryRun=true" in scope["query_string"]
        asked = _Asked(scope["method"], scope["raw_path"].decode(), is_dry)
        parts: list[bytes] = []

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                asked.status, asked.media = message["status"], _media(message["headers"])
            elif asked.method not in SAFE or asked.media.startswith("text/html"):
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    self._heard(asked, b"".join(parts))
            await send(message)

        token = _ASKED.set(asked)
        try:
            await self._app(scope, receive, send_on)
        finally:
            _ASKED.reset(token)


class _Marking(BaseLoader):
    """Templates whose forms tell which template they are of."""

    def __init__(self, loader: BaseLoader) -> None:
        self._loader = loader

    @override
    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Any]:
        text, *rest = self._loader.get_source(environment, template)
        marked = re.sub(r" (?=data-method=|formaction=)", f' data-form="{template}" ', text)
        return (marked, *rest)


def _media(headers: Sequence[tuple[bytes, bytes]]) -> str:
    found: Mapping[bytes, bytes] = dict(headers)
    return found.get(b"content-type", b"").decode()
