"""Follows the clean-up policies each hour, for as long as the web process is served."""

from collections.abc import Sequence

import redis

from monitoring.duties.rounds import Rounds
from workers.cleanup import CleanupPolicy
from workers.cleanup_policies import clean_hourly
from workers.logger import get_logger

log = get_logger("postroom.web")

_LOOK_EVERY = 60.0  # seconds; of many processes, the first that looks after the hour has the turn


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
        self._rounds = Rounds("janitor", self._clean, every=every)

    def start(self) -> None:
        """Begin."""
        if self._policies:
            self._rounds.start()

    def stop(self) -> None:
        """End after the step that is under way."""
        self._rounds.stop()

    def _clean(self) -> None:
        removed = clean_hourly(
            self._policies, connection=self._connection, is_over=lambda: self._rounds.is_over
        )
        if removed:
            log.info("cleaned_up", removed=removed)
