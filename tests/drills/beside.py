"""Something that goes on in a thread while a drill does something else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread


@contextmanager
def beside(look: Callable[[Event], None]) -> Iterator[None]:
    """Run it for as long as the block runs.

    Args:
        look: Is given what is set when the block is over.
    """
    over = Event()
    thread = Thread(target=look, args=(over,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)
