"""The same files without their scripts: what a page costs however little it does."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urljoin
from urllib.request import Request, urlopen

from playwright.sync_api import Browser
from typing_extensions import override

File = tuple[bytes, str]


def files_of(browser: Browser, address: str, path: str, token: str) -> Mapping[str, File]:
    """All that a page loads, by path; scripts as comments of the same size.

    Args:
        browser: It tells which files those are.
        address: Of the server.
        path: The page.
        token: What the requests bear.
    """
    bears = {"Authorization": f"Bearer {token}"}
    context = browser.new_context(extra_http_headers=bears)
    found: dict[str, None] = {}
    page = context.new_page()
    page.on("request", lambda request: found.setdefault(request.url))
    page.goto(urljoin(address, path), wait_until="load")
    page.wait_for_timeout(500)
    context.close()
    urls = [url for url in found if url == urljoin(address, path) or "/assets/" in url]
    return {url.removeprefix(address): _file(url, bears) for url in urls}


def _file(url: str, bears: Mapping[str, str]) -> File:
    with urlopen(Request(url, headers={**bears, "Accept": "text/html"})) as answer:  # noqa: S310
        content, kind = answer.read(), answer.headers["content-type"]
    return (b"//" + b"-" * (len(content) - 2), kind) if "javascript" in kind else (content, kind)


@contextmanager
def serving(files: Mapping[str, File]) -> Iterator[str]:
    """Serve some files for as long as the block runs; those that scripts import as well.

    Args:
        files: By path.

    Yields:
        The address.
    """
    scripts = [path for path in files if path.endswith(".js")]
    tags = "".join(f'<script type="module" src="{path}"></script>' for path in scripts)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            content, kind = files.get(self.path, (b"", "text/plain"))
            if "html" in kind:  # the first script would have imported the others
                content = content.replace(b"</head>", tags.encode() + b"</head>", 1)
            self.send_response(200 if content else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
