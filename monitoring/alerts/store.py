"""Where alerts stand in Redis, and the turn: only the process that has it may write and send.

Each turn has a number of its own, and the scripts compare it, so a process that has lost its turn,
perhaps without knowing it, changes nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import redis

from monitoring.alerts.alert import Alert, Key, alert_of, as_text
from monitoring.alerts.notice import Addressed, Notice, notice_of
from monitoring.answers import as_text as text_of
from workers import watch_keys
from workers.clock import shown_time
from workers.scripts import script

KEPT = 1_000
"""Entries of the history."""
GIVEN_UP = timedelta(hours=1)
"""After which a notice that a channel does not take is given up."""
_LONGEST_PAUSE = 300.0  # seconds between two tries


@dataclass(frozen=True)
class Outgoing:
    """A notice on its way to one channel.

    Args:
        notice: The notice.
        channel: The channel.
        tries: How often it was tried; the last may have been broken off by a death.
        tried_at: When the last one began.
    """

    notice: Notice
    channel: str
    tries: int = 0
    tried_at: datetime | None = None

    @property
    def field(self) -> str:
        """Its field in the outbox; in their order notices are sent."""
        return f"{self.channel} {self.notice.id}"

    def is_due(self, now: datetime, *, pause: float) -> bool:
        """Whether its next try may begin.

        Args:
            now: The time.
            pause: Seconds after the first try; it is twice as long after each further one.
        """
        if self.tried_at is None:
            return True
        seconds = min(pause * 2 ** min(self.tries - 1, 10), _LONGEST_PAUSE)
        return now - self.tried_at >= timedelta(seconds=seconds)

    def is_too_old(self, now: datetime) -> bool:
        """Whether it is given up."""
        return now - datetime.fromisoformat(self.notice.at) >= GIVEN_UP

    def begun(self, now: datetime) -> "Outgoing":
        """It, with one try more."""
        return replace(self, tries=self.tries + 1, tried_at=now)


@dataclass(frozen=True)
class Store:
    """The alerts in Redis.

    Args:
        connection: Where; it must be allowed to write what begins with `postroom:watch:`.
    """

    connection: redis.Redis
    _scripts: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def take_turn(self, held: str, owner: str, seconds: float) -> str:
        """Take the turn if it is free, or keep it.

        Args:
            held: The turn that one has, or had; empty for none.
            owner: Who wants it.
            seconds: How long it lasts unless it is kept.

        Returns:
            The turn; empty if another process has it.
        """
        told = self._run(
            "turn",
            [watch_keys.alert_turn(), watch_keys.alert_turns()],
            [held, owner, int(seconds * 1000)],
        )
        return text_of(told or b"")

    def give_back(self, turn: str) -> None:
        """Let another process have the turn at once."""
        self._run("give_back", [watch_keys.alert_turn()], [turn])

    def alerts(self) -> Mapping[Key, Alert]:
        """All alerts that are remembered; damaged ones are passed over."""
        stored: Any = self.connection.hgetall(watch_keys.alerts())
        found = [alert for text in stored.values() if (alert := _readable(text))]
        return {alert.key: alert for alert in found}

    def outbox(self) -> Sequence[Outgoing]:
        """What is on its way, channel by channel in its order."""
        stored: Any = self.connection.hgetall(watch_keys.alert_outbox())
        return sorted((_outgoing(text) for text in stored.values()), key=lambda each: each.field)

    def commit(
        self,
        turn: str,
        before: Mapping[Key, Alert],
        after: Mapping[Key, Alert],
        addressed: Sequence[Addressed],
    ) -> bool:
        """Write what came of a look: the alerts, and what has to be sent. All of it or nothing.

        Args:
            turn: Of the process.
            before: The alerts as they were read.
            after: As they are now.
            addressed: What people have to be told.

        Returns:
            False if the turn was lost; then nothing is written.
        """
        changed = {
            _field(key): as_text(alert) for key, alert in after.items() if before.get(key) != alert
        }
        out = [Outgoing(each.notice, name) for each in addressed for name in each.channels]
        given = {
            "changed": changed,
            "gone": [_field(key) for key in before if key not in after],
            "out": {each.field: _stored(each) for each in out},
            "history": [
                json.dumps({**each.notice.as_dict(), "channels": each.channels})
                for each in addressed
            ],
        }
        if not any(given.values()):
            return True
        names = [
            watch_keys.alert_turn(),
            watch_keys.alerts(),
            watch_keys.alert_outbox(),
            watch_keys.alert_history(),
        ]
        return bool(self._run("commit", names, [turn, json.dumps(given), KEPT]))

    def begin(self, turn: str, outgoing: Outgoing) -> bool:
        """Write that a try begins.

        Args:
            turn: Of the process.
            outgoing: With this try counted.

        Returns:
            False if the turn was lost, or if another process has sent it; then it must not be sent.
        """
        names = [watch_keys.alert_turn(), watch_keys.alert_outbox()]
        return bool(self._run("begin", names, [turn, outgoing.field, _stored(outgoing)]))

    def settle(self, outgoing: Outgoing) -> None:
        """Write that a notice was taken, or is given up. Without a turn, too: it is the truth."""
        self.connection.hdel(watch_keys.alert_outbox(), outgoing.field)

    def give_up(self, outgoing: Outgoing, error: str, now: datetime) -> None:
        """Write that a notice will not be sent any more.

        Args:
            outgoing: The notice.
            error: Why the last try failed.
            now: The time.
        """
        notice = replace(outgoing.notice, at=shown_time(now), text=error)
        entry = {**notice.as_dict(), "kind": "undelivered", "channels": [outgoing.channel]}
        names = [watch_keys.alert_outbox(), watch_keys.alert_history()]
        self._run("give_up", names, [outgoing.field, json.dumps(entry), KEPT])

    def history(self, limit: int) -> Sequence[dict[str, Any]]:
        """What people were told, newest first.

        Args:
            limit: How much at most, from 1.

        Returns:
            Notices as JSON has them, each with `channels`; one whose `kind` is `undelivered` was
            given up, and its `text` says why.
        """
        found: Any = self.connection.xrevrange(watch_keys.alert_history(), count=limit)
        return [json.loads(fields[b"entry"]) for _, fields in found]

    def _run(self, name: str, names: Sequence[str], arguments: Sequence[str | int]) -> Any:
        if name not in self._scripts:
            text = script("monitoring.alerts", name)
            self._scripts[name] = self.connection.register_script(text)
        return self._scripts[name](keys=names, args=arguments)


def _field(key: Key) -> str:
    # A rule's name has no space.
    return " ".join(key)


def _readable(text: bytes) -> Alert | None:
    try:
        return alert_of(text)
    except (ValueError, TypeError, KeyError):  # of another release
        return None


def _stored(outgoing: Outgoing) -> str:
    return json.dumps(asdict(outgoing), default=datetime.isoformat)


def _outgoing(text: bytes) -> Outgoing:
    stored = json.loads(text)
    tried = stored["tried_at"]
    return Outgoing(
        notice_of(stored["notice"]),
        stored["channel"],
        stored["tries"],
        None if tried is None else datetime.fromisoformat(tried),
    )
