"""Wakes an idle consumer: Redis itself says when one of its streams was added to."""

from collections.abc import Sequence

import redis

from workers import keys, stream_keys
from workers.engine.bell import Bell
from workers.engine.step import Step
from workers.streams.leases import pauses_of
from workers.streams.order import StreamOrder
from workers.streams.served import Served


class StreamBell:
    """Rings for streams.

    Args:
        order: Which streams.
        served: Looks anew when one was added.
        group: In whose name they are read.
        client: Where.
    """

    def __init__(self, order: StreamOrder, served: Served, group: str, client: redis.Redis) -> None:
        self._order = order
        self._served = served
        self._bell = Bell(client)
        self._also = (keys.pauses(), keys.suspended(), stream_keys.streams())
        self._orphaned = stream_keys.orphaned(group)

    def ring(self, step: Step, seconds: float) -> bool:
        """Wait until there may be an entry.

        Args:
            step: What it says of pauses.
            seconds: The longest time.

        Returns:
            Whether something changed.
        """
        if self._served.is_to_look:
            return True
        streams = [*self._open(step.paused), *self._served.missing, self._orphaned]
        if step.state == "suspended":
            streams.clear()
        has_changed = self._bell.wait(also=self._also, prompt=streams, seconds=seconds)
        if has_changed:
            self._served.look_soon()
        return has_changed

    def close(self) -> None:
        """Give the connection up."""
        self._bell.close()

    def _open(self, paused: frozenset[str]) -> Sequence[str]:
        return [
            name.key
            for name in self._order.names.values()
            if not paused.intersection(pauses_of(name))
        ]
