"""The web process ends, whatever its clients do, and tells of them what they are."""

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection, IncompleteRead

import pytest
from fastapi.responses import StreamingResponse
from redis import Redis

from monitoring.web.app import create_app
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from postroom.address import free_port
from tests.monitoring.api.tokens import SECRET, token_of
from tests.monitoring.api.watching import QUEUES, Stream, make_events_large, served
from tests.processes import StartedProcess, StartProcess, ask_until_true

WEB = WebSettings(postroom_secret=SECRET, live_seconds=0.01)
TOKEN = token_of(Role.MODERATOR, WEB)
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def web_port() -> int:
    return free_port()


@pytest.fixture
def web_process(redis: Redis, start_process: StartProcess, web_port: int) -> StartedProcess:
    environment = {"POSTROOM_SECRET": SECRET, "LIVE_SECONDS": "0.05"}
    process = start_process("postroom", "web", "--port", str(web_port), env=environment)
    ask_until_true(lambda: is_heard(web_port), within=30)
    return process


def is_heard(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def is_stuck(connection) -> bool:
    """Whether so much waits for its client that the server writes no more."""
    return connection.flow.write_paused


@pytest.mark.slow("the web process starts for real, and serves fifty streams")
def test_it_ends_at_once_with_fifty_streams_open(
    web_process: StartedProcess, web_port: int
) -> None:
    with ExitStack() as opened:
        streams = [opened.enter_context(Stream(web_port, QUEUES, **BEARER)) for _ in range(50)]
        assert all(each.next() for each in streams)
        began = time.monotonic()
        code = web_process.end(within=10)
        seconds = time.monotonic() - began
        endings = [event for each in streams for event in iter(each.next, None)]

    assert code == 0
    assert seconds < 3
    assert {event.name for event in endings} <= {""}
    assert "Error" not in web_process.output()


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]


def test_a_client_that_reads_too_slowly_is_told_once_and_as_no_error(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    make_events_large(redis)
    app = create_app(connection=redis, settings=WEB)
    with (
        served(app, buffer_bytes=2_048, patience=0.5) as port,
        Stream(port, QUEUES, **BEARER),
    ):
        connections = app.state.server.server_state.connections
        ask_until_true(lambda: "slow_client_dropped" in caplog.text)
        ask_until_true(lambda: not connections)

    assert caplog.text.count("slow_client_dropped") == 1
    assert errors(caplog) == []


def test_an_answer_that_breaks_off_ends_the_connection_and_is_told_once(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(connection=redis, settings=WEB)
    app.add_api_route("/halves", lambda: StreamingResponse(half()))
    with served(app) as port:
        client = HTTPConnection("127.0.0.1", port, timeout=5)
        client.request("GET", "/halves")
        with closing(client), pytest.raises(IncompleteRead) as broken:
            client.getresponse().read()

    assert broken.value.partial == b"half"
    assert len(errors(caplog)) == 1
    assert "ZeroDivisionError" in errors(caplog)[0]


def half() -> Iterator[str]:
    yield "half"
    raise ZeroDivisionError


def test_it_ends_although_a_client_leaves_bytes_unread(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    make_events_large(redis)
    app = create_app(connection=redis, settings=WEB)
    with served(app, buffer_bytes=2_048) as port, Stream(port, QUEUES, **BEARER):
        server = app.state.server
        ask_until_true(lambda: any(map(is_stuck, server.server_state.connections)))
        began = time.monotonic()
        server.should_exit = True
        ask_until_true(lambda: not server.server_state.connections)

    assert time.monotonic() - began < 3
    assert errors(caplog) == []
