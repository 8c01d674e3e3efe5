"""The memory that a worker and its child share: what runs, since when, and what is done.

The child writes what it does, without a system call; the worker looks at it now and then, and reads
it when the child has died. Each word is written by one side only.
"""

import mmap
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass

_WORDS = struct.Struct("=qqdq")  # succeeded, failed, seconds, others
_STOP = struct.Struct("=B")
_SLOT = struct.Struct("=ddHH")  # started, limit, length and place of the token
_LONGEST = 1_200  # bytes of a list's name, a job's id (255 at most) and an execution
_LENGTH = struct.Struct("=q")
_TIME = struct.Struct("=d")

_STOP_AT = 0
_LEFT_AT = 4
_LISTENS_AT = 5
_WORDS_AT = 8
_LENGTHS_AT = (64, 72)  # of the two parts of the journal
_SLOTS_AT = 128
_PLACES = 2  # of tokens, by turns: one that is being read is not the one that is written
_SLOT_BYTES = _SLOT.size + _PLACES * _LONGEST

JOURNAL_BYTES = 4_000_000
"""Room for runs that are done and not committed, in two parts: a step on its way, and after it."""
_PART_BYTES = JOURNAL_BYTES // 2


@dataclass(frozen=True)
class Running:
    """A job that a child is running.

    Args:
        list_name: The list it was in.
        job_id: Its id.
        execution: Its run.
        started: When, by the monotonic clock, which all processes of a machine share.
        limit: Seconds that it may take; 0 means as long as it likes.
        slot: Where it runs.
        is_stock: Whether RQ's own code runs it.
    """

    list_name: str
    job_id: str
    execution: str
    started: float
    limit: float
    slot: int
    is_stock: bool

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self.started


@dataclass
class Count:
    """Runs that are over. Not frozen: a child counts with one.

    Args:
        succeeded: How many did.
        failed: How many did not, also those that are tried again.
        seconds: The time that all of them took.
        others: Jobs that RQ's own code ran, and counted itself.
    """

    succeeded: int = 0
    failed: int = 0
    seconds: float = 0.0
    others: int = 0

    def __sub__(self, other: "Count") -> "Count":
        return Count(
            self.succeeded - other.succeeded,
            self.failed - other.failed,
            self.seconds - other.seconds,
            self.others - other.others,
        )


