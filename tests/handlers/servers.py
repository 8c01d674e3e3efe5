"""Real servers on this machine, with scripted answers."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage as Mail
from email.message import Message
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from typing_extensions import override

TAKEN = "250 OK"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MailServer:
    """An SMTP server.

    `answers` are given to DATA in turn, then 250; `to_recipient` answers every RCPT. It takes
    `seconds` over each mail. With a `password` it lets nobody in who does not know it.
    """

    def __init__(self, password: str | None = None) -> None:
        self.answers: list[str] = []
        self.to_recipient = TAKEN
        self.seconds = 0.0
        self.mails: list[Mail] = []
        self.port = free_port()
        self._password = password
        options: dict[str, Any] = (
            {} if password is None else {"authenticator": self._login, "auth_required": True}
        )
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, auth_require_tls=False, **options
        )

    def _login(self, _: SMTP, __: Session, ___: Envelope, ____: str, login: Any) -> AuthResult:
        return AuthResult(success=login.password.decode() == self._password, handled=False)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        if self.to_recipient == TAKEN:
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.seconds)
        answer = self.answers.pop(0) if self.answers else TAKEN
        if answer == TAKEN:
            content = envelope.content
            assert isinstance(content, bytes)
            self.mails.append(BytesParser(_class=Mail, policy=default).parsebytes(content))
        return answer

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._controller.stop()


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; `content` becomes the text of a chat completion."""

    status: int = 200
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None

    def encoded(self) -> bytes:
        if self.body is not None:
            return self.body.encode()
        if self.status != 200:
            return json.dumps({"error": {"message": "not now"}}).encode()
        text = self.content if isinstance(self.content, str) else json.dumps(self.content)
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return json.dumps({"id": "1", "object": "chat.completion", "choices": [choice]}).encode()


class TextService:
    """An HTTP server that gives its `answers` in turn, and the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [Answer()]
        self.requests: list[dict[str, Any]] = []
        self.headers: list[Message] = []
        self.seconds = 0.0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def origin(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.origin}/v1"

    def _next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                service.requests.append(json.loads(self.rfile.read(length)))
                service.headers.append(self.headers)
                time.sleep(service.seconds)
                answer = service._next()
                body = answer.encoded()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            @override
            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
