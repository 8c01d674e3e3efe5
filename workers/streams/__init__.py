"""The lane of streams: consumer groups that lose nothing, steal nothing, and can be watched."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workers.streams.client import ReadJob, StreamClient

__all__ = ["ReadJob", "StreamClient"]


def __getattr__(name: str) -> Any:
    # Only when it is asked for: modules below are imported by those that the client needs.
    if name in __all__:
        return getattr(import_module("workers.streams.client"), name)
    raise AttributeError(name)