class Page:
    """The shared memory of one child.

    Args:
        slots: How many jobs may run at the same time.
        memory: What to lay it out in; None means new memory that a forked child shares.
    """

    def __init__(self, slots: int, memory: mmap.mmap | None = None) -> None:
        self.slots = slots
        self._journal = _SLOTS_AT + slots * _SLOT_BYTES
        # Of each slot, the start of the run that is to end, and of the last one that RQ's code ran.
        self._to_end = self._journal + JOURNAL_BYTES
        self._stock = self._to_end + slots * _TIME.size
        self.memory = memory or mmap.mmap(-1, self.size(slots))
        self._places = [0] * slots
        self._part = 0
        self._written = 0

    @staticmethod
    def size(slots: int) -> int:
        """Bytes that a page needs."""
        return _SLOTS_AT + slots * (_SLOT_BYTES + 2 * _TIME.size) + JOURNAL_BYTES

    # --- the worker's word ----------------------------------------------------------------------

    def ask_to_stop(self) -> None:
        """Let the child end what it runs, hand back the rest and leave."""
        _STOP.pack_into(self.memory, _STOP_AT, 1)

    def ask_to_recycle(self) -> None:
        """Let the child end its batch and leave, for another one to take over."""
        if not self.is_to_stop:
            _STOP.pack_into(self.memory, _STOP_AT, 2)

    @property
    def is_to_recycle(self) -> bool:
        """Whether the worker wants another child."""
        return self.memory[_STOP_AT] == 2  # noqa: PLR2004 - as above

    @property
    def is_to_stop(self) -> bool:
        """Whether the worker wants the child to leave."""
        return self.memory[_STOP_AT] == 1

    def ask_to_end(self, run: Running) -> None:
        """Let what runs in a slot end, if it is still that.

        Args:
            run: As `running` shows it.
        """
        _TIME.pack_into(self.memory, self._to_end + run.slot * _TIME.size, run.started)

    def ask_to_run_again(self, run: Running) -> None:
        """Let what runs in a slot end, if it is still that, and its job run again.

        Args:
            run: As `running` shows it.
        """
        # One word, so that nobody sees one half of it: below zero says the rest.
        _TIME.pack_into(self.memory, self._to_end + run.slot * _TIME.size, -run.started)

    def is_to_end(self, slot: int) -> bool:
        """Whether the worker wants what runs in a slot to end.

        Args:
            slot: The slot.
        """
        asked = self._asked(slot)
        return bool(asked and abs(asked) == self._started(slot))

    def is_to_run_again(self, slot: int) -> bool:
        """Whether the worker wants what runs in a slot to end, and its job to run again.

        Args:
            slot: The slot.
        """
        return self._asked(slot) < 0 and self.is_to_end(slot)

    def _asked(self, slot: int) -> float:
        asked: float = _TIME.unpack_from(self.memory, self._to_end + slot * _TIME.size)[0]
        return asked

    # --- the child's words ----------------------------------------------------------------------

    def listen(self) -> None:
        """Say that a signal finds the child prepared."""
        _STOP.pack_into(self.memory, _LISTENS_AT, 1)

    @property
    def listens(self) -> bool:
        """Whether a signal finds the child prepared."""
        return self.memory[_LISTENS_AT] == 1

    def mark_stock(self, slot: int) -> None:
        """Say that RQ's own code runs what has just started in a slot.

        Args:
            slot: The slot.
        """
        _TIME.pack_into(self.memory, self._stock + slot * _TIME.size, self._started(slot))

    def leave(self, code: int) -> None:
        """Say that the child ends because it means to, which an exit code alone does not prove.

        Args:
            code: Its exit code.
        """
        _STOP.pack_into(self.memory, _LEFT_AT, code + 1)

    def has_left(self, code: int | None) -> bool:
        """Whether the child meant to end with this exit code."""
        return code is not None and bool(_STOP.unpack_from(self.memory, _LEFT_AT)[0] == code + 1)

    def start(self, slot: int, name: bytes, limit: float) -> None:
        """A job starts. That of the same slot before it is over, whether anybody said so or not.

        Args:
            slot: Which of the jobs at the same time, from 0.
            name: Its list, id and execution, with line feeds between.
            limit: Seconds that it may take; 0 or less means as long as it likes.
        """
        at = _SLOTS_AT + slot * _SLOT_BYTES
        place = self._places[slot] = not self._places[slot]
        token = at + _SLOT.size + place * _LONGEST
        self.memory[token : token + len(name)] = name
        _SLOT.pack_into(self.memory, at, time.monotonic(), limit, len(name), place)

    def end(self, slot: int) -> None:
        """The job of a slot is over."""
        _SLOT.pack_into(self.memory, _SLOTS_AT + slot * _SLOT_BYTES, 0.0, 0.0, 0, 0)

    def count(self, done: "Count") -> None:
        """Say how much was done in all.

        Args:
            done: Since the child began.
        """
        _WORDS.pack_into(
            self.memory, _WORDS_AT, done.succeeded, done.failed, done.seconds, done.others
        )

    @property
    def done(self) -> "Count":
        """What was done since the child began."""
        return Count(*_WORDS.unpack_from(self.memory, _WORDS_AT))

    def running(self) -> Sequence[Running]:
        """The jobs that run now."""
        found = (self._slot(slot) for slot in range(self.slots))
        return [each for each in found if each is not None]

    def _started(self, slot: int) -> float:
        started: float = _SLOT.unpack_from(self.memory, _SLOTS_AT + slot * _SLOT_BYTES)[0]
        return started

    def _slot(self, slot: int) -> Running | None:
        at = _SLOTS_AT + slot * _SLOT_BYTES
        while True:
            head = self.memory[at : at + _SLOT.size]
            started, limit, length, place = _SLOT.unpack(head)
            if not started or not length:  # the length is written last: the job is just starting
                return None
            token = at + _SLOT.size + place * _LONGEST
            name = self.memory[token : token + length]
            if self.memory[at : at + _SLOT.size] == head:  # the child did not write meanwhile
                parts = name.decode(errors="surrogateescape").rsplit("\n", 2)
                stock = _TIME.unpack_from(self.memory, self._stock + slot * _TIME.size)[0]
                token_of = (parts[0], parts[1], parts[2])
                return Running(*token_of, started, max(limit, 0.0), slot, stock == started)

    # --- the journal ----------------------------------------------------------------------------

    def write(self, run: bytes) -> None:
        """Note a run that is done, in case this process dies before it is committed.

        Args:
            run: As `ends.success` makes it, without line feeds. One that is too large for the
                journal is not noted, and its job may run again.
        """
        end = self._written + len(run) + 1
        if end > _PART_BYTES:
            return
        begin = self._journal + self._part * _PART_BYTES
        self.memory[begin + self._written : begin + end] = run + b"\n"
        _LENGTH.pack_into(self.memory, _LENGTHS_AT[self._part], end)
        self._written = end

    def turn(self) -> None:
        """A step with all that was noted is on its way. What is noted from now on is not in it."""
        self._part = 1 - self._part
        self._written = 0

    def clear_older(self) -> None:
        """That step has arrived."""
        _LENGTH.pack_into(self.memory, _LENGTHS_AT[1 - self._part], 0)

    def clear(self) -> None:
        """All that was noted is committed."""
        self._written = 0
        for at in _LENGTHS_AT:
            _LENGTH.pack_into(self.memory, at, 0)

    def journal(self) -> Sequence[bytes]:
        """The runs that are done and perhaps not committed."""
        return [run for part in range(len(_LENGTHS_AT)) for run in self._noted(part)]

    def _noted(self, part: int) -> Sequence[bytes]:
        length = _LENGTH.unpack_from(self.memory, _LENGTHS_AT[part])[0]
        begin = self._journal + part * _PART_BYTES
        return self.memory[begin : begin + length].split(b"\n")[:-1]
