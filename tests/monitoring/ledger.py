"""Runs with known ends, written down here and counted by the engine's own scripts.

Jobs are enqueued, leased and ended for real, without handlers: how long they ran and waited is made
up, so that every figure can be worked out from the ledger with plain arithmetic.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, log
from random import Random

from redis import Redis

from messages import EmailMessage, Message, NoteEnrichmentMessage, NotificationMessage
from tests.workers.takers import Taker
from workers import enqueue_many, load_settings
from workers.burial import Death, bury_job
from workers.clock import utc_now
from workers.engine import ends
from workers.engine.order import Turn
from workers.engine.plain import Plain, plain
from workers.engine.step import Lease
from workers.settings import Settings

MAKERS: Mapping[str, Callable[[], Message]] = {
    "EMAIL": lambda: EmailMessage.of("bob@example.com", "Hello", "welcome"),
    "NOTIFICATION": lambda: NotificationMessage.of("bob", "Hello", "There you are."),
    "NOTE_ENRICHMENT": lambda: NoteEnrichmentMessage.of("note"),
}

SHARES: Mapping[tuple[str, str], float] = {
    ("email", "EMAIL"): 0.5,
    ("email", "NOTIFICATION"): 0.1,
    ("notes", "NOTE_ENRICHMENT"): 0.3,
    ("urgent", "EMAIL"): 0.1,
}
"""The share of all jobs that each queue and type has."""

TENANTS = ("", "acme", "a|b")
_BATCH = 100


@dataclass(frozen=True)
class Entry:
    """One run: what it was of, how it ended, and its times in microseconds."""

    queue: str
    type: str
    tenant: str
    outcome: str
    run: int
    wait: int
    fingerprint: str = ""


@dataclass
class MadeUpRun:
    """What `ends` asks of a run."""

    list_name: str
    seconds: float
    waited: float
    began: float
    settings: Settings = field(default_factory=load_settings)
    meta: Mapping[str, object] = field(default_factory=dict)
    history_ttl: int = 3600


class Ledger:
    """The runs of some jobs.

    Args:
        redis: The server.
        seed: Of all that is made up.

    `entries` has all runs in the order in which they ended.
    """

    def __init__(self, redis: Redis, seed: int = 1) -> None:
        self.redis = redis
        self.entries: list[Entry] = []
        self._done: list[tuple[bytes, Entry]] = []
        self._random = Random(seed)
        self._messages: dict[str, Message] = {}
        self._queues = list(dict.fromkeys(queue for queue, _ in SHARES))
        self._leases = Taker(redis, *self._queues).leases

    def run(self, jobs: int) -> None:
        """Enqueue jobs and end them all."""
        for (queue, kind), share in SHARES.items():
            sent = [self._message(kind) for _ in range(round(jobs * share))]
            self._messages |= {each.message_id: each for each in sent}
            enqueue_many(sent, queue=queue, connection=self.redis)
        while leased := self._step(_BATCH):
            for lease in leased:
                self._end(lease)
        self._step(0)

    @property
    def ended(self) -> Sequence[Entry]:
        """The runs that ended a job."""
        return self.of()

    def of(self, **asked: str) -> Sequence[Entry]:
        """The runs that ended a job, of a queue, a type or a tenant."""
        ended = (each for each in self.entries if each.outcome in {"finished", "failed"})
        return [each for each in ended if all(getattr(each, k) == v for k, v in asked.items())]

    def _step(self, wanted: int) -> Sequence[Lease]:
        """Commit what has finished; it ends only here."""
        done, self._done = self._done, []
        self.entries += [entry for _, entry in done]
        turns = [Turn(queue, wanted) for queue in self._queues]
        runs = [made for made, _ in done]
        return self._leases.step(self._leases.next_number(), wanted, runs, turns).leased

    def _message(self, kind: str) -> Message:
        tenant = self._random.choice(TENANTS)
        metadata = {"tenant": tenant} if tenant else None
        return MAKERS[kind]().model_copy(update={"metadata": metadata})

    def _end(self, lease: Lease) -> None:
        job, message = plain(lease.fields, lease.list_name), self._messages[lease.job_id]
        assert job is not None
        outcome = self._random.choices(("finished", "failed", "retried"), (93, 4, 3))[0]
        entry = self._entry(lease, message, outcome)
        # Half a microsecond more, so that no rounding of floats takes one away.
        times = ((each + 0.5) / 1_000_000 for each in (entry.run, entry.wait))
        run = MadeUpRun(lease.list_name, *times, utc_now().timestamp())
        if outcome == "finished":
            self._done.append((ends.success(lease, run, job, message, None), entry))
            return
        (self._bury if outcome == "failed" else self._again)(lease, run, job, entry)
        self.entries.append(entry)

    def _entry(self, lease: Lease, message: Message, outcome: str) -> Entry:
        run, wait = (int(self._random.lognormvariate(mean, 1.5)) for mean in (9, 11))
        kind = "" if outcome != "failed" else self._random.choice(("aaaa", "bbbb"))
        tenant = ends.tenant_of(message)
        return Entry(lease.list_name, message.message_type, tenant, outcome, run, wait, kind)

    def _bury(self, lease: Lease, run: MadeUpRun, job: Plain, entry: Entry) -> None:
        failed = json.dumps([entry.fingerprint, "app.Refused", "no", "app.work", "unknown"])
        counted = (entry.type, entry.tenant, job, failed)
        ending = ends.ending(self._leases, "no", ends.failure(lease, run, *counted))
        death = Death(lease.job_id, lease.list_name, reason="permanent", error="no")
        bury_job(death, meta={}, now=utc_now(), connection=self.redis, past=(), ending=ending)

    def _again(self, lease: Lease, run: MadeUpRun, _: Plain, entry: Entry) -> None:
        counted = {"outcome": "retried", "kind": entry.type, "tenant": entry.tenant}
        self._leases.again(lease, ends.restart(run, 0, None, **counted))


def percentile(times: Iterable[int], share: float) -> int:
    """The exact percentile by nearest rank, with plain sorting."""
    found = sorted(times)
    return found[max(1, ceil(share * len(found))) - 1]


def place_of(milliseconds: float) -> int:
    """Where the engine counts a time, told anew from its rule: steps of 5 % from 0.1 ms on."""
    return 0 if milliseconds <= 0.1 else ceil(log(milliseconds / 0.1) / log(1.05))
