"""Puts an application into a server in memory and a time that stands still, and back again.

Everything that has to be put in the place of something else is here, so that the code of
production runs as it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from workers import dispatcher, handling
from workers.jobs import load_application
from workers.retry import RetryPolicy
from workers.settings import load_settings
from workers.testing.clock import virtual_clock
from workers.testing.faults import Faults
from workers.testing.kit import Postroom
from workers.testing.memory import memory_server
from workers.testing.performing import Dispatcher


@contextmanager
def in_memory() -> Iterator[Postroom]:
    """Run messages and handlers without a server until the end; the fixture `postroom` is this.

    The handlers are those of HANDLER_PACKAGES, as a worker loads them, and those that the test
    registers itself.

    Yields:
        The kit.
    """
    faults = Faults()
    with (
        _fresh_settings(),
        virtual_clock() as clock,
        memory_server(lambda: bool(kit.drain())) as connection,
        pytest.MonkeyPatch.context() as patch,
    ):
        load_application()
        calls = Dispatcher()
        kit = Postroom(connection, clock, faults, calls)
        # Faults lie around the handler itself, whichever registry is in use.
        patch.setattr(dispatcher, "handler_for", faults.handler_for)
        patch.setattr(handling, "dispatch", calls.dispatch)
        # The jitter of every policy, also of one that a message brings along.
        patch.setitem(RetryPolicy.decide.__kwdefaults__ or {}, "spread", lambda: kit.spread)
        yield kit


@contextmanager
def _fresh_settings() -> Iterator[None]:
    # They are read once a process; a test may have an environment of its own.
    _forget_settings()
    try:
        yield
    finally:
        _forget_settings()


def _forget_settings() -> None:
    load_settings.cache_clear()
    load_application.cache_clear()
