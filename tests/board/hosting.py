"""A page of somebody else: another origin, with a strict policy of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from typing_extensions import override

_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/shop.css">
<script type="module" src="{api}/job-monitor.js"></script>
<script type="module" src="/shop.js"></script></head>
<body><main><h1>Shop</h1><job-monitor api-url="{api}" {more}></job-monitor></main></body>
</html>
"""

TELLS_TOKEN = """
window.token = {token!r};
window.heard = [];
for (const name of ["update", "error", "action"])
  addEventListener(`job-monitor-${{name}}`, (event) => heard.push([name, event.detail]));
document.querySelector("job-monitor").getAuthToken = async () => window.token;
"""

TYPED = "; require-trusted-types-for 'script'"
STYLE = ":root { color-scheme: light dark; }"


class Host:
    """The server of the page.

    Args:
        origin: Where it is.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.files: Mapping[str, str] = {}
        self.policy = ""

    def serve(self, api: str, *, token: str | None, more: str = "", typed: bool = True) -> None:
        """Have a page with the element.

        Args:
            api: Where the application answers.
            token: What the page's function tells at first.
            more: Attributes of the element.
            typed: Whether the policy takes no text for a script, which no tool can work with.
        """
        self.files = {
            "/": PAGE.format(api=api, more=more),
            "/shop.js": TELLS_TOKEN.format(token=token or ""),
            "/shop.css": STYLE,
        }
        # No style of the element's, nothing made of text, and nobody but the two servers.
        self.policy = (
            f"default-src 'none'; script-src 'self' {api}; connect-src {api}; "
            f"style-src 'self'; base-uri 'none'{TYPED if typed else ''}"
        )


@contextmanager
def host() -> Iterator[Host]:
    """Serve pages of another origin."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = found.files.get(self.path)
            kind = self.path.rpartition(".")[2] if "." in self.path else "html"
            self.send_response(204 if text is None else 200)
            self.send_header("Content-Type", f"{_TYPES.get(kind, 'text/plain')}; charset=utf-8")
            self.send_header("Content-Security-Policy", found.policy)
            self.end_headers()
            self.wfile.write((text or "").encode())

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    found = Host(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join(5)
