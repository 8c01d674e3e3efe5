"""Looks at the rules again and again, in one process among many, and sends what is new.

Who has the turn looks; the others only ask for it. When the one that has it dies, another has it
within some seconds, and goes on from what stands in Redis.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Sequence
from datetime import datetime

import redis

from messages import PostroomError
from monitoring.alert_channels import write_taken
from monitoring.alerts.causes import read_causes
from monitoring.alerts.channels import read_channels
from monitoring.alerts.delivery import Delivery
from monitoring.alerts.errors import ChannelNotFound
from monitoring.alerts.evaluation import evaluate
from monitoring.alerts.facts import AREAS, Area, gather
from monitoring.alerts.notice import notices, trial
from monitoring.alerts.rules import read_rules
from monitoring.alerts.settings import AlertSettings
from monitoring.alerts.store import Store
from monitoring.answers import server_time
from workers.clock import Clock
from workers.connection import storage_errors
from workers.logger import get_logger
from workers.settings import Settings

log = get_logger("postroom.alerts")

TURN_SECONDS = 6.0
"""How long a turn lasts unless it is kept: so soon another process takes over from a dead one."""
_ASKED_IN_A_TURN = 3
_LONGEST_SEND = 30.0  # seconds that `tick` and `stop` wait for what is being sent


class Alerter:
    """Evaluates rules and sends alerts.

    Args:
        connection: Where alerts stand, and what is looked at.
        settings: Thresholds, channels and the file of rules.
        engine: The engine's settings: queues, limits, the name of the installation.
        reading: A replica to look at instead; None means `connection`.
        clock: The time; None asks the server, so that all processes have the same.
        turn_seconds: How long a turn lasts unless it is kept, above 0.

    Raises:
        SettingInvalid: If a channel cannot be used.
        InvalidRules: If the file of rules cannot be used.
    """

    def __init__(  # noqa: PLR0913 - all by name, and most have a default
        self,
        *,
        connection: redis.Redis,
        settings: AlertSettings,
        engine: Settings,
        reading: redis.Redis | None = None,
        clock: Clock | None = None,
        turn_seconds: float = TURN_SECONDS,
    ) -> None:
        self.channels = read_channels(settings)
        self.rules = read_rules(settings, self.channels)
        self._settings, self._engine = settings, engine
        self._reading = reading or connection
        self._store = Store(connection)
        self._clock = clock or self._server_time
        # As long as another process may take to notice that it lost its turn.
        self._delivery = Delivery(self._store, self.channels, self._clock, turn_seconds)
        self._turn_seconds = turn_seconds
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._turn = ""
        self._read_at: dict[int, float] = {}  # by the place of an area, when it was last read
        self._looked_at = float("-inf")
        self._looks = 0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Go on by itself, in a thread that does not keep the process alive, until `stop`."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="alerter", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread, and let another process have the turn at once; within some seconds."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_LONGEST_SEND)
            self._thread = None
        if self._delivery.wait(_LONGEST_SEND) and self._turn:
            self._give_back()

    def tick(self) -> bool:
        """Look once, and send what is due; returns when it was sent.

        Returns:
            False if another process has the turn; then nothing was done.

        Raises:
            StorageUnavailable: If Redis does not answer.
            StorageRefused: If it does not let us read or write.
        """
        with storage_errors():
            if not self._has_turn():
                return False
            self._look(AREAS)
            self._delivery.begin(self._turn)
        self._delivery.wait(_LONGEST_SEND)
        return True

    def send_test(self, channel: str) -> None:
        """Send a test to a channel, now and from this process; no turn is needed.

        Args:
            channel: Its name.

        Raises:
            ChannelNotFound: If there is no such channel.
            ChannelFailed: If it did not take it.
        """
        found = self.channels.get(channel)
        if found is None:
            raise ChannelNotFound.named(channel, self.channels)
        now = self._clock()
        where = self._engine.environment
        found.send(trial(channel, turn=secrets.token_hex(4), installation=where, now=now))
        write_taken(channel, now, self._store.connection)

    def _give_back(self) -> None:
        turn, self._turn = self._turn, ""
        try:
            with storage_errors():
                self._store.give_back(turn)
        except PostroomError as error:  # the turn ends by itself
            log.warning("alerts_turn_kept", error=error.message)

    def _run(self) -> None:
        told = ""
        while not self._stopping.is_set():
            try:
                with storage_errors():
                    self._beat()
                told = ""
            except PostroomError as error:
                if error.message != told:  # Redis may be away for hours
                    log.warning("alerts_not_evaluated", error=error.message)
                told = error.message
            except Exception:  # whatever it was, the next look may succeed
                log.exception("alerts_not_evaluated")
            self._stopping.wait(self._turn_seconds / _ASKED_IN_A_TURN)

    def _beat(self) -> None:
        if not self._has_turn():
            return
        now = time.monotonic()
        if now - self._looked_at >= self._settings.alert_seconds:
            self._looked_at = now
            self._look(self._due(now))
        self._delivery.begin(self._turn)

    def _has_turn(self) -> bool:
        before = self._turn
        self._turn = self._store.take_turn(before, self._owner, self._turn_seconds)
        if self._turn and self._turn != before:
            log.info("alerts_turn_taken", turn=self._turn)
        return bool(self._turn)

    def _due(self, now: float) -> Sequence[Area]:
        due = [
            (place, area)
            for place, area in enumerate(AREAS)
            if now - self._read_at.get(place, float("-inf")) >= area.seconds
        ]
        self._read_at |= {place: now for place, _ in due}
        return [area for _, area in due]

    def _look(self, areas: Sequence[Area]) -> None:
        wanted = {rule.metric for rule in self.rules}
        self._looks += 1
        now = self._clock()
        facts = gather(
            wanted,
            connection=self._reading,
            settings=self._engine,
            now=now,
            areas=areas,
            watching=self._store.connection,
        )
        before = self._store.alerts()
        found = evaluate(facts, self.rules, before, now=now)
        addressed = notices(
            found.events,
            causes=read_causes(found.events, connection=self._reading, settings=self._engine),
            channels=tuple(self.channels),
            turn=f"{self._turn.partition(' ')[0]}.{self._looks:07d}",
            installation=self._engine.environment,
            now=now,
        )
        if not self._store.commit(self._turn, before, found.alerts, addressed):
            self._turn = ""
            return
        for each in addressed:
            log.info("alert_told", rule=each.notice.rule, title=each.notice.title)

    def _server_time(self) -> datetime:
        return server_time(self._store.connection.time())
