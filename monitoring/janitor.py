"""Follows the clean-up policies each hour, for as long as the web process is served."""

import threading
from collections.abc import Sequence

import redis

from messages import PostroomError
from workers.cleanup import CleanupPolicy
from workers.cleanup_policies import clean_hourly
from workers.logger import get_logger

log = get_logger("postroom.web")

_LOOK_EVERY = 60.0  # seconds; of many processes, the first that looks after the hour has the turn
_LONGEST_STEP = 10.0


class Janitor:
    """Cleans up in a thread of its own. Without policies it does nothing.

    Args:
        policies: What is to go.
        connection: Where.
        every: Seconds between two looks whether the hour is over, above 0.
    """

    def __init__(
        self,
        policies: Sequence[CleanupPolicy],
        *,
        connection: redis.Redis,
        every: float = _LOOK_EVERY,
    ) -> None:
        self._policies = policies
        self._connection = connection
        self._every = every
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        if self._policies and self._thread is None:
            self._is_over.clear()
            self._thread = threading.Thread(target=self._run, name="janitor", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the step that is under way."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join(_LONGEST_STEP)
            self._thread = None

    def _run(self) -> None:
        while True:
            self._clean()
            if self._is_over.wait(self._every):
                return

    def _clean(self) -> None:
        try:
            removed = clean_hourly(
                self._policies, connection=self._connection, is_over=self._is_over.is_set
            )
        except PostroomError as error:
            log.warning("clean_up_failed", error=str(error), remedy=error.remedy)
        else:
            if removed:
                log.info("cleaned_up", removed=removed)
