"""The file that says where the embedded server is, and whether that server is still the one.

A file can be left over and a port can be another's by now, so nobody trusts it unasked: the
process id that the server itself tells must be the recorded one.
"""

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from postroom.errors import ServerUnavailable
from postroom.programs import OLDEST

_PING_SECONDS = 3.0


def write_record(record: Path, url: str, pid: int) -> None:
    """Say where the server is, in one step: a reader sees all of it or nothing.

    Args:
        record: The file.
        url: Where the server is.
        pid: Its process id.
    """
    draft = record.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({"url": url, "pid": pid}))
    draft.replace(record)


def answering_url(record: Path) -> str | None:
    """Where the recorded server is, if it still runs.

    Args:
        record: The file that `write_record` wrote; it may be absent, left over or damaged.
    """
    with suppress(OSError, ValueError, KeyError, TypeError, ServerUnavailable):
        told = json.loads(record.read_text())
        url = str(told["url"])
        if server_pid(url) == told["pid"]:
            return url
    return None


def end_recorded(record: Path) -> None:
    """Ask the recorded server to save and end; it must have answered as the recorded one.

    Args:
        record: The file that `write_record` wrote.
    """
    with suppress(ProcessLookupError):
        os.kill(json.loads(record.read_text())["pid"], signal.SIGTERM)


def server_pid(url: str) -> int:
    """The process id a server says it has.

    Args:
        url: Where it is.

    Raises:
        ServerUnavailable: If it does not answer.
    """
    return int(_about(url)["process_id"])


def check_answers(url: str) -> None:
    """Make sure that a server answers and is new enough.

    Args:
        url: The value of REDIS_URL.

    Raises:
        ServerUnavailable: If it does not; it names host and port, never the password.
    """
    told = str(_about(url).get("redis_version", ""))
    version = tuple(int(part) for part in told.split(".")[:2] if part.isdigit())
    if version < OLDEST:
        raise ServerUnavailable(
            f"{_public(url)} is Redis {told or 'of an unknown version'}; 6.2 is the oldest "
            "that has the commands Postroom uses.",
            field="REDIS_URL",
            remedy="Upgrade it, or point REDIS_URL to another server.",
        )


def _about(url: str) -> dict[str, Any]:
    try:
        with Redis.from_url(
            url,
            socket_connect_timeout=_PING_SECONDS,
            socket_timeout=_PING_SECONDS,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            client.ping()
            return dict(client.info("server"))
    except (RedisError, ValueError) as error:
        raise ServerUnavailable(
            f"{_public(url)} does not answer: {error}",
            field="REDIS_URL",
            remedy="Start that server or correct REDIS_URL; where it is unset, "
            "`run demo` and `run dev` start a server of their own.",
        ) from error


def _public(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
