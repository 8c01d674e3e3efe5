"""A proxy of ours between workers and Redis: it records every command, and can spoil one of them.

One thread a connection. A rule fires once, at the n-th command that fits it, either before the
command reaches the server or after the server has run it and before its client knows.
"""

import select
import socket
import socketserver
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha1
from threading import Event, Lock, Thread
from typing import Literal

import hiredis
from typing_extensions import override

from tests.faults.fleet import ROOT

When = Literal["before", "after"]
Fits = Callable[["Command"], bool]

_CHUNK = 1 << 18
_HOST = "127.0.0.1"
_NO_REPLY = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE"}
"""Their answers are pushes, which come without being asked."""


@dataclass(frozen=True)
class Command:
    """One command of a client.

    Args:
        connection: Counts connections from 1.
        name: In capitals; a script's name stands behind EVALSHA.
        words: All of it.
    """

    connection: int
    name: str
    words: Sequence[bytes]


@dataclass
class Rule:
    """What to do to one command, once.

    Args:
        fits: Which commands count.
        nth: The one of them that is meant, from 1.
        when: Before it reaches the server, or after the server's answer came.
        act: Called from the connection's thread; None does nothing more than cut the connection.
        part: How much of the answer the client still gets, from 0 to 1.
    """

    fits: Fits
    nth: int = 1
    when: When = "after"
    act: Callable[[Command], None] | None = None
    part: float = 0.0
    seen: int = 0
    fired: Event = field(default_factory=Event)


