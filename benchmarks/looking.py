"""How long the web process takes to answer, and what it asks Redis for, with much to look at."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median
from typing import Any

import redis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from redis.connection import Connection
from typing_extensions import override

from monitoring.alerts import AlertSettings
from monitoring.alerts.rules import read_rules
from monitoring.board.kept import RENEWING
from monitoring.board.standing import Standing, read_standing
from monitoring.live.looks import QUEUES, LookTaker
from monitoring.web.app import closed_routers, create_app
from monitoring.web.auth import declared
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from monitoring.web.tokens import make_token
from workers.settings import load_settings

SLOW_COMMAND = 10_000
"""Microseconds that one command may take: the server does nothing else meanwhile."""
MOST_TRIPS = 20
"""Round trips to Redis for one page."""

TICK = "a tick of the streams"
"""What the looks for all clients of streams are called among the routes."""

STANDING = "how things stand"
"""Likewise what all pages of the board share, and what is read anew every 4 s."""

_SIGNED_WITH = "of this measurement only, and of nobody else"
_ENDLESS = "/live"
_NOT_OURS = "/rq/"  # rq-dashboard's own pages
_ASKED_FIRST = "/board/dialogs/"  # small answers, some of which need to be told what they are about
_FRESH = {"Cache-Control": "no-cache"}  # not what the board remembers for others
_QUERIES = {"/api/search": {"q": "type:EMAIL to:ada-7@example.com state:waiting"}}
_OF_A_TENANT: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "a tenant's jobs": ("/api/jobs", {}),
    "a tenant's failed jobs": ("/api/jobs", {"state": "failed"}),
    "a tenant's jobs with a value": ("/api/search", {"q": "to:ada-7@example.com state:waiting"}),
    "a tenant's jobs with none": ("/api/search", {"q": "to:nobody@example.com"}),
    "a tenant's dead letters": ("/api/dead-letters", {"text": "host 7"}),
    "a tenant's failures": ("/api/failed-jobs", {}),
}
_OF_THE_BENCH = {"info", "config|set", "config|resetstat", "slowlog|reset", "slowlog|get"}


@dataclass(frozen=True)
class Look:
    """What one route took.

    Args:
        path: The route, or what was asked of it.
        status: What it was answered with.
        median_ms: Of all requests.
        p99_ms: Likewise.
        cpu_ms: What this process computed for one, the median: all but Redis and waiting.
        trips: Round trips of the request that took most.
        bytes: Of the answer.
    """

    path: str
    status: int
    median_ms: float
    p99_ms: float
    cpu_ms: float
    trips: int
    bytes: int


class _Counting(Connection):
    """A connection that counts how often it asks."""

    trips = 0

    @override
    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        # What the board renews beside the requests is counted apart, as `STANDING`.
        _Counting.trips += threading.current_thread().name != RENEWING
        super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]


def look(url: str, names: Mapping[str, str], *, each: int) -> Iterator[Look]:
    """Ask every route that looks, again and again.

    Args:
        url: The server, with data.
        names: What path parameters name; see `crowd.fill`.
        each: How many requests a route.

    Yields:
        `TICK` and `STANDING`, which streams and pages share, then a route at a time, and at last
        the lists of who may see one tenant only.
    """
    pool = redis.ConnectionPool.from_url(url, connection_class=_Counting)
    with redis.Redis(connection_pool=pool) as connection:
        yield _tick(connection, each)
        yield _standing(connection, each)
        client = _client(connection)
        for path in _paths():
            yield _look_at(client, path, names, each)
        client = _client(connection, tenant=names["tenant"])
        for name, (path, asked) in _OF_A_TENANT.items():
            yield replace(_look_at(client, path, names, each, asked), path=name)


def slow_commands(connection: redis.Redis) -> Sequence[str]:
    """The commands that took longer than `SLOW_COMMAND`, since `watch_commands`."""
    found: Any = connection.slowlog_get(50)
    return [
        f"{entry['duration'] / 1000:.0f} ms: {_text(entry['command'])[:120]}" for entry in found
    ]


def slowest_command(connection: redis.Redis) -> tuple[str, float]:
    """The command that took longest on the average since `watch_commands`, and its microseconds."""
    stats: Any = connection.info("commandstats")
    means = {name.removeprefix("cmdstat_"): each["usec_per_call"] for name, each in stats.items()}
    name = max((name for name in means if name not in _OF_THE_BENCH), key=lambda each: means[each])
    return name, float(means[name])


def watch_commands(connection: redis.Redis) -> None:
    """Let the server remember slow commands from now on."""
    connection.config_set("slowlog-log-slower-than", SLOW_COMMAND)
    connection.slowlog_reset()
    connection.config_resetstat()


def _paths() -> Sequence[str]:
    routes = declared(closed_routers())
    return sorted(
        each.path
        for each in routes
        if "GET" in each.methods
        and not each.path.endswith(_ENDLESS)
        and not each.path.startswith((_NOT_OURS, _ASKED_FIRST))
    )


def _tick(connection: redis.Redis, each: int) -> Look:
    taker = LookTaker(connection)
    taken = [_timed(lambda: taker({QUEUES: 0})) for _ in range(each)]
    return _of(TICK, taken, status=0, size=0)


def _standing(connection: redis.Redis, each: int) -> Look:
    settings, rules = load_settings(), read_rules(AlertSettings(), ())

    def read() -> Standing:
        return read_standing(connection=connection, settings=settings, rules=rules, root="")

    return _of(STANDING, [_timed(read) for _ in range(each)], status=0, size=0)


def _look_at(
    client: TestClient,
    path: str,
    names: Mapping[str, str],
    each: int,
    asked: Mapping[str, str] | None = None,
) -> Look:
    url = path
    for name, value in _named(path, names).items():
        url = url.replace(f"{{{name}}}", value)
    asked = _QUERIES.get(path, {}) if asked is None else asked
    client.get(url, params=asked, headers=_FRESH)  # what is loaded once is not counted
    taken = [_timed(lambda: client.get(url, params=asked, headers=_FRESH)) for _ in range(each)]
    answer = taken[-1].answer
    return _of(path, taken, status=answer.status_code, size=len(answer.content))


@dataclass(frozen=True)
class _Taken:
    answer: Any
    ms: float
    cpu_ms: float
    trips: int


def _timed(call: Callable[[], Any]) -> _Taken:
    _Counting.trips = 0
    began, spent = time.perf_counter(), time.process_time()
    answer = call()
    cpu_ms = (time.process_time() - spent) * 1000
    return _Taken(answer, (time.perf_counter() - began) * 1000, cpu_ms, _Counting.trips)


def _of(path: str, taken: Sequence[_Taken], *, status: int, size: int) -> Look:
    times = sorted(each.ms for each in taken)
    return Look(
        path=path,
        status=status,
        median_ms=median(times),
        p99_ms=times[min(len(times) - 1, len(times) * 99 // 100)],
        cpu_ms=median(each.cpu_ms for each in taken),
        trips=max(each.trips for each in taken),
        bytes=size,
    )


def _named(path: str, names: Mapping[str, str]) -> Mapping[str, str]:
    own = {"job_id": names["letter"]} if "letters/" in path else {}
    kind = {"name": "EMAIL"} if "message" in path else {}
    return {**names, **own, **kind}


def _client(connection: redis.Redis, *, tenant: str | None = None) -> TestClient:
    # Else most of who polls would be told what another one was told in the last 2 s.
    web = WebSettings(postroom_secret=SecretStr(_SIGNED_WITH), live_seconds=0.01)
    app: FastAPI = create_app(connection=connection, settings=web)
    token = make_token(
        Role.ADMIN,
        subject="bench",
        ttl=timedelta(hours=2),
        secret=_SIGNED_WITH,
        settings=web,
        tenant=tenant,
    )
    client = TestClient(app)
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def _text(command: Any) -> str:
    return command.decode(errors="replace") if isinstance(command, bytes) else str(command)
