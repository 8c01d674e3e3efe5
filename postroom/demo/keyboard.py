"""Reads single keys from the terminal, without waiting and without Enter."""

import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager


class Keyboard:
    """Keys that were pressed.

    Args:
        descriptor: The terminal; None if there is none.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def pressed(self) -> str:
        """All keys since the last call; Ctrl-C still interrupts."""
        keys = ""
        while self._descriptor is not None and select.select([self._descriptor], [], [], 0)[0]:
            read = sys.stdin.read(1)
            if not read:
                self._descriptor = None
            keys += read
        return keys


@contextmanager
def keyboard() -> Iterator[Keyboard]:
    """The keyboard of this terminal, for as long as the block runs.

    Yields:
        One that is never pressed, if standard input is no terminal.
    """
    if not sys.stdin.isatty():
        yield Keyboard(None)
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield Keyboard(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
