"""The drills use what the tests of `workers` use."""

from tests.workers.conftest import (
    _fresh_settings,
    send,
    start_worker,
)

__all__ = ["_fresh_settings", "send", "start_worker"]