class Proxy(socketserver.ThreadingTCPServer):
    """Passes commands on, as long as `held` is clear; `delay` seconds are added to each."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, upstream_port: int) -> None:
        super().__init__((_HOST, 0), _Relay)
        self.upstream_port = upstream_port
        self.record: list[Command] = []
        self.delay = 0.0
        self.held = Event()
        self.refusing = Event()
        self.rules: list[Rule] = []
        self._connections = 0
        self._links: set[socket.socket] = set()
        self._lock = Lock()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"redis://{_HOST}:{self.server_address[1]}/0"

    def cut(self) -> None:
        """End all connections as a failing network does: at any byte."""
        with self._lock:
            links = list(self._links)
        for link in links:
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def new_connection(self, link: socket.socket) -> int:
        with self._lock:
            self._links.add(link)
            self._connections += 1
            return self._connections

    def lost_connection(self, link: socket.socket) -> None:
        with self._lock:
            self._links.discard(link)

    def rule_for(self, command: Command) -> Rule | None:
        """Record a command; returns the rule that it sets off, if any."""
        with self._lock:
            self.record.append(command)
            for rule in self.rules:
                if not rule.fired.is_set() and rule.fits(command):
                    rule.seen += 1
                    if rule.seen == rule.nth:
                        return rule
        return None


class _Relay(socketserver.BaseRequestHandler):
    server: Proxy

    @override
    def handle(self) -> None:
        if self.server.refusing.is_set():
            return
        client: socket.socket = self.request
        number = self.server.new_connection(client)
        try:
            with socket.create_connection((_HOST, self.server.upstream_port)) as upstream:
                for end in (client, upstream):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _Pair(self.server, number, client, upstream).relay()
        except OSError:  # one of them is gone, which is what drills are for
            pass
        finally:
            self.server.lost_connection(client)


@dataclass
class _Pair:
    """One client and its connection to the server."""

    proxy: Proxy
    number: int
    client: socket.socket
    upstream: socket.socket
    _request: bytes = b""
    _unanswered: int = 0
    _replies: hiredis.Reader = field(default_factory=hiredis.Reader)

    def relay(self) -> None:
        while True:
            for end in select.select([self.client, self.upstream], [], [])[0]:
                data = end.recv(_CHUNK)
                if not data:
                    return
                going_on = self._asked(data) if end is self.client else self._answered(data)
                if not going_on:
                    return

    def _asked(self, data: bytes) -> bool:
        while self.proxy.held.is_set():
            time.sleep(0.01)
        if self.proxy.delay:
            time.sleep(self.proxy.delay)
        self._request += data
        frames, self._request = split(self._request)
        plain = bytearray()
        for raw, words in frames:
            command = Command(self.number, name_of(words), words)
            rule = self.proxy.rule_for(command)
            if rule is None:
                plain += raw
                self._unanswered += command.name.partition(" ")[0] not in _NO_REPLY
                continue
            self.upstream.sendall(plain)
            return self._spoiled(rule, command, raw)
        self.upstream.sendall(plain)
        return True

    def _answered(self, data: bytes) -> bool:
        self._count(data)
        self.client.sendall(data)
        return True

    def _count(self, data: bytes) -> None:
        self._replies.feed(data)
        while (reply := self._replies.gets()) is not False:
            if not isinstance(reply, hiredis.PushNotification):
                self._unanswered = max(0, self._unanswered - 1)

    def _spoiled(self, rule: Rule, command: Command, raw: bytes) -> bool:
        if rule.when == "after":
            while self._unanswered:  # of the commands before it in the same pipeline
                self._answered(self._more())
            self._unanswered = 1
            self.upstream.sendall(raw)
            answer = b""
            while self._unanswered:
                answer += (data := self._more())
                self._count(data)
            self.client.sendall(answer[: int(len(answer) * rule.part)])
        if rule.act is not None:
            rule.act(command)
        rule.fired.set()
        return False  # which closes both connections

    def _more(self) -> bytes:
        data = self.upstream.recv(_CHUNK)
        if not data:
            raise ConnectionError
        return data


def split(data: bytes) -> tuple[list[tuple[bytes, list[bytes]]], bytes]:
    """Commands as clients write them (arrays of strings), and what is left over."""
    frames = []
    at = 0
    while (frame := _frame(data, at)) is not None:
        words, end = frame
        frames.append((data[at:end], words))
        at = end
    return frames, data[at:]


def _frame(data: bytes, at: int) -> tuple[list[bytes], int] | None:
    count, at = _number(data, at)
    words = []
    for _ in range(count):
        length, at = _number(data, at)
        if length < 0 or len(data) < at + length + 2:
            return None
        words.append(data[at : at + length])
        at += length + 2
    return (words, at) if words else None


def _number(data: bytes, at: int) -> tuple[int, int]:
    end = data.find(b"\r\n", at)
    return (int(data[at + 1 : end]), end + 2) if end > 0 else (-1, at)


def name_of(words: Sequence[bytes]) -> str:
    """A command's name; for a script with the name of its file, or the start of its digest."""
    name = words[0].decode(errors="replace").upper()
    if name not in {"EVALSHA", "EVAL"}:
        return name
    digest = words[1].decode() if name == "EVALSHA" else _digest(words[1])
    return f"{name} {_scripts().get(digest, digest[:6])}"


@lru_cache
def _scripts() -> Mapping[str, str]:
    texts = {path.stem: path.read_bytes() for path in (ROOT / "workers").rglob("lua/*.lua")}
    ending = texts.get("ending", b"")  # stands before the text of some
    both = {_digest(ending + text): name for name, text in texts.items()}
    return both | {_digest(text): name for name, text in texts.items()}


def _digest(text: bytes) -> str:
    return sha1(text).hexdigest()


def numbered(commands: Sequence[Command]) -> Iterator[tuple[str, int]]:
    """Each command as its name and how many of that name came before it, itself included."""
    seen: Counter[str] = Counter()
    for command in commands:
        seen[command.name] += 1
        yield command.name, seen[command.name]


@contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    """A proxy for as long as the block runs.

    Args:
        port: The server's, on this machine.
    """
    with Proxy(port) as proxy:
        thread = Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.held.clear()
            proxy.shutdown()
            thread.join()
            proxy.cut()
