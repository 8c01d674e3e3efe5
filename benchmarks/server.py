"""The server of a bench: started by it, emptied before each drain, and asked what it has done."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis

from postroom.address import free_port
from postroom.embedded import redis_server
from postroom.programs import find_server

_START_SECONDS = 10.0
_NOT_SETTINGS = {"bind", "dir", "port", "pidfile", "logfile", "daemonize"}
_OF_THE_BENCH = {"info", "monitor", "flushall", "ping", "echo", "config|get", "select"}


@dataclass(frozen=True)
class BenchServer:
    """A server that this bench has started.

    Args:
        url: Where.
        client: The bench's own connection.
    """

    url: str
    client: redis.Redis

    @property
    def port(self) -> int:
        """Its port on this machine."""
        return urlsplit(self.url).port or 6379

    @property
    def version(self) -> str:
        """Which server, and its version."""
        info: Any = self.client.info("server")
        name = info.get("server_name", "redis")
        return f"{name} {info.get('valkey_version') or info['redis_version']}"

    def empty(self) -> None:
        """Remove everything: it is ours."""
        self.client.flushall()

    def cpu_seconds(self) -> float:
        """User and system time of its main process; not of those that rewrite its files."""
        info: Any = self.client.info("cpu")
        return float(info["used_cpu_user"] + info["used_cpu_sys"])

    def calls(self) -> int:
        """Commands it has executed, those in scripts included and the bench's own left out."""
        return sum(int(each["calls"]) for each in self._stats().values())

    def command_us(self) -> Mapping[str, float]:
        """By command the microseconds it has taken so far, the bench's own left out.

        That of a script has those of the commands that it calls, which also count by themselves.
        """
        return {name: float(each["usec"]) for name, each in self._stats().items()}

    def _stats(self) -> Mapping[str, Mapping[str, float]]:
        stats: Any = self.client.info("commandstats")
        named = {name.removeprefix("cmdstat_"): each for name, each in stats.items()}
        return {name: each for name, each in named.items() if name not in _OF_THE_BENCH}


@contextmanager
def bench_server(folder: Path) -> Iterator[BenchServer]:
    """A server for as long as the block runs, with the settings of `run demo`.

    Args:
        folder: Where its files go; nobody else's server is there.
    """
    with redis_server(folder) as server, redis.Redis.from_url(server.url) as client:
        yield BenchServer(server.url, client)


def settings_changed(server: BenchServer, folder: Path) -> Mapping[str, tuple[str, str]]:
    """What CONFIG says of this server and of the same program started without settings.

    Args:
        server: This server.
        folder: An empty folder for the other one.

    Returns:
        Name -> the default and the value here, where they differ.
    """
    here = _config(server.client)
    with _default_server(folder) as client:
        default = _config(client)
    return {
        name: (default[name], here[name])
        for name in sorted(default.keys() & here.keys() - _NOT_SETTINGS)
        if default[name] != here[name]
    }


def _config(client: redis.Redis) -> dict[str, str]:
    values: Any = client.config_get("*")
    return {_text(name): _text(value) for name, value in values.items()}


@contextmanager
def _default_server(folder: Path) -> Iterator[redis.Redis]:
    port = free_port()
    process = subprocess.Popen(  # noqa: S603 - the server found on PATH
        [str(find_server()), "--port", str(port), "--bind", "127.0.0.1"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    try:
        with redis.Redis(port=port) as client:
            _wait_for(client)
            yield client
    finally:
        process.kill()  # it holds nothing
        process.wait()


def _wait_for(client: redis.Redis) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with suppress(redis.ConnectionError):
            client.ping()
            return
        time.sleep(0.02)
    client.ping()


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
