"""What a worker of streams does on clocks of its own, however long its child's messages take."""

import os
import platform
import resource
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any

from workers.engine.away import Away
from workers.engine.clocks import Clock, Clocks
from workers.engine.horse import Horse
from workers.engine.page import Count, Page, Running
from workers.engine.stops import Stops
from workers.logger import get_logger
from workers.published import publish
from workers.release import code_version
from workers.settings import Settings
from workers.streams import consumers, delayed
from workers.streams.known import Search
from workers.streams.lane import Reader
from workers.streams.naming import Naming
from workers.streams.orders import SHOWN_RUNS, Order, run_line, take_orders
from workers.streams.watch import Watch

log = get_logger("postroom.streams")

_PUBLISH_EVERY = 300.0  # seconds
_SEARCH_PART_EVERY = 0.2  # seconds between two parts: 1 ms each is well below 1 % of Redis' time
_KEPT_FOR = 3  # lives of a lease, for which a consumer's own words are kept


class StreamKeeper:
    """The clocks of one worker.

    Args:
        reader: What its children read.
        settings: The intervals.
        stops: Is told which runs are to end.
    """

    def __init__(self, reader: Reader, settings: Settings, stops: Stops) -> None:
        self.horse: Horse | None = None
        self.done = Count()
        """What children have done that are gone."""
        self._reader = reader
        self._settings = settings
        self._stops = stops
        self._group = reader.holder.group
        self._version = code_version(settings.code_version)
        self._born = time.time()
        client = reader.connection
        self._search = Search(reader.patterns, Naming(settings.stream_template), client)
        self._searching = Clock(settings.stream_scan_seconds, self._search_on)
        self._watch = Watch(reader.patterns, self._group, settings, client)
        clocks = [
            Clock(settings.heartbeat_seconds, self._heartbeat),
            Clock(settings.reap_seconds, self._reap),
            Clock(settings.promote_seconds, self._promote),
            Clock(settings.stream_watch_seconds, self._look),
            Clock(_PUBLISH_EVERY, self._publish),
            self._searching,
        ]
        self._clocks = Clocks(clocks, Away(reader.worker))

    def turn(self) -> None:
        """Do what is due."""
        self._clocks.turn(_nothing)

    def count(self, page: Page) -> None:
        """Remember what a child has done that is gone now.

        Args:
            page: Of the child.
        """
        done = page.done
        self.done = Count(
            self.done.succeeded + done.succeeded,
            self.done.failed + done.failed,
            self.done.seconds + done.seconds,
        )

    def _heartbeat(self) -> bool:
        horse, holder, client = self.horse, self._reader.holder, self._reader.connection
        if horse is not None:
            consumers.keep_alive(
                self._group, [horse.holder], seconds=holder.seconds, connection=client
            )
            kept = holder.seconds * _KEPT_FOR
            facts = self._facts(horse)
            consumers.tell(self._group, horse.holder, facts, seconds=kept, connection=client)
            for order in take_orders(self._group, horse.holder, connection=client):
                self._obey(order, horse)
        return False

    def _obey(self, order: Order, horse: Horse) -> None:
        for run in horse.page.running():
            if (run.list_name, run.execution) == (order.stream, order.entry_id):
                (self._stops.ask if order.action == "stop" else self._stops.ask_again)(run)

    def _facts(self, horse: Horse) -> dict[str, Any]:
        running = horse.page.running()
        done = horse.page.done
        return {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "child_pid": horse.pid,
            "worker": self._reader.worker,
            "patterns": ",".join(self._reader.patterns),
            "started_at": round(self._born, 3),
            "succeeded": self.done.succeeded + done.succeeded,
            "failed": self.done.failed + done.failed,
            "running": " ".join(each.job_id for each in running[:10]),
            "running_count": len(running),
            "runs": "\n".join(_longest(running)),
            "stream": running[0].list_name if running else "",
            "since": round(time.time() - running[0].seconds, 3) if running else "",
            "memory_mb": round(horse.memory_mb(), 1),
            "cpu_seconds": round(
                horse.cpu_seconds() + resource.getrusage(resource.RUSAGE_SELF).ru_utime, 3
            ),
            "code_version": self._version,
            "python_version": platform.python_version(),
            "slots": self._settings.concurrency,
            "lease_seconds": self._reader.holder.seconds,
        }

    def _reap(self) -> bool:
        found, left = consumers.reap(self._group, connection=self._reader.connection)
        if left:
            log.warning("consumers_vanished", group=self._group, consumers=list(left))
        return found >= consumers.AT_ONCE

    def _promote(self) -> bool:
        return delayed.promote(connection=self._reader.connection) >= delayed.AT_ONCE

    def _look(self) -> bool:
        self._watch.look()
        return False

    def _search_on(self) -> bool:
        is_more = self._search.go_on()
        every = _SEARCH_PART_EVERY if is_more else self._settings.stream_scan_seconds
        self._searching.every = every
        return False

    def _publish(self) -> bool:
        publish(self._version, connection=self._reader.connection)
        return False


def _longest(running: Sequence[Running]) -> Iterator[str]:
    now = time.time()
    for each in sorted(running, key=lambda run: run.seconds, reverse=True)[:SHOWN_RUNS]:
        yield run_line(each.list_name, each.execution, now - each.seconds)


def _nothing() -> None:
    """There is nothing to do each time."""
