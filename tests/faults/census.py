"""A census of Redis: where every job is, and what no job explains."""

import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from redis import Redis, ResponseError

from workers import keys
from workers.routing import Priority, list_name

ENDED = frozenset({"finished", "failed", "stopped", "canceled"})
FINAL_RESULTS = frozenset({b"1", b"2", b"3", b"5"})
"""RQ's types of result that end a job: all but RETRIED."""

_PLACES: Mapping[str, frozenset[str]] = {
    "queued": frozenset({"queue", "intermediate"}),
    "scheduled": frozenset({"scheduled"}),
    "deferred": frozenset({"deferred"}),
    "started": frozenset({"wip", "held", "intermediate"}),
    "finished": frozenset({"finished"}),
    "failed": frozenset({"failed", "dead"}),
    "stopped": frozenset({"failed", "dead"}),
    "canceled": frozenset({"canceled", "dead"}),
}
"""Where a job of a state may be named; anywhere else it is left over."""

_WAITS = frozenset({"queue", "scheduled", "deferred", "wip", "held", "intermediate", "dead"})
"""Places at which somebody will look again, or a person will."""


@dataclass
class Census:
    """What stands in Redis.

    Args:
        status: Job -> RQ's word for its state; `?` if it cannot be read.
        places: Job -> the kinds of collection that name it.
        letters: Jobs with a dead letter.
        final: Job -> how many final results RQ's stream holds.
        residue: What no live job explains, in words.
    """

    status: dict[str, str] = field(default_factory=dict)
    places: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    letters: set[str] = field(default_factory=set)
    final: dict[str, int] = field(default_factory=dict)
    residue: list[str] = field(default_factory=list)

    def ended(self, job_id: str) -> bool:
        """Whether a job has an outcome."""
        return self.status.get(job_id) in ENDED or job_id in self.letters

    def waits(self, job_id: str) -> bool:
        """Whether somebody will look at it again."""
        return bool(self.places.get(job_id, set()) & _WAITS)


def census(
    client: Redis, known: Iterable[str], queues: Sequence[str], *, grace: float = 0.0
) -> Census:
    """Count everything. No worker should run, or what it holds is residue.

    Args:
        client: The server of a drill.
        known: The ids that were ever sent.
        queues: The names of the queues.
        grace: Seconds after the end of its lease in which a dead holder has to be found.
    """
    found = Census()
    every = sorted(key.decode(errors="replace") for key in client.scan_iter("*", count=5_000))
    known = {*known, *_recorded(every)}
    _read_jobs(client, found, every, known)
    found.letters = {_text(m) for m in client.zrange(keys.dead_letters(), 0, -1)}
    _read_results(client, found, known)
    kinds = _kinds(queues)
    for key in every:
        _look_at(client, found, key, known, kinds)
    found.residue += _unreaped(client, grace)
    return found


