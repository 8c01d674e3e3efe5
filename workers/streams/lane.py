"""The lane of streams: what a child reads in a consumer group, and where the runs end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import redis
from rq.job import Job

from workers.engine.idle import Idle
from workers.engine.lane import Tools
from workers.engine.run_message import Ending, Messages
from workers.engine.slot import Done
from workers.engine.step import Lease, Step
from workers.engine.steps import Steps
from workers.pauses import pause_field
from workers.run_facts import Place
from workers.stopping import Stop
from workers.streams.bell import StreamBell
from workers.streams.endings import StreamEndings
from workers.streams.entry import Delivery, Entry, delivery_of, is_for_others
from workers.streams.hands import Holder
from workers.streams.leases import StreamLeases, pauses_of
from workers.streams.naming import Naming
from workers.streams.order import StreamOrder
from workers.streams.served import Served
from workers.streams.wire import class_of, value_of

_HELD_SECONDS = 5.0
"""Seconds after which a message of a paused type is looked at again."""


@dataclass(frozen=True)
class Reader:
    """What a consumer reads.

    Args:
        holder: Who reads.
        patterns: The streams: names in which `*` stands for any text.
        worker: Of whom records speak.
        connection: Where.
    """

    holder: Holder
    patterns: Sequence[str]
    worker: str
    connection: redis.Redis

    def of(self, consumer: str) -> "Reader":
        """The same for another consumer.

        Args:
            consumer: Its name.
        """
        return replace(self, holder=replace(self.holder, consumer=consumer))


class StreamLane:
    """What one child takes from streams; see `Lane`.

    Args:
        reader: What it reads.
        tools: The child's.
    """

    def __init__(self, reader: Reader, tools: Tools) -> None:
        settings, group, client = tools.settings, reader.holder.group, reader.connection
        self._settings, self._away = settings, tools.away
        self._naming = Naming(settings.stream_template)
        self.order = StreamOrder(settings.queue_weights, has_limit=reader.holder.tenant_limit > 0)
        self.served = Served(reader.patterns, group, self._naming, self.order, tools.away, client)
        self.leases = StreamLeases(reader.holder, self.order, self.served, client)
        self.endings = StreamEndings(self.leases, self._naming, tools.away)
        place = Place(reader.worker, client, settings, group)
        self.messages = Messages(place, self.endings, tools.lines)
        self.steps = Steps(self.leases, self.served, self, tools.page, tools.away, tools.done)
        bell = StreamBell(self.order, self.served, group, client)
        self.idle = Idle(bell, tools.page, tools.task)

    def finish(self, done: Done) -> None:
        """Nobody waits for an entry; see `Lane`, like all that follow."""

    def quarantine(self, broken: Sequence[Lease], strange: Sequence[bytes]) -> None:
        """Nothing can stand in a stream but entries."""

    def admit_plain(self, lease: Lease, step: Step) -> Delivery | None:
        """Look whether an entry may run, without a question to Redis."""
        entry = _entry(lease)
        if step.paused or step.state == "suspended" or entry.lost or is_for_others(entry):
            return None
        return delivery_of(entry, self._settings)

    def admit(self, lease: Lease, step: Step) -> Delivery | None:
        """Look whether an entry may run."""
        plain = self.admit_plain(lease, step)
        return plain if plain is not None else self._look_closer(_entry(lease), step)

    def _look_closer(self, entry: Entry, step: Step) -> Delivery | None:
        delivery = delivery_of(entry, self._settings)
        if step.state == "suspended" or step.paused.intersection(self._pauses(entry)):
            self._away.insist(lambda: self.leases.hand_back([entry]))
            return None
        if is_for_others(entry):
            self._away.insist(lambda: self.leases.pass_over(entry))
            return None
        kind = _type_of(entry)
        if pause_field("type", kind) in step.paused:
            self.endings.hold(self._ending(entry, delivery, step), kind=kind, delay=_HELD_SECONDS)
            return None
        if entry.lost >= self._settings.stream_delivery_limit:
            why = f"It was delivered {entry.lost} times, and each of its consumers vanished."
            self.endings.refuse(self._ending(entry, delivery, step), "delivery_limit", why)
            return None
        if entry.is_suspect and not self._away.insist(lambda: self.leases.begin(entry)):
            return None
        return delivery

    def run_stock(self, lease: Lease, job: Job) -> None:
        """RQ's own code runs no entries."""
        raise NotImplementedError(f"{lease.job_id} is not a job of RQ: {job}")

    def hand_back(self, rest: Sequence[Lease]) -> None:
        """Give back what was not started."""
        self.leases.hand_back([_entry(lease) for lease in rest])

    @staticmethod
    def asked_for(rest: Sequence[Lease]) -> Sequence[Lease]:
        """Nobody can cancel an entry."""
        del rest
        return ()

    @staticmethod
    def may_start(rest: Sequence[Lease]) -> Sequence[Lease]:
        """All of them."""
        return rest

    def crashed(self, lease: Lease, error: str) -> None:
        """End a run that did not come to its own end."""
        entry = _entry(lease)
        delivery = delivery_of(entry, self._settings)
        run = self.messages.start(entry, delivery, Stop(), now=delivery.enqueued_at)
        self.endings.crashed(entry, run, delivery, error)

    @staticmethod
    def type_of(lease: Lease) -> str:
        """The message type that the entry names."""
        return _type_of(_entry(lease))

    def _pauses(self, entry: Entry) -> Sequence[str]:
        return pauses_of(self._naming.read(entry.list_name))

    def _ending(self, entry: Entry, delivery: Delivery, step: Step) -> Ending[Delivery]:
        run = self.messages.start(entry, delivery, Stop(), now=step.now)
        return Ending(entry, run, delivery)


def _entry(lease: Lease) -> Entry:
    assert isinstance(lease, Entry), "this lane leases nothing else"  # noqa: S101 - for mypy
    return lease


def _type_of(entry: Entry) -> str:
    job_type = (value_of(b"job_type", entry.flat) or b"").decode(errors="replace")
    cls = class_of(job_type)
    return str(cls.model_fields["message_type"].default) if cls else job_type.upper()
