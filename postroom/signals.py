"""Ending on request: SIGTERM and Ctrl-C leave through every `finally`, with exit code 0."""

import signal
from types import FrameType
from typing import NoReturn


def end_on_signal() -> None:
    """Make SIGTERM and SIGINT raise SystemExit in the main thread."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)


def _leave(_: int, __: FrameType | None) -> NoReturn:
    raise SystemExit(0)
