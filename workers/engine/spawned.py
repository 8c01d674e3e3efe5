"""Starts a child as a new Python instead of a copy, for systems where a fork is not safe.

The new process is told by its worker, through a pipe and memory that both share; nothing of it
comes from Redis.
"""

import mmap
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.sentinel import SentinelConnectionPool

from workers.connection import connection_for
from workers.engine.horse import live
from workers.engine.page import Page
from workers.settings import load_settings

Begin = Callable[[redis.Redis, Page], int]
"""Be a child with a client and a page; returns the exit code. It travels, so a `partial`, say."""


@dataclass(frozen=True)
class Plan:
    """What a new child has to know.

    Args:
        begin: What it does.
        connection: Class and arguments of its connections; None means those of the settings.
        slots: Of its page.
        path: Where Python looks for modules.
        parent: The process that must be alive.
    """

    begin: Begin
    connection: tuple[type, dict[str, Any]] | None
    slots: int
    path: list[str]
    parent: int


def spawn(plan: Plan) -> tuple[int, Page]:
    """Start a child.

    Args:
        plan: What it has to know.

    Returns:
        Its process, and the page that it shares with this one.
    """
    size = Page.size(plan.slots)
    descriptor = _shared_file(size)
    try:
        page = Page(plan.slots, mmap.mmap(descriptor, size))
        process = subprocess.Popen(  # noqa: S603 - this Python, this module
            [sys.executable, "-c", _START, str(descriptor)],
            stdin=subprocess.PIPE,
            pass_fds=[descriptor],
            process_group=0,
        )
        assert process.stdin is not None, "it was asked for"  # noqa: S101 - for the type checker
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(pickle.dumps(plan))
    finally:
        os.close(descriptor)
    process.returncode = 0  # the worker waits for the process itself
    return process.pid, page


def connection_of(client: redis.Redis) -> tuple[type, dict[str, Any]] | None:
    """How a client connects, as far as another process can do the same.

    Args:
        client: The client.

    Returns:
        Class and arguments of its connections; None for Sentinel, which is asked anew.
    """
    pool = client.connection_pool
    if isinstance(pool, SentinelConnectionPool):
        return None
    known = pool.connection_kwargs.items()
    return pool.connection_class, {name: value for name, value in known if _travels(value)}


def main() -> None:
    """Be the child. What to do stands in standard input, where the page is in the argument."""
    plan: Plan = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the worker that started this
    sys.path[:] = plan.path
    memory = mmap.mmap(int(sys.argv[1]), Page.size(plan.slots))
    page = Page(plan.slots, memory)
    live(lambda: plan.begin(_client(plan.connection), page), plan.parent)


def _client(connection: tuple[type, dict[str, Any]] | None) -> redis.Redis:
    if connection is None:
        return connection_for(load_settings())
    kind, arguments = connection
    return redis.Redis(connection_pool=redis.ConnectionPool(kind, **arguments))


def _travels(value: object) -> bool:
    # What redis-py keeps there for itself, such as locks, each process makes anew.
    try:
        pickle.dumps(value)
    except (TypeError, AttributeError, pickle.PicklingError):
        return False
    return True


def _shared_file(size: int) -> int:
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("postroom")
    else:
        descriptor, path = tempfile.mkstemp(prefix="postroom-")
        Path(path).unlink()
    os.ftruncate(descriptor, size)
    return descriptor


_START = "import sys, pickle; sys.path[:0] = [''];from workers.engine.spawned import main; main()"
