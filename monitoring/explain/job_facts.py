"""Reads the facts of one job, for the rules. Only reads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import redis

from monitoring.answers import as_text, as_time
from monitoring.explain.facts import JobFacts, JobState, Parent, Places, QueueFacts
from monitoring.explain.places import read_places
from monitoring.explain.queue_facts import read_queue_facts
from monitoring.jobs.places import ahead_of, due_at, lease_of
from monitoring.jobs.running import running_of
from monitoring.jobs.stuck_plans import Plan, plans
from monitoring.numbers.spans import SECONDS
from monitoring.numbers.usual import read_usual_runs
from monitoring.queues.look import Look
from monitoring.queues.snapshot import Snapshot
from monitoring.queues.stats import message_type_of
from workers import audit, dead_letters, keys
from workers.attempts import AttemptRecord, history
from workers.audit import AuditEntry
from workers.dead_letters import DeadLetter
from workers.dead_letters.letter import summary
from workers.engine.ends import salvaged
from workers.pauses import Pause, marks_of, pause_field
from workers.published import published
from workers.routing import queue_of
from workers.stuck_policies import read_stuck_policies

_MOST_PARENTS = 100
_MOST_ACTS = 1_000  # newest entries of the audit log that are searched
_ON_JOBS = ("job.", "dead_letter.")
_HOURS = 24
_SLOW = 60.0  # seconds below which no run is slow
_BY_A_PERSON = {"stopped", "canceled", "unknown"}
_STATES: Mapping[str, JobState] = {
    "started": "running",
    "scheduled": "scheduled",
    "deferred": "deferred",
    "finished": "finished",
    "failed": "failed",
    "stopped": "stopped",
    "canceled": "canceled",
}


@dataclass(frozen=True)
class _Record:
    """A job's hash, as text, and its message."""

    fields: Mapping[str, str]
    envelope: Any

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")

    def time(self, name: str) -> datetime | None:
        return as_time(self[name])


def read_job_facts(
    job_id: str, look: Look, *, known: Mapping[str, QueueFacts] | None = None
) -> JobFacts:
    """What is known of a job.

    Args:
        job_id: The job.
        look: All queues and workers.
        known: Facts of queues that were read with that look, by name; others are read.

    Returns:
        The facts; of one that nobody knows its state is `unknown`.
    """
    connection, snapshot, now = look.connection, look.snapshot, look.now
    record = _read(job_id, connection)
    letter = dead_letters.find(job_id, connection=connection)
    if record is None:
        return _without_record(job_id, letter, now, connection)
    name = queue_of(record["origin"])
    queue = (known or {}).get(name) or read_queue_facts([name], look).get(name)
    pauses = _pauses(record, snapshot)
    token, silent = lease_of(job_id, now=now, connection=connection)
    ahead = ahead_of(job_id, record["origin"], snapshot, connection=connection)
    state = _state(record, pauses, is_leased=bool(token), is_in_list=ahead is not None)
    kind = message_type_of(record["description"]) or record["description"]
    began = record.time("started_at") if state == "running" else None
    return JobFacts(
        job_id=job_id,
        now=now,
        state=state,
        queue=None if queue is None else _only_whole_queue(queue),
        list_name=record["origin"],
        kind=kind,
        entered=record.time("enqueued_at") or record.time("created_at"),
        due=due_at(job_id, record["origin"], connection=connection),
        expires=_moment(record["expires_at"]),
        began=began,
        ended=record.time("ended_at"),
        timeout=_span(record["timeout"]),
        usual=_usual((name, kind), began, now, connection),
        worker=record["worker_name"] if state == "running" else "",
        silent=silent,
        ahead=ahead,
        places=_places(queue, now, connection) if state == "waiting" else Places(),
        pauses=pauses if state in {"waiting", "held"} else (),
        parents=_parents(record, state, connection),
        attempts=history(job_id, connection=connection) or _of_letter(letter),
        most_attempts=_chosen(record),
        letter=letter,
        fingerprint=_fingerprint(letter),
        alike=_alike(letter, now, connection),
        unique_key=record["unique_key"].removeprefix(keys.unique("")),
        replayed_as=record["replayed_as"],
        acts=_acts(job_id, connection) if state in _BY_A_PERSON else (),
        known_by=_known_by(kind, connection),
        plan=_plan(job_id, record, token, silent, look) if state == "running" else None,
    )


def _read(job_id: str, connection: redis.Redis) -> _Record | None:
    stored: Any = connection.hgetall(keys.job(job_id))
    if not stored.get(b"status"):
        return None
    # The data is compressed, and no text.
    fields = {as_text(name): as_text(value) for name, value in stored.items() if name != b"data"}
    return _Record(fields, salvaged(stored))


