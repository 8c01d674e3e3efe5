"""What a worker is told by a step: which runs were committed, and which jobs are its own now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workers.engine.alike import Alike, Common
from workers.engine.order import Turn

_PARTS_OF_ALIKE = 2

State = Literal["ok", "suspended", "repeated"]


@dataclass(slots=True)
class Lease:
    """A job that is ours to run. Not frozen: one is made for every job.

    Args:
        job_id: Its id.
        list_name: The list it was in; empty if nobody knows, because its record is gone.
        execution: This run; with the id it is the token that every end of the run must show.
        fields: The job's hash when it was leased; empty if its record is gone.
        order: Its place among the jobs that were leased while a type or a tenant was paused.
    """

    job_id: str
    list_name: str
    execution: str
    fields: Mapping[bytes, bytes]
    order: int = 0

    @property
    def token(self) -> str:
        """What RQ calls the composite key of an execution."""
        return f"{self.job_id}:{self.execution}"

    @property
    def is_suspect(self) -> bool:
        """Whether it may have killed its worker, so that it has to run without neighbours."""
        return b"lost" in self.fields


@dataclass(frozen=True, slots=True)
class Step:
    """What came of a step.

    Args:
        state: `suspended` if `rq suspend` holds; `repeated` if it had been done before.
        now: Redis' time, in Unix seconds.
        refused: Places of the runs that somebody else has taken over.
        awaited: Places of the runs whose job others wait for: they are not committed.
        broken: Places of the runs whose record was overwritten: they are not committed.
        strange: What stood in a list and cannot be an id: the list's name, a space, and the rest.
        paused: What is paused, as `queue:email`, `type:EMAIL` or `tenant:acme`.
        leased: The jobs that are ours now.
    """

    state: State
    now: float
    refused: Sequence[int]
    awaited: Sequence[int]
    broken: Sequence[int]
    strange: Sequence[bytes]
    paused: frozenset[str]
    leased: Sequence[Lease]


def step_of(answer: Any, execution: str, turns: Sequence[Turn]) -> Step:
    """What the step's script answered.

    Args:
        answer: Its answer.
        execution: That of the jobs it leased.
        turns: The lists that it was told.
    """
    state, now, refused, awaited, broken, paused, leased, strange = answer
    return Step(
        state=state.decode(),
        now=now / 1000,
        refused=[place - 1 for place in refused],
        awaited=[place - 1 for place in awaited],
        broken=[place - 1 for place in broken],
        strange=strange,
        paused=frozenset(entry.decode() for entry in paused),
        leased=[
            lease
            for at, *parts in leased
            for lease in _leases_of(turns[at - 1].list_name, execution, parts)
        ],
    )


def _leases_of(list_name: str, execution: str, parts: Sequence[Any]) -> Iterator[Lease]:
    """What a step's script says of one job, or of several that are alike."""
    if len(parts) == _PARTS_OF_ALIKE:
        common, rows = Common.of(parts[0]), iter(parts[1])
        for job_id, written, data, description in zip(rows, rows, rows, rows, strict=True):
            alike = Alike(common, written, data, description)
            yield Lease(job_id.decode(errors="surrogateescape"), list_name, execution, alike)
    else:
        order, job_id, flat = parts
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        yield Lease(job_id.decode(errors="surrogateescape"), list_name, execution, fields, order)
