"""Each stored field is damaged in each way, in jobs that wait, are due later, or run."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from redis import Redis

from tests.drills.result import Result
from tests.drills.site import Site, judged
from tests.faults.stage import Stage, Wish
from workers import keys

DAMAGES: Mapping[str, bytes | None] = {
    "missing": None,
    "empty": b"",
    "garbage": b'\x00{"garbage',
    "wrong type": b"[[], 1e999]",
    "bad UTF-8": b"\xff\xfe\xfa",
}
STATES = ("queued", "scheduled", "running")


@dataclass(frozen=True)
class Damage:
    """One way to spoil a record; what it does, and to which field."""

    title: str
    do: Callable[["Redis", str], object]


@dataclass
class Patients:
    """The jobs of one run: which damage each has, or behind which one it stands."""

    damaged: dict[str, str] = field(default_factory=dict)
    good: dict[str, str] = field(default_factory=dict)

    def titles(self) -> Mapping[str, str]:
        """What to call a job."""
        return self.damaged | {job: f"the one behind {title}" for job, title in self.good.items()}


def corruption(
    site: Site,
    *,
    states: Sequence[str] = STATES,
    fields: Sequence[str] = (),
    delay: float = 8.0,
) -> Result:
    """No process dies, the neighbours run, and the damaged job ends with a reason."""
    with site.stage() as here:
        patients = Patients()
        for state in states:
            _PREPARE[state](here, fields, patients, delay)
        if not here.fleet.workers:
            here.fleet.start(2)
        here.settle(site.patience)
        undone = here.unsettled([*patients.good])
        missed = len(patients.damaged) - len(here.spoiled)
        result = judged(
            here,
            limits={"undone": 0, "died": 0},
            found={"undone": len(undone), "unfired": float(missed > 0.2 * len(patients.damaged))},
            facts={"damaged": len(here.spoiled), "good": len(patients.good)},
        )
        return result.with_titles(patients.titles())


def _queued(here: Stage, fields: Sequence[str], patients: Patients, _: float) -> None:
    _waiting(here, Wish(), fields, patients)


def _scheduled(here: Stage, fields: Sequence[str], patients: Patients, delay: float) -> None:
    _waiting(here, Wish(delay=delay), fields, patients)


def _waiting(here: Stage, wish: Wish, fields: Sequence[str], patients: Patients) -> None:
    """Jobs that are damaged before a worker runs, each with a good one behind it."""
    state = "scheduled" if wish.delay else "queued"
    with here.client() as client:
        for damage in _damages(here, client, fields):
            job = here.send(wish, client)
            damage.do(client, keys.job(job))
            here.spoiled.add(job)
            patients.damaged[job] = f"{damage.title} ({state})"
            patients.good[here.send(wish, client)] = patients.damaged[job]
        _add_strange_entries(client)


def _add_strange_entries(client: "Redis") -> None:
    """Entries of lists that name no job, or not even text."""
    for entry in (b"\xff\xfe", b"", b"no such job"):
        client.lpush(keys.queue("a"), entry)
        client.zadd(keys.scheduled("a"), {entry or b"?": 1})


def _running(here: Stage, fields: Sequence[str], patients: Patients, _: float) -> None:
    """Jobs that are damaged while their handler runs."""
    here.fleet.start(2)
    with here.client() as client:
        for damage in _damages(here, client, fields):
            job = here.send(Wish(seconds=0.2), client)
            patients.damaged[job] = f"{damage.title} (running)"
            if _waits_for_start(here, job):
                damage.do(client, keys.job(job))
                if not here.ledger.refresh().of(job, "end"):
                    here.spoiled.add(job)
            patients.good[here.send(Wish(), client)] = patients.damaged[job]
            here.fleet.keep_up()


_PREPARE: Mapping[str, Callable[[Stage, Sequence[str], Patients, float], None]] = {
    "queued": _queued,
    "scheduled": _scheduled,
    "running": _running,
}


def _waits_for_start(here: Stage, job: str) -> bool:
    deadline = time.monotonic() + 5
    while not here.started(job) and time.monotonic() < deadline:
        time.sleep(0.005)
        here.fleet.keep_up()
    return here.started(job)


def _damages(here: Stage, client: "Redis", fields: Sequence[str]) -> Iterator[Damage]:
    """Every field with every damage, then the whole record."""
    for name in fields or _stored_fields(here, client):
        for title, value in DAMAGES.items():
            yield Damage(f"{name} {title}", partial(_spoil, name, value))
    if not fields:
        yield Damage("record gone", lambda client, key: client.delete(key))
        yield Damage("record a string", lambda client, key: client.set(key, b"text", ex=3600))


def _spoil(name: str, value: bytes | None, client: "Redis", key: str) -> None:
    if value is None:
        client.hdel(key, name)
    else:
        client.hset(key, name, value)


def _stored_fields(here: Stage, client: "Redis") -> list[str]:
    """What the record of a job holds before a worker has it."""
    job = here.send(Wish(delay=1.0), client)
    return sorted(name.decode() for name in client.hkeys(keys.job(job)))
