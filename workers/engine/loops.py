"""Event loops: which handlers run in one, and which loop it is."""

import asyncio
import inspect
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from messages import message_types
from workers.errors import HandlerNotFound
from workers.registry import execution_middleware, handler_for


def has_async_handler(kind: str) -> bool:
    """Whether a message of a type can be handled in an event loop.

    Args:
        kind: The message type; it need not be known.
    """
    cls = message_types().get(kind)
    if cls is None or execution_middleware():
        return False
    try:
        return inspect.iscoroutinefunction(handler_for(cls).function)
    except HandlerNotFound:
        return False


def loop_factory() -> "Callable[[], asyncio.AbstractEventLoop] | None":
    """Makes the loop of uvloop if that is installed; None is for the usual one."""
    if find_spec("uvloop") is None:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    return factory
