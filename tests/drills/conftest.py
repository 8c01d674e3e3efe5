"""The drills use what the tests of `workers` use."""

from tests.workers.conftest import (
    _fresh_settings,
    send,
    start_warm,
    start_worker,
    warm_nursery,
)

__all__ = ["_fresh_settings", "send", "start_warm", "start_worker", "warm_nursery"]