def _without_record(
    job_id: str, letter: DeadLetter | None, now: datetime, connection: redis.Redis
) -> JobFacts:
    state: JobState = "failed" if letter is not None else "unknown"
    return JobFacts(
        job_id=job_id,
        now=now,
        state=state,
        kind=(letter.message_type or "") if letter else "",
        list_name=letter.queue if letter else "",
        attempts=_of_letter(letter),
        letter=letter,
        fingerprint=_fingerprint(letter),
        alike=_alike(letter, now, connection),
        acts=_acts(job_id, connection),
    )


def _state(
    record: _Record, pauses: Sequence[Pause], *, is_leased: bool, is_in_list: bool
) -> JobState:
    if record["replayed_as"]:
        return "replayed"
    if record["status"] != "queued":
        return _STATES.get(record["status"], "unknown")
    if is_in_list:
        return "waiting"
    if record["held"] and pauses:
        return "held"
    return "leased" if is_leased else "waiting"


def _pauses(record: _Record, snapshot: Snapshot) -> Sequence[Pause]:
    marks = set(marks_of(record.envelope))
    found = (each.pause for each in snapshot.paused)
    return [each for each in found if pause_field(each.kind, each.name) in marks]


def _only_whole_queue(queue: QueueFacts) -> QueueFacts:
    """Without the pauses of types and tenants, which concern other jobs, or stand in `pauses`."""
    return replace(queue, pauses=[each for each in queue.pauses if each.kind == "queue"])


def _places(queue: QueueFacts | None, now: datetime, connection: redis.Redis) -> Places:
    return read_places(queue.workers if queue else (), now=now, connection=connection)


def _known_by(kind: str, connection: redis.Redis) -> Sequence[str]:
    """The releases that know a type."""
    told = published(connection=connection)
    return [each.code_version for each in told if each.message_type == kind]


def _parents(record: _Record, state: JobState, connection: redis.Redis) -> Sequence[Parent]:
    if state not in {"deferred", "canceled"} or not record["dependency_ids"]:
        return ()
    try:
        ids = [str(each) for each in json.loads(record["dependency_ids"])][:_MOST_PARENTS]
    except (ValueError, TypeError):
        return ()
    with connection.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.hmget(keys.job(job_id), ["status", "description", "origin"])
        records = pipe.execute()
    found = [
        Parent(job_id, as_text(told[0] or b""), message_type_of(told[1]) or "", _queue(told[2]))
        for job_id, told in zip(ids, records, strict=True)
    ]
    return [parent for parent in found if parent.state != "finished"]


def _queue(origin: bytes | None) -> str:
    return queue_of(as_text(origin)) if origin else ""


def _usual(
    place: tuple[str, str], began: datetime | None, now: datetime, connection: redis.Redis
) -> timedelta | None:
    # The buckets are large: they are read only if the run is slow.
    if began is None or (now - began).total_seconds() < _SLOW:
        return None
    queue, kind = place
    return read_usual_runs([queue], now=now, connection=connection).p95(kind)


def _alike(letter: DeadLetter | None, now: datetime, connection: redis.Redis) -> int:
    fingerprint = _fingerprint(letter)
    if letter is None or not fingerprint:
        return 0
    kind = (letter.message_type or "unknown").replace("|", "_")
    field = f"failure|{fingerprint}|{queue_of(letter.queue)}|{kind}|n"
    length = SECONDS["h"]
    this = int(now.timestamp()) // length * length
    with connection.pipeline(transaction=False) as pipe:
        for hour in range(_HOURS):
            pipe.hget(keys.stats("h", this - hour * length), field)
        return sum(int(count) for count in pipe.execute() if count is not None)


def _fingerprint(letter: DeadLetter | None) -> str:
    return summary(letter).fingerprint if letter is not None else ""


def _acts(job_id: str, connection: redis.Redis) -> Sequence[AuditEntry]:
    found = audit.entries(_MOST_ACTS, connection=connection)
    return [each for each in found if each.target == job_id and each.action.startswith(_ON_JOBS)]


def _of_letter(letter: DeadLetter | None) -> Sequence[AttemptRecord]:
    try:
        return [AttemptRecord(**each) for each in letter.attempts] if letter is not None else ()
    except TypeError:  # of another release
        return ()


def _chosen(record: _Record) -> int | None:
    try:
        found = json.loads(record["meta"] or "{}").get("attempts")
    except (ValueError, AttributeError):
        return None
    return found if isinstance(found, int) else None


def _plan(job_id: str, record: _Record, token: str, silent: float, look: Look) -> Plan:
    """What STUCK_POLICY does with a run."""
    run = running_of(token or job_id, record.fields, silent)
    policies = read_stuck_policies(look.settings.stuck_policy)
    (found,) = plans([run], policies, connection=look.connection)
    return found


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(text), tz=UTC) if text else None
    except ValueError:
        return None


def _span(text: str) -> timedelta | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return timedelta(seconds=seconds) if seconds > 0 else None
