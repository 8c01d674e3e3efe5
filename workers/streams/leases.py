"""The steps of a consumer: what is done is acknowledged, what comes next is claimed and read."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import redis
from redis.exceptions import NoScriptError, ResponseError

from workers import keys
from workers.engine.groups import in_groups
from workers.engine.step import Step
from workers.engine.steps import Hear
from workers.logger import get_logger
from workers.pauses import pause_field
from workers.streams.entry import SUSPECT_AFTER, Entry, entry_of
from workers.streams.hands import Hands, Holder, registered
from workers.streams.naming import StreamName
from workers.streams.order import StreamOrder, StreamTurn
from workers.streams.served import Served
from workers.streams.wire import class_of
from workers.wire import Stored, ask, exchange, packed

log = get_logger("postroom.streams")


class StreamLeases(Hands):
    """The entries of one consumer that reads.

    Args:
        holder: The consumer.
        order: Whose streams are read; is told what came of each turn.
        served: Is told which streams cannot be read.
        connection: Where.
    """

    def __init__(
        self, holder: Holder, order: StreamOrder, served: Served, connection: redis.Redis
    ) -> None:
        super().__init__(holder, connection)
        self.order = order
        self.served = served
        self._number = 0
        self._sent = ""
        self._paused: frozenset[str] = frozenset()
        self._known_version, self._told_version = -1, -1
        self._step = registered("step", connection)

    def next_number(self) -> str:
        """The number of a step that was not tried before."""
        self._number += 1
        return format(self._number, "x")

    def step(
        self, number: str, wanted: int, runs: Sequence[bytes], turns: tuple[StreamTurn, ...]
    ) -> Step:
        """Acknowledge runs that succeeded, and take the next entries, in one round trip.

        Safe to repeat with the same arguments if the answer did not arrive.

        Args:
            number: See `next_number`.
            wanted: How many entries; from 0. There may be some more.
            runs: What `ends.success` made of each.
            turns: The streams in the order in which they are served.

        Returns:
            What came of it.
        """
        is_repeated, self._sent = self._sent == number, number
        read = [*turns] if is_repeated else self._hot(turns)
        reads = [self._read(turn, wanted if is_repeated else 0) for turn in read]
        command = self._command(number, wanted, runs, turns) + b"".join(reads)
        try:
            answers = exchange(self.connection, command, 1 + len(reads))
        except NoScriptError:
            answers = []
        if not answers or isinstance(answers[0], NoScriptError):
            self.connection.script_load(self._step.script)
            answers = exchange(self.connection, command, 1 + len(reads))
        return self._step_of(answers, turns, read)

    def ask(
        self, number: str, wanted: int, runs: Sequence[bytes], turns: tuple[StreamTurn, ...]
    ) -> Hear | None:
        """Send a step, and do something else before its answer is heard; see `engine.leases`."""
        read = self._hot(turns)
        reads = [self._read(turn) for turn in read]
        command = self._command(number, wanted, runs, turns) + b"".join(reads)
        self._sent = number
        hear = ask(self.connection, command, 1 + len(reads))
        return None if hear is None else lambda: self._step_of(hear(), turns, read)

    # --- what a step asks, and what it is answered ----------------------------------------------

    def _command(
        self, number: str, wanted: int, runs: Sequence[bytes], turns: tuple[StreamTurn, ...]
    ) -> bytes:
        holder = self.holder
        self._told_version = self.served.version
        is_new = self._told_version != self._known_version or self.order.is_sliced
        rules = _rules(holder, number, wanted, runs, is_new=is_new)
        head = ("EVALSHA", self._step.sha, 0, *rules)
        tail = b"".join(_packed_turn(turn, self._name(turn)) for turn in turns)
        count = len(head) + 5 * len(turns)
        return b"*%d\r\n%b%b" % (count, packed(head), tail)

    def _step_of(
        self, answers: Sequence[Any], turns: Sequence[StreamTurn], read: Sequence[StreamTurn]
    ) -> Step:
        if isinstance(answers[0], ResponseError):
            raise answers[0]
        state, now, refused, paused, claimed, trimmed, found, broken = answers[0]
        self._known_version = self._told_version
        self._paused = frozenset(entry.decode() for entry in paused)
        leased = [
            entry_of(turns[at - 1].list_name, entry, flat, self.holder.group, lost)
            for at, entry, lost, flat in claimed
        ]
        taken = [(turns[at - 1], entries) for at, entries in found]
        failed = [(turns[at - 1], error.decode()) for at, error in broken]
        for turn, answer in zip(read, answers[1:], strict=True):
            if isinstance(answer, ResponseError):
                failed.append((turn, str(answer)))
            else:
                taken.append((turn, _entries_in(answer)))
        self._note(turns, taken, failed, trimmed)
        leased += self._new(taken)
        self._held.update((each.list_name, each.execution) for each in leased)
        return Step(
            state=state.decode(),
            now=now / 1000,
            refused=[place - 1 for place in refused],
            awaited=(),
            broken=(),
            strange=(),
            paused=self._paused,
            leased=leased,
        )

    def _new(self, taken: Sequence[tuple[StreamTurn, Sequence[Any]]]) -> Iterator[Entry]:
        group, held = self.holder.group, self._held
        for turn, entries in taken:
            stream = turn.list_name
            for entry_id, flat in entries:
                entry = entry_of(stream, entry_id, flat or (), group)
                if (stream, entry.execution) not in held:
                    yield entry

    def _note(
        self,
        turns: Sequence[StreamTurn],
        taken: Sequence[tuple[StreamTurn, Sequence[Any]]],
        failed: Sequence[tuple[StreamTurn, str]],
        trimmed: Sequence[Any],
    ) -> None:
        counts = {turn.list_name: len(entries) for turn, entries in taken}
        for turn in turns:
            if turn.is_hot or turn.list_name in counts:
                self.order.saw(turn, counts.get(turn.list_name, 0))
        for turn, error in failed:
            self.served.drop(turn.list_name, error)
        if trimmed:
            shown = [b" ".join(each).decode() for each in trimmed[:10]]
            log.error("payload_trimmed", entries=len(trimmed), first=shown, remedy=_TRIMMED)

    def _hot(self, turns: Sequence[StreamTurn]) -> Sequence[StreamTurn]:
        return [
            turn
            for turn in turns
            if turn.is_hot and not self._paused.intersection(pauses_of(self._name(turn)))
        ]

    def _read(self, turn: StreamTurn, wanted: int = 0) -> bytes:
        """The command that reads new entries, or, after a lost answer, those that are ours.

        Args:
            turn: The stream.
            wanted: How many may have been lost with the answer; 0 if none was.
        """
        holder = self.holder
        if not wanted:
            return _packed_read(holder.group, holder.consumer, turn.list_name, turn.most, ">")
        count = len(self._held) + 2 * max(wanted, turn.most)
        return _packed_read(holder.group, holder.consumer, turn.list_name, count, "0")

    def _name(self, turn: StreamTurn) -> StreamName:
        return self.order.names[turn.list_name]


_TRIMMED = (
    "Somebody trimmed what nobody had finished; publish never does. Look for XTRIM or MAXLEN."
)


def _entries_in(answer: Any) -> Sequence[Any]:
    """The entries in the answer of XREADGROUP for one stream, by either protocol."""
    if not answer:
        return ()
    return next(iter(answer.values())) if isinstance(answer, Mapping) else answer[0][1]


def pauses_of(name: StreamName) -> Sequence[str]:
    """The pauses that stop a stream: of itself, of its family, of its tenant, of its type.

    Args:
        name: What its key says.
    """
    cls = class_of(name.job_type) if name.job_type else None
    found = [pause_field("queue", name.base), pause_field("queue", name.family)]
    if name.tenant:
        found.append(pause_field("tenant", name.tenant))
    if cls is not None:
        found.append(pause_field("type", cls.model_fields["message_type"].default))
    return found


@lru_cache(maxsize=10_000)  # the same ones come again and again
def _packed_turn(turn: StreamTurn, name: StreamName) -> bytes:
    most = 0 if turn.is_hot else turn.most
    stat = f"{name.family}|{_UNKNOWN}"
    return packed((turn.list_name, "\n".join(pauses_of(name)), stat, name.tenant, most))


@lru_cache(maxsize=10_000)
def _packed_read(group: str, consumer: str, stream: str, most: int, after: str) -> bytes:
    parts = ("XREADGROUP", "GROUP", group, consumer, "COUNT", most, "STREAMS", stream, after)
    return b"*%d\r\n%b" % (len(parts), packed(parts))


_UNKNOWN = "unknown"


def acknowledge(holder: Holder, runs: Sequence[bytes], *, connection: redis.Redis) -> None:
    """Acknowledge what a consumer has done that is gone. Safe to repeat.

    Args:
        holder: The consumer.
        runs: What `ends.success` made of each.
        connection: Where.
    """
    step = registered("step", connection)
    step(args=[*_rules(holder, "journal", 0, runs, is_new=False)])


def _rules(
    holder: Holder, number: str, wanted: int, runs: Sequence[bytes], *, is_new: bool
) -> Sequence[Stored]:
    return (
        *(keys.our_prefix(), keys.suspended(), holder.group, holder.consumer),
        *(int(holder.seconds * 1000), number, wanted, SUSPECT_AFTER),
        *(int(holder.is_fenced), int(is_new), holder.tenant_limit, in_groups(runs)),
    )
