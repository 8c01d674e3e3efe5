"""Leases of jobs: taken, ended and handed back, each by one script that checks who holds them.

A job is leased to a holder: one life of a child, or a worker that took over from a dead one. Until
the lease is ended the job stands below its holder, and in RQ's registry of started jobs.
"""

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import uuid4

import redis
from redis.exceptions import NoScriptError

from workers import keys
from workers.clock import iso
from workers.engine.groups import in_groups
from workers.engine.order import Turn
from workers.engine.step import Lease, Step, step_of
from workers.engine.steps import Hear
from workers.pauses import pause_field
from workers.routing import queue_of
from workers.scripts import script
from workers.wire import Stored, ask, exchange, packed, result_of


def new_holder() -> str:
    """A name for one life of a child or a worker: 32 hexadecimal digits.

    With fewer, a token would have less than 65 bytes, and Redis would keep up to 128 of them in a
    sorted set that it searches from end to end for each.
    """
    return uuid4().hex


class Leases:
    """The leases of one holder.

    Args:
        holder: See `new_holder`.
        worker: The worker's name, for RQ's records.
        lease_seconds: How long they last without a sign of life.
        keep_finished: Finished jobs without a result that each list keeps.
        keep_payload: Whether finished jobs keep their message.
        connection: Where.
    """

    def __init__(  # noqa: PLR0913 - the facts of a holder
        self,
        holder: str,
        *,
        worker: str,
        lease_seconds: float,
        keep_finished: int,
        keep_payload: bool = True,
        connection: redis.Redis,
    ) -> None:
        self.holder = holder
        self.worker = worker
        self.connection = connection
        self._length = int(lease_seconds * 1000)
        self._number = 0
        self._step = _registered("step", connection)
        always = (worker, self._length, keep_finished, int(keep_payload))
        self._step_begins = _Packed.of("EVALSHA", self._step.sha, 0, *self._who(), *always)
        self._again = _registered("again", connection)
        self._hand_back = _registered("hand_back", connection)
        self._take_over = connection.register_script(script("workers.engine", "take_over"))
        self._keep = connection.register_script(script("workers.engine", "keep"))
        self._resign = connection.register_script(script("workers.engine", "resign"))
        self._show = connection.register_script(script("workers.engine", "show"))

    def next_number(self) -> str:
        """The number of a step that was not tried before."""
        self._number += 1
        return format(self._number, "x")

    def step(self, number: str, wanted: int, runs: Sequence[bytes], turns: Sequence[Turn]) -> Step:
        """Commit runs that succeeded, and lease the next jobs, in one round trip.

        Safe to repeat with the same arguments if the answer did not arrive.

        Args:
            number: See `next_number`.
            wanted: How many jobs to lease; from 0.
            runs: What `ends.success` made of each.
            turns: The lists in the order in which they are served.

        Returns:
            What came of it.
        """
        command = self._step_command(number, wanted, runs, turns)
        try:
            answer = result_of(exchange(self.connection, command, 1))
        except NoScriptError:
            self.connection.script_load(self._step.script)
            answer = result_of(exchange(self.connection, command, 1))
        return step_of(answer, f"{self.holder}-{number}", turns)

    def ask(
        self, number: str, wanted: int, runs: Sequence[bytes], turns: Sequence[Turn]
    ) -> Hear | None:
        """Send a step, and do something else before its answer is heard.

        Args:
            number: As for `step`.
            wanted: As for `step`.
            runs: As for `step`.
            turns: As for `step`.

        Returns:
            What waits for the answer, and raises redis.RedisError if it does not come; None if
            nothing was sent. Then, and after an error, the same step is to be made with `step`.

        Raises:
            redis.RedisError: If Redis cannot be reached.
        """
        hear = ask(self.connection, self._step_command(number, wanted, runs, turns), 1)
        if hear is None:
            return None
        execution = f"{self.holder}-{number}"
        return lambda: step_of(result_of(hear()), execution, turns)

    def again(self, lease: Lease, arguments: Sequence[str | float]) -> bool:
        """Let a job run again.

        Args:
            lease: The run that is over.
            arguments: Those of the script from the delay on.

        Returns:
            False if somebody else has taken it over.
        """
        answer: Any = self._again(
            args=[*self._who(), lease.job_id, lease.execution, lease.list_name, *arguments]
        )
        return bool(answer != b"refused")

    def hand_back(self, leases: Sequence[Lease], *, died: bool = False) -> int:
        """Give jobs that were not started back to the front of their lists.

        Args:
            leases: In the order in which they were taken.
            died: Whether the process that had them died: then each runs alone the next time.

        Returns:
            How many were handed back; those taken over by others are not.
        """
        if not leases:
            return 0
        parts = [part for each in leases for part in (each.job_id, each.execution, each.list_name)]
        answer: Any = self._hand_back(args=[*self._who(), int(died), *parts])
        return int(answer)

    def take_over(self, dead: str = "") -> tuple[str, Sequence[Lease]] | None:
        """Make the leases of a dead holder ours.

        Args:
            dead: The holder; empty means one whose time is up.

        Returns:
            The holder, and all that is ours now, also what was taken over before and not ended;
            None if there is nothing. Safe to repeat if the answer did not arrive.
        """
        answer: Any = self._take_over(
            keys=[keys.holders()],
            args=[*self._who(), self._length, dead],
        )
        if not answer:
            return None
        name, *parts = (part.decode(errors="replace") for part in answer)
        ids, executions, lists = parts[::3], parts[1::3], parts[2::3]
        found = [
            Lease(job_id, name, execution, {})
            for job_id, execution, name in zip(ids, executions, lists, strict=True)
        ]
        return name, found

    def holds(self, lease: Lease) -> bool:
        """Whether a job is still ours."""
        return self.holds_token(lease.token)

    def holds_token(self, token: str) -> bool:
        """Whether a run is still ours, by its token."""
        score: Any = self.connection.zscore(keys.leases(self.holder), token)
        return score is not None

    def drop(self, lease: Lease) -> None:
        """Forget a job that is gone, or whose end was recorded elsewhere."""
        with self.connection.pipeline() as pipe:
            pipe.zrem(keys.leases(self.holder), lease.token)
            pipe.zrem(keys.started(lease.list_name), lease.token)
            pipe.execute()

    def keep(self, *others: str) -> None:
        """Show that the holder is alive. One that was taken over stays so.

        Args:
            others: Further holders to do it for.
        """
        self._keep(keys=[keys.holders()], args=[self._length, self.holder, *others])

    def show(self, lease: Lease, *, started: float, ttl: int, holder: str = "") -> bool:
        """Let RQ's readers see a run that takes long.

        Args:
            lease: The run.
            started: When it started, in Unix seconds.
            ttl: Seconds until it is out of sight, unless it is shown again.
            holder: Whose lease it is; empty means ours.

        Returns:
            False if the lease is lost or the job is gone.
        """
        now = time.time()
        shown: Any = self._show(
            args=[
                keys.rq_prefix(),
                keys.leases(holder or self.holder),
                lease.job_id,
                lease.execution,
                lease.list_name,
                self.worker,
                iso(started),
                iso(now),
                started,
                now,
                ttl,
            ]
        )
        return bool(shown)

    def resign(self, holder: str = "") -> None:
        """Leave. What is still held may be taken over at once.

        Args:
            holder: Who leaves; empty means this one.
        """
        name = holder or self.holder
        self._resign(keys=[keys.holders(), keys.leases(name), keys.last_step(name)], args=[name])

    def _step_command(
        self, number: str, wanted: int, runs: Sequence[bytes], turns: Sequence[Turn]
    ) -> bytes:
        # Packed here: redis-py takes longer for a call than the server takes for a job.
        own = _Packed.of(number, wanted, in_groups(runs))
        parts = (self._step_begins, own, _packed_turns(tuple(turns)))
        texts = b"".join(each.text for each in parts)
        return b"*%d\r\n%b" % (sum(each.parts for each in parts), texts)

    def _who(self) -> Sequence[str]:
        return keys.rq_prefix(), keys.our_prefix(), self.holder


def _registered(name: str, connection: redis.Redis) -> Any:
    # Any: redis-py's Script returns what the server does.
    before = script("workers.engine", "commit") if name == "step" else ""
    text = script("workers", "ending") + before + script("workers.engine", name)
    return connection.register_script(text)


class _Packed(NamedTuple):
    """Arguments of a command, as Redis reads them."""

    parts: int
    text: bytes

    @classmethod
    def of(cls, *parts: Stored) -> "_Packed":
        return cls(len(parts), packed(parts))


@lru_cache(maxsize=1_000)  # the same ones come again and again
def _packed_turns(turns: tuple[Turn, ...]) -> _Packed:
    parts = (
        part for name, most in turns for part in (pause_field("queue", queue_of(name)), name, most)
    )
    return _Packed.of(*parts)
