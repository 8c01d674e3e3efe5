"""Where the spans of a traced row go: a collector that takes them and keeps nothing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from typing_extensions import override

from benchmarks.plan import TRACED, Row


class _Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # so that connections are kept

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, *_: object) -> None:
        """Be quiet."""


@contextmanager
def with_sink(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Give the rows that are traced an address for their spans, for as long as the block runs.

    Args:
        rows: All that are measured.

    Yields:
        The same rows; those that are traced know the address.
    """
    if not any(TRACED in row.variables for row in rows):
        yield rows
        return
    with ThreadingHTTPServer(("127.0.0.1", 0), _Sink) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        there = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        try:
            yield [
                replace(row, variables=(*row.variables, there)) if TRACED in row.variables else row
                for row in rows
            ]
        finally:
            server.shutdown()
