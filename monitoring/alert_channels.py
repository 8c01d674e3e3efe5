"""How the channels of alerts do: the last success of each, and since when one fails."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import redis

from monitoring.answers import as_text
from monitoring.words import number, span
from workers import watch_keys
from workers.scripts import script

_STALE = timedelta(hours=2)  # longer than a notice is tried: the channel may be gone by then


@dataclass(frozen=True)
class ChannelState:
    """How one channel does.

    Args:
        name: Its name.
        taken_at: When it last took something; ISO 8601, or None.
        failing_since: From when on it has taken nothing; None if its last try succeeded.
        failed_at: When the last try failed.
        failures: How many tries failed since.
        error: What the last one said; without secrets.
    """

    name: str
    taken_at: str | None = None
    failing_since: str | None = None
    failed_at: str | None = None
    failures: int = 0
    error: str = ""

    def said(self, seconds: float) -> str:
        """That it fails, as a sentence.

        Args:
            seconds: For how long.
        """
        tries = number(self.failures, "try", "tries")
        return (
            f"Alerts do not reach the channel {self.name}: {tries} failed, the first "
            f"{span(seconds)} ago. {self.error}"
        )

    def taken(self, now: datetime) -> "ChannelState":
        """After a success."""
        return ChannelState(self.name, taken_at=now.isoformat())

    def failed(self, error: str, now: datetime) -> "ChannelState":
        """After a failure."""
        at = now.isoformat()
        since = self.failing_since or at
        return ChannelState(self.name, self.taken_at, since, at, self.failures + 1, error)


def channel_states(connection: redis.Redis) -> Mapping[str, ChannelState]:
    """All channels that were ever used, by name.

    Args:
        connection: Where.
    """
    stored: Any = connection.hgetall(watch_keys.alert_channels())
    return {as_text(name): ChannelState(**json.loads(text)) for name, text in stored.items()}


def write_taken(name: str, now: datetime, connection: redis.Redis) -> None:
    """Write that a channel took something."""
    _write(_state(name, connection).taken(now), connection)


def write_failed(name: str, error: str, now: datetime, connection: redis.Redis) -> None:
    """Write that a channel failed."""
    _write(_state(name, connection).failed(error, now), connection)


def failing_channels(
    now: datetime, connection: redis.Redis
) -> Iterator[tuple[ChannelState, float]]:
    """The channels that take nothing, and for how many seconds; in one round trip.

    Args:
        now: The server's time.
        connection: Where.
    """
    for state in channel_states(connection).values():
        if state.failing_since is None or state.failed_at is None:
            continue
        if now - datetime.fromisoformat(state.failed_at) < _STALE:
            since = datetime.fromisoformat(state.failing_since)
            yield state, max(0.0, (now - since).total_seconds())


def _state(name: str, connection: redis.Redis) -> ChannelState:
    stored: Any = connection.hget(watch_keys.alert_channels(), name)
    return ChannelState(name) if stored is None else ChannelState(**json.loads(stored))


def _write(state: ChannelState, connection: redis.Redis) -> None:
    note = connection.register_script(script("monitoring.alerts", "note_channel"))
    note(keys=[watch_keys.alert_channels()], args=[state.name, json.dumps(asdict(state))])