def chunks(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Slices of a sequence, all but the last of this size."""
    return (ids[at : at + size] for at in range(0, len(ids), size))


def _recorded(every: Sequence[str]) -> Iterator[str]:
    begin = keys.job_prefix()
    for key in every:
        name = key.removeprefix(begin)
        if name != key and ":" not in name:
            yield name


def _read_jobs(client: Redis, found: Census, every: Sequence[str], known: set[str]) -> None:
    there = sorted(known & set(_recorded(every)))
    for ids in chunks(there, 1_000):
        with client.pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.hget(keys.job(job_id), "status")
            for job_id, status in zip(ids, pipe.execute(raise_on_error=False), strict=True):
                found.status[job_id] = _text(status) if isinstance(status, bytes) else "?"


def _read_results(client: Redis, found: Census, known: set[str]) -> None:
    for ids in chunks(sorted(known), 500):
        with client.pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.xrange(keys.result(job_id))
            for job_id, entries in zip(ids, pipe.execute(raise_on_error=False), strict=True):
                if isinstance(entries, list):
                    final = [e for e in entries if e[1].get(b"type") in FINAL_RESULTS]
                    found.final[job_id] = len(final)


def _kinds(queues: Sequence[str]) -> dict[str, str]:
    """Collections that name jobs -> what it means to stand in them."""
    names = [list_name(queue, priority) for queue in queues for priority in Priority]
    kinds = {keys.dead_letters(): "dead"}
    for name in names:
        kinds |= {keys.queue(name): "queue", keys.intermediate(name): "intermediate"}
        kinds |= {keys.scheduled(name): "scheduled", keys.deferred(name): "deferred"}
        kinds |= {keys.finished(name): "finished", keys.failed(name): "failed"}
        kinds |= {keys.canceled(name): "canceled"}
        kinds |= {keys.started(name): "wip", keys.without_result(name): "finished"}
    return kinds


def _look_at(
    client: Redis, found: Census, key: str, known: set[str], kinds: Mapping[str, str]
) -> None:
    owner = next((part for part in key.split(":") if part in known), None)
    if owner is not None:
        if not _is_explained(found, key, owner) and client.ttl(key) < 0:
            found.residue.append(f"{key} belongs to no live job")
        return
    kind = kinds.get(key) or _kind_of(key)
    if kind == "history":
        return
    if kind is None and client.ttl(key) >= 0:
        return
    if kind is None and not _is_rqs_own(key):
        found.residue.append(f"{key} is documented nowhere")
    for job_id in _named_in(client, key, known):
        _note_place(found, key, kind or "held", job_id)


def _unreaped(client: Redis, grace: float) -> list[str]:
    """Holders of leases whose time is up and from whom nobody took over."""
    seconds, _ = client.time()
    over: Any = client.zrangebyscore(keys.holders(), 0, (seconds - grace) * 1000)
    return [f"{_text(holder)} is dead and still a holder" for holder in over]


def _is_explained(found: Census, key: str, owner: str) -> bool:
    if "execution" in key:
        return not found.ended(owner)
    return owner in found.status or owner in found.letters


def _note_place(found: Census, key: str, kind: str, job_id: str) -> None:
    status = found.status.get(job_id, "gone")
    found.places[job_id].add(kind)
    allowed = _PLACES.get(status, frozenset({"dead"}) if job_id in found.letters else frozenset())
    if kind not in allowed and status != "?":
        found.residue.append(f"{key} names {job_id}, which is {status}")


def _named_in(client: Redis, key: str, known: set[str]) -> Iterator[str]:
    readers = {
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1),
    }
    members: Any = ()
    with suppress(ResponseError, KeyError):
        members = readers[client.type(key)]()
    for member in members:
        job_id = _text(member).partition(":")[0]  # an execution is `job:execution`
        if job_id in known:
            yield job_id


@lru_cache
def _documented() -> Sequence[tuple[re.Pattern[str], str]]:
    """The keys that `workers.keys` knows, and what it says of them."""
    functions = [each for each in vars(keys).values() if inspect.isfunction(each) and each.__doc__]
    return [
        (re.compile(re.escape(each(*["?"] * count)).replace(r"\?", ".+")), each.__doc__ or "")
        for each in functions
        for count in _counts(each)
    ]


def _counts(function: Callable[..., str]) -> set[int]:
    """How many arguments it may be given: all, or only those without a default."""
    parameters = inspect.signature(function).parameters.values()
    return {len(parameters), sum(each.default is each.empty for each in parameters)}


def _kind_of(key: str) -> str | None:
    """What `workers.keys` says of a key: `history` if it is capped or only counts."""
    for pattern, meaning in _documented():
        if pattern.fullmatch(key):
            return (
                "history" if re.search("capped|last|newest|per message type", meaning) else "held"
            )
    return None


def _is_rqs_own(key: str) -> bool:
    return key.startswith(keys.queues().removesuffix("queues"))


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
