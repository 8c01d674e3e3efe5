"""What becomes of the entries that a child had when it died."""

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from redis.exceptions import ResponseError

from workers import stream_keys
from workers.engine.away import Away
from workers.engine.child_death import ChildDeath
from workers.engine.page import Running
from workers.engine.run_message import Ending, Messages
from workers.engine.stops import Stops
from workers.errors import JobStuck
from workers.run_facts import Place
from workers.sayer import Silent
from workers.settings import Settings
from workers.stopping import Stop
from workers.streams import consumers
from workers.streams.endings import StreamEndings
from workers.streams.ends import success_from
from workers.streams.entry import SUSPECT_AFTER, Entry, delivery_of, entry_of
from workers.streams.hands import Hands
from workers.streams.lane import Reader
from workers.streams.leases import acknowledge
from workers.streams.naming import Naming

_AT_ONCE = 500  # entries in one question


class StreamAftermath:
    """Tidies up for one worker.

    Args:
        reader: What its children read; they differ in the consumer.
        settings: Those of the worker.
        is_leaving: Whether the worker was told to leave.
        stops: The runs that somebody asked to stop.
    """

    def __init__(
        self, reader: Reader, settings: Settings, is_leaving: Callable[[], bool], stops: Stops
    ) -> None:
        self._reader = reader
        self._settings = settings
        self._is_leaving = is_leaving
        self._stops = stops

    def settle(self, death: ChildDeath) -> None:
        """Acknowledge, judge and hand back; see `stable.Aftermath`."""
        reader = self._reader.of(death.horse.holder)
        hands = Hands(reader.holder, reader.connection)
        self._commit_journal(hands, death)
        for run in death.running:
            if self._stops.is_asked(run) or death.is_caused_by(run, leaving=self._is_leaving()):
                self._judge(hands, run, death)
        begun = {(run.list_name, run.execution) for run in death.running}
        for stream in _streams_of(hands):
            while hands.hand_back(_pending(hands, stream, begun)):
                pass
        names = [reader.holder.consumer]
        consumers.leave(reader.holder.group, names, connection=reader.connection)

    @staticmethod
    def _commit_journal(hands: Hands, death: ChildDeath) -> None:
        journal = death.horse.page.journal()
        # A step of its may have been done whose answer it did not live to hear.
        done = [run for run in journal if hands.holds_id(*success_from(run))]
        if done:
            acknowledge(hands.holder, done, connection=hands.connection)
        death.horse.page.clear()

    def _judge(self, hands: Hands, run: Running, death: ChildDeath) -> None:
        entry = _entry_again(hands, run)
        if entry is None:
            return
        delivery, settings = delivery_of(entry, self._settings), self._settings
        place = Place(self._reader.worker, hands.connection, settings)
        away = Away(self._reader.worker)
        endings = StreamEndings(hands, Naming(settings.stream_template), away)
        messages = Messages(place, endings, Silent())
        error = self._limit_of(run, death)
        if error is not None:
            messages.judge_killed(entry, delivery, error, now=time.time())
            return
        begun = messages.start(entry, delivery, Stop(), now=time.time())
        if self._stops.is_asked(run):
            endings.stop(Ending(entry, begun, delivery))
        else:
            endings.crashed(entry, begun, delivery, death.words)

    def _limit_of(self, run: Running, death: ChildDeath) -> BaseException | None:
        """What it did not keep to; None if it crashed, or was stopped for good."""
        if self._stops.runs_again(run):
            return JobStuck(run.seconds)
        return None if self._stops.is_asked(run) else death.killed_for


def _entry_again(hands: Hands, run: Running) -> Entry | None:
    """What a run was given; None if it is somebody else's by now, or its content is gone."""
    stream, entry_id = run.list_name, run.execution
    if not hands.holds_id(stream, entry_id):
        return None
    found: Any = hands.connection.xrange(stream, entry_id, entry_id)
    if not found:
        return None
    flat = [part for pair in found[0][1].items() for part in pair]
    return entry_of(stream, found[0][0], flat, hands.holder.group)


def _streams_of(hands: Hands) -> Sequence[str]:
    holder = hands.holder
    stored: Any = hands.connection.smembers(stream_keys.consumes(holder.group, holder.consumer))
    return [key.decode(errors="replace") for key in stored]


def _pending(hands: Hands, stream: str, begun: Collection[tuple[str, str]]) -> Sequence[Entry]:
    holder = hands.holder
    try:
        found: Any = hands.connection.xpending_range(
            stream, holder.group, "-", "+", _AT_ONCE, holder.consumer
        )
    except ResponseError:  # the group is gone, or the stream
        return ()
    entries = []
    for each in found:
        entry_id, lost = each["message_id"], each["times_delivered"]
        # A suspect counts once it is begun; others count when they are read or claimed.
        if lost <= SUSPECT_AFTER or (stream, entry_id.decode()) in begun:
            lost -= 1
        entries.append(entry_of(stream, entry_id, (), holder.group, lost))
    return entries
