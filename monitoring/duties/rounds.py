"""Does the same thing again and again in a thread of its own, while the web process is served."""

import threading
from collections.abc import Callable

from messages import PostroomError
from workers.logger import get_logger

log = get_logger("postroom.web")

_LONGEST_STEP = 10.0  # seconds that `stop` waits for what is under way


class Rounds:
    """A thread that does not keep the process alive.

    Args:
        name: Of the thread, and in the log.
        step: What it does; an error of ours is logged, and the next round tries again.
        every: Seconds between two rounds, above 0.
    """

    def __init__(self, name: str, step: Callable[[], object], *, every: float) -> None:
        self._name = name
        self._step = step
        self._every = every
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_over(self) -> bool:
        """Whether it is to end."""
        return self._is_over.is_set()

    def start(self) -> None:
        """Begin."""
        if self._thread is None:
            self._is_over.clear()
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the step that is under way."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join(_LONGEST_STEP)
            self._thread = None

    def _run(self) -> None:
        while True:
            try:
                self._step()
            except PostroomError as error:
                log.warning("round_failed", name=self._name, error=str(error), remedy=error.remedy)
            except Exception:  # whatever it was, the next round may succeed
                log.exception("round_failed", name=self._name)
            if self._is_over.wait(self._every):
                return
