"""What tests of every package share: a real server, real processes, a fixed time, and patience.

A server of our own is emptied before each test. One given by REDIS_URL is used only if its
database is empty at the start, under a random key prefix, and only those keys are removed.
"""

import gc
import logging
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from redis import ConnectionPool, Redis, RedisError

from postroom.embedded import Server
from postroom.embedded import redis_server as running_server
from tests.faults.nursery import Nursery, nursery
from tests.processes import Eventually, Started, StartProcess, ask_until_true
from tests.warm import WarmStarted

_GIVEN_URL = "TEST_REDIS_URL"  # where the controller leaves REDIS_URL for the xdist processes
_RUN = "TEST_RUN"

_OWN_VARIABLES = (
    *(
        "ALERT_",
        "ALLOW_",
        "BACKUP_",
        "BATCH_",
        "BUILD_",
        "CHILD_",
        "CODE_VERSION",
        "CONCURRENCY",
        "DATABASE_",
    ),
    *(
        "DATA_DIR",
        "DEAD_LETTER",
        "DRILL_",
        "ENVIRONMENT",
        "FAILURE_TTL",
        "HANDLER_PACKAGES",
        "HEARTBEAT_",
    ),
    *(
        "IMAGE_DIR",
        "INDEX_",
        "ISOLATION",
        "JOB_MEMORY",
        "JOB_TIMEOUT",
        "KEEP_",
        "LEASE_",
        "LEDGER_",
        "LIVE_",
        "LOG_",
    ),
    *("MAIL", "MAINTENANCE_", "MEMORY_LIMIT", "MESSAGE_PACKAGES", "NOTIFY_", "POSTROOM_"),
    *("PROMOTE_", "QUEUE", "REAP_", "REDIS_", "RESULT_TTL", "ROBO_", "RQ_"),
    *(
        "SCALE_",
        "SENTINEL",
        "SHUTDOWN_",
        "SMTP_",
        "STREAM_",
        "SYNC_",
        "TEMPLATE_DIRS",
        "THUMBNAIL_",
        "TRACING",
        "UNKNOWN_TYPE",
        "OTEL_",
    ),
)
"""What the names of the project's variables start with."""


def _forget_the_surroundings() -> None:
    """Take the project's own variables away, before a test or rq reads one."""
    given = os.environ.get("REDIS_URL")
    if given is not None:
        os.environ[_GIVEN_URL] = given
    # Without it each program that a test starts would compile all that it imports, for seconds.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for name in list(os.environ):
        if name.startswith(_OWN_VARIABLES):
            del os.environ[name]
    if _GIVEN_URL in os.environ:
        os.environ.setdefault(_RUN, uuid4().hex[:12])
        process = os.environ.get("PYTEST_XDIST_WORKER", "main")
        os.environ["RQ_KEY_PREFIX"] = f"test-{os.environ[_RUN]}-{process}"


_forget_the_surroundings()


def pytest_configure(config: pytest.Config) -> None:
    given = os.environ.get(_GIVEN_URL)
    if given is None or hasattr(config, "workerinput"):
        return
    try:
        with Redis.from_url(given, socket_connect_timeout=5, socket_timeout=5) as client:
            keys = client.dbsize()
    except (RedisError, ValueError) as error:
        raise pytest.UsageError(
            f"The server in REDIS_URL cannot be used: {error}. "
            "Correct it, or unset REDIS_URL for a server that the tests start themselves."
        ) from None
    if keys:
        raise pytest.UsageError(
            f"The database in REDIS_URL holds {keys} keys. Tests use only one that is empty: "
            "name another database, or unset REDIS_URL for a server of their own."
        )


def pytest_collection_finish() -> None:
    """Look for garbage less often, and not among what stays: a tenth of the time of many tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave a test nothing that those before it have left: no browser, no log to a closed file."""
    if "board" not in item.path.parts:
        _close_the_browser()
    for logger in (logging.root, *logging.root.manager.loggerDict.values()):
        for handler in getattr(logger, "handlers", [])[:]:
            if getattr(getattr(handler, "stream", None), "closed", False):
                cast("logging.Logger", logger).removeHandler(handler)


def pytest_sessionfinish() -> None:
    _close_the_browser()


def _close_the_browser() -> None:
    browsing: Any = sys.modules.get("tests.board.browsing")
    if browsing is not None:
        browsing.SHARED.close()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of this test process; `server.origin` is `given` where it is not ours."""
    with running_server(tmp_path_factory.mktemp("data"), url=os.environ.get(_GIVEN_URL)) as server:
        yield server
        if server.origin == "given":  # what processes wrote while they ended
            with Redis.from_url(server.url) as client:
                _empty(client, server)


@pytest.fixture(scope="session")
def _connections(redis_server: Server) -> Iterator[ConnectionPool]:
    """Connections that tests hand on: each new one looks up a version on the disk."""
    pool = ConnectionPool.from_url(redis_server.url)
    yield pool
    pool.disconnect()


@pytest.fixture
def redis(
    redis_server: Server, _connections: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Redis]:
    """A client of a server without keys of other tests; child processes find it in REDIS_URL."""
    from tests.fresh import forget_settings  # noqa: PLC0415 - rq reads variables when imported

    monkeypatch.setenv("REDIS_URL", redis_server.url)
    forget_settings()  # a thread of a test before this one may have asked until now
    with Redis(connection_pool=_connections) as client:
        _empty(client, redis_server)
        yield client
        if redis_server.origin == "given":
            _empty(client, redis_server)


def _empty(client: Redis, server: Server) -> None:
    if server.origin != "given":
        client.flushdb()
        return
    for key in client.scan_iter(f"{os.environ['RQ_KEY_PREFIX']}:*", count=1000):
        client.unlink(key)


@pytest.fixture
def now() -> datetime:
    """A moment that never changes."""
    return datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


@pytest.fixture
def eventually() -> Eventually:
    """Wait for a condition; see `tests/processes.py`."""
    return ask_until_true


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[StartProcess]:
    """Start programs that end when the test does; see `tests/processes.py`."""
    started = Started(tmp_path)
    yield started.start
    started.end()


@pytest.fixture(scope="session")
def warm_nursery(redis_server: Server) -> Iterator[Nursery]:
    """Starts `rq` and `postroom` processes, for all tests of this process."""
    with nursery() as started:
        yield started


@pytest.fixture
def start_warm(warm_nursery: Nursery, tmp_path: Path) -> Iterator[StartProcess]:
    """As `start_process`, for `rq` and `postroom` without their imports; see `tests/warm.py`."""
    started = WarmStarted(tmp_path, nursery=warm_nursery)
    yield started.start
    started.end()
