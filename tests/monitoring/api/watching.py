"""Clients of streams over real sockets, and the server that they ask."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Thread
from typing import Any, Self

from fastapi import FastAPI
from redis import Redis

from monitoring.web.settings import WebSettings
from postroom.web_server import ToldOnce, WebServer
from workers import keys

QUEUES = "/admin/jobs/live"


Watch = Callable[..., "Stream"]


@dataclass(frozen=True)
class Event:
    number: str
    name: str
    data: Any
    size: int


class Stream:
    """A client of a stream; `with` closes it."""

    def __init__(self, port: int, path: str, *, last_id: str = "", **headers: str) -> None:
        self.headers = {name: text for name, text in headers.items() if text}
        if last_id:
            self.headers["Last-Event-ID"] = last_id
        self._connection = HTTPConnection("127.0.0.1", port, timeout=5)
        self._connection.request("GET", path, headers=self.headers)
        self.answer = self._connection.getresponse()
        self.comments = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.answer.close()
        self._connection.close()

    def next(self) -> Event | None:
        """The next event; None when the stream has ended."""
        fields: dict[str, str] = {}
        size = 0
        while line := self.answer.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            size += len(line)
            if "data" in fields and not name:
                data = json.loads(fields["data"])
                return Event(fields.get("id", ""), fields.get("event", ""), data, size)
            if line.startswith(b":"):
                self.comments += 1
            elif name:
                fields[name] = value
        return None

    def take(self, count: int) -> list[Event]:
        return [found for _ in range(count) if (found := self.next())]

    def until(self, wanted: Any, *, within: float = 5.0) -> list[Event]:
        """Events up to the first that is as wanted, this one included."""
        deadline = time.monotonic() + within
        taken = []
        while found := self.next():
            taken.append(found)
            if wanted(found):
                return taken
            assert time.monotonic() < deadline, f"not within {within} s: {found}"
        raise AssertionError(f"the stream ended after {taken[-1:]}")


@contextmanager
def served(
    app: FastAPI,
    settings: WebSettings | None = None,
    *,
    buffer_bytes: int = 0,
    patience: float = 10.0,
) -> Iterator[int]:
    """Serve an application in a thread; yields the port.

    Args:
        app: With streams.
        settings: Of the server; None for those that `postroom web` has by default.
        buffer_bytes: How much of an answer the system takes before the client reads it; 0 leaves
            that to the system.
        patience: See `WebServer`.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    if buffer_bytes:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
    server = WebServer(
        ToldOnce(app), settings or WebSettings(), live=app.state.live, patience=patience
    )
    server.config.lifespan = "off"
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    app.state.server = server
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(5)
    assert not thread.is_alive()


def make_events_large(redis: Redis) -> None:
    """Add so many queues with such long names that an event has 10 kB and is still whole."""
    redis.sadd(keys.queues(), *(keys.queue(f"{number}" * 900) for number in range(10)))


def row_of(data: Any, queue: str) -> Any:
    """What is told of a queue; None if nothing is."""
    return next((row for row in data["queues"] if row["queueName"] == queue), None)


def numbers(events: list[Event]) -> list[int]:
    """The numbers of events, without what tells one process from another."""
    return [int(each.number.rpartition("-")[2]) for each in events]
