"""Sends what is in the outbox: each channel in a thread of its own, so that none waits for another.

What is about to be sent is written first, and again when it was taken. A process that dies in
between leaves a notice that the next one sends again, under the same id; nothing else is repeated.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from redis import RedisError

from monitoring.alert_channels import write_failed, write_taken
from monitoring.alerts.channel import Channel, ChannelFailed
from monitoring.alerts.store import Outgoing, Store
from workers.clock import Clock
from workers.logger import get_logger
from workers.redaction import redacted

log = get_logger("postroom.alerts")

_LONGEST_ERROR = 300  # characters


@dataclass(frozen=True)
class Delivery:
    """Hands notices to channels.

    Args:
        store: Where they stand.
        channels: By name.
        clock: The time.
        pause: Seconds after a first try that failed, or that was broken off by a death.
    """

    store: Store
    channels: Mapping[str, Channel]
    clock: Clock
    pause: float
    _busy: dict[str, threading.Thread] = field(default_factory=dict, init=False, repr=False)

    def begin(self, turn: str) -> None:
        """Send what is due, without waiting for it.

        Args:
            turn: Of this process; what is sent is sent only while it holds.
        """
        for name, group in groupby(self.store.outbox(), key=lambda each: each.channel):
            if not self._is_busy(name):
                arguments = (turn, name, list(group))
                thread = threading.Thread(target=self._serve, args=arguments, daemon=True)
                self._busy[name] = thread
                thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for what is being sent.

        Args:
            seconds: How long in all, at most.

        Returns:
            Whether all of it ended.
        """
        share = seconds / max(1, len(self._busy))
        for thread in self._busy.values():
            thread.join(share)
        return not any(self._is_busy(name) for name in self._busy)

    def _is_busy(self, name: str) -> bool:
        return name in self._busy and self._busy[name].is_alive()

    def _serve(self, turn: str, name: str, notices: Sequence[Outgoing]) -> None:
        try:
            for each in notices:
                if not self._send(turn, self.channels.get(name), each):
                    return  # the next ones wait, so that they come in their order
        except RedisError as error:
            # What was not written is sent again, with the same id.
            log.warning("alert_not_recorded", channel=name, error=type(error).__name__)

    def _send(self, turn: str, channel: Channel | None, outgoing: Outgoing) -> bool:
        now = self.clock()
        if channel is None:
            self.store.give_up(outgoing, "There is no such channel any more.", now)
            return True
        if not outgoing.is_due(now, pause=self.pause):
            return False
        if not self.store.begin(turn, outgoing.begun(now)):
            return False
        error = _error_of(channel, outgoing)
        if error is None:
            self.store.settle(outgoing)
            write_taken(channel.name, self.clock(), self.store.connection)
            log.info("alert_sent", channel=channel.name, notice=outgoing.notice.id)
            return True
        self._failed(outgoing, error)
        return False

    def _failed(self, outgoing: Outgoing, error: str) -> None:
        now = self.clock()
        write_failed(outgoing.channel, error, now, self.store.connection)
        log.warning(
            "alert_not_sent", channel=outgoing.channel, notice=outgoing.notice.id, error=error
        )
        if outgoing.is_too_old(now):
            self.store.give_up(outgoing, error, now)


def _error_of(channel: Channel, outgoing: Outgoing) -> str | None:
    try:
        channel.send(outgoing.notice)
    except ChannelFailed as error:
        return redacted(error.message)[:_LONGEST_ERROR]
    except Exception as error:  # noqa: BLE001 - a hundred plugins; one must not stop the others
        return f"{channel.kind} raised {type(error).__name__}."
    return None
