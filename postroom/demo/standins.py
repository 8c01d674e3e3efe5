"""The outside world of the demo: a mail server and a text service on this machine.

They fail as such services do, so what the demo shows of retries has real causes.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mailbox import Maildir
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from typing_extensions import override

from postroom.address import free_port

GREYLISTED = "slow.example"
"""The domain whose recipients are told to wait when the server sees them for the first time."""

LONG_TEXT = 200
"""Characters of the longest text that the service takes at once; a longer one gets 429 first."""


class MailServer:
    """Stores mails into a Maildir; a recipient of `GREYLISTED` is accepted the second time."""

    def __init__(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._mailbox = Maildir(folder, create=True)
        self._seen: set[str] = set()

    async def handle_RCPT(  # noqa: N802 - the name and arguments aiosmtpd asks for
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """Accept a recipient, or say 451 to one that is greylisted."""
        del server, session, options
        if address.endswith(f"@{GREYLISTED}") and address not in self._seen:
            self._seen.add(address)
            return "451 4.7.1 Greylisted, please try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Store the mail."""
        del server, session
        self._mailbox.add(envelope.content)
        return "250 OK"


@contextmanager
def mail_server(folder: Path) -> Iterator[int]:
    """Run the mail server.

    Args:
        folder: The Maildir.

    Yields:
        Its port.
    """
    controller = Controller(
        MailServer(folder),
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=lambda *_: AuthResult(success=True),  # a login set for real work fits as well
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield int(controller.port)
    finally:
        controller.stop()


class TextService(ThreadingHTTPServer):
    """As much of an OpenAI-compatible service as the handlers use; a long text has to wait once."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def is_busy_for(self, text: str) -> bool:
        """Whether a text has to come back later."""
        with self._lock:
            first_time = text not in self._seen
            self._seen.add(text)
        return first_time and len(text) > LONG_TEXT


class _Asked(BaseHTTPRequestHandler):
    server: TextService
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        task, text = (message["content"] for message in asked["messages"])
        if self.server.is_busy_for(text):
            error = {"message": "Busy with long texts.", "type": "rate_limit"}
            self._answer(HTTPStatus.TOO_MANY_REQUESTS, {"error": error}, retry_after=1)
            return
        content = json.dumps(written(task, text))
        message = {"role": "assistant", "content": content}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self._answer(HTTPStatus.OK, {"object": "chat.completion", "choices": [choice]})

    def _answer(self, status: HTTPStatus, body: dict[str, Any], retry_after: int = 0) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if retry_after:
            self.send_header("Retry-After", str(retry_after))
        self.end_headers()
        self.wfile.write(content)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal belongs to the demo."""


def written(task: str, text: str) -> dict[str, str]:
    """What the service answers.

    Args:
        task: The instruction; it names the keys of the answer.
        text: A note, or an activity and its JSON Schema as JSON.
    """
    if "`markdown`" in task:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return {"title": lines[0][:50], "markdown": "\n\n".join(lines)}
    asked = json.loads(text)
    names = list(asked["schema"].get("properties", {}))
    body = "\n".join(f"- **{name}**: ${name}" for name in names) or "No details."
    return {"title": f"{asked['activity']} ({len(names)} details)", "body": body}


@contextmanager
def text_service() -> Iterator[str]:
    """Run the text service.

    Yields:
        Its base URL.
    """
    with TextService() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()
