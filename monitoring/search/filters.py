"""Which candidates are hits: asked of the records of jobs, and of the index for payload fields."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from rq.utils import utcformat

from monitoring.answers import as_text
from monitoring.packing import command, hash_fields
from monitoring.queues.stats import message_type_of
from monitoring.search.query import SearchQuery
from monitoring.search.rows import Hit
from monitoring.search.sources import Chunk, Known
from monitoring.search.spans import FIELDS, ran, waited
from monitoring.search.states import state_of
from workers import keys
from workers.indexing import indexed_value
from workers.routing import queue_of
from workers.tenants import FIELD, tenant_mark

_HALVES = (keys.index_field, keys.older_index_field)

Record = Mapping[str, bytes | None]


@dataclass(frozen=True)
class Filters:
    """What is still to be asked of candidates.

    Args:
        query: What is searched for.
        driver: What the candidates have in common already; see `Plan`.
        active: The jobs that workers have; only needed if the query asks for such a state.
        indexed: See `Plan`.
    """

    query: SearchQuery
    driver: str
    active: frozenset[str] = frozenset()
    indexed: frozenset[str] = frozenset()
    _fields: tuple[str, ...] = field(init=False, default=())
    _since: bytes = field(init=False, default=b"")
    _until: bytes = field(init=False, default=b"")

    def __post_init__(self) -> None:
        """See which fields of a record are needed."""
        query, out = self.query, dict(self.query.without)
        needed = {"status": True}
        needed |= {"description": bool(query.message_type or self.indexed) or "type" in out}
        is_known = self.driver == "places"  # what stands in a place has its queue and its state
        needed |= {"origin": bool(query.queue or "queue" in out) and not is_known}
        of_state = bool(query.state or "state" in out) and not is_known
        needed |= dict.fromkeys(("held", "replayed_as"), of_state)
        needed |= {FIELD: query.tenant is not None or "tenant" in out}
        needed |= {"created_at": bool(query.since or query.until)}
        needed |= dict.fromkeys(FIELDS, bool(query.wait or query.run))
        fields = tuple(name for name, is_needed in needed.items() if is_needed)
        object.__setattr__(self, "_fields", fields)
        # RQ writes times in one form, which sorts as the times do.
        for name, bound in (("_since", query.since), ("_until", query.until)):
            object.__setattr__(self, name, utcformat(bound).encode() if bound else b"")

    def likely(self, chunk: Chunk) -> Sequence[int]:
        """The numbers of the candidates of a chunk whose ids fit."""
        begin = self.query.job_id or ""
        return [number for number, job_id in enumerate(chunk.ids) if job_id.startswith(begin)]

    def ask(self, chunk: Chunk, numbers: Sequence[int]) -> list[bytes]:
        """What to ask about candidates.

        Args:
            chunk: Of which chunk.
            numbers: Which of them.
        """
        ids = [chunk.ids[number] for number in numbers]
        if not ids:
            return []
        asked = hash_fields(keys.job_prefix(), ids, self._fields)
        for name, value in self._values():
            members = [f"{indexed_value(value)}\n{job_id}" for job_id in ids]
            asked += [
                command("ZMSCORE", key_of(kind, name), *members)
                for kind in self._kinds(chunk)
                for key_of in _HALVES
            ]
        if isinstance(chunk.source, Known):
            asked.append(command("HMGET", keys.dead_letter_index(), *ids))
        return asked

    def fitting(
        self, chunk: Chunk, numbers: Sequence[int], answers: Iterator[Any]
    ) -> Iterator[tuple[int, Hit]]:
        """The candidates that are hits, with their numbers.

        Args:
            chunk: As for `ask`.
            numbers: As for `ask`.
            answers: What that was answered.
        """
        if not numbers:
            return
        records = list(islice(answers, len(numbers)))
        scores = [
            list(islice(answers, len(self._kinds(chunk)) * len(_HALVES))) for _ in self._values()
        ]
        letters = next(answers) if isinstance(chunk.source, Known) else [None] * len(numbers)
        for at, number in enumerate(numbers):
            if all(any(each and each[at] is not None for each in of) for of in scores):
                hit = self._hit(chunk, chunk.ids[number], records[at], letters[at])
                if hit is not None:
                    yield number, hit

    def _hit(self, chunk: Chunk, job_id: str, values: Any, short: bytes | None) -> Hit | None:
        if values and values[0] is not None:
            record = dict(zip(self._fields, values, strict=True))
            is_hit = self._fits(chunk, job_id, record)
            return Hit(job_id, chunk.source.state) if is_hit else None
        letter = None if short is None else json.loads(short)
        return Hit(job_id, letter=letter) if letter and self._fits_letter(letter) else None

    def _fits_letter(self, letter: Mapping[str, Any]) -> bool:
        query, buried = self.query, letter["buried_at"]
        return (
            query.message_type in {None, letter["message_type"]}
            and query.queue in {None, queue_of(letter["queue"])}
            and query.state in {None, "failed"}
            and (query.tenant is None or letter.get(FIELD) == tenant_mark(query.tenant) != "")
            and (query.since is None or buried >= query.since.isoformat())
            and (query.until is None or buried <= query.until.isoformat())
            and not (query.wait or query.run)  # nobody knows any more
            and query.excluded("type") != letter["message_type"]
            and query.excluded("queue") != queue_of(letter["queue"])
            and query.excluded("state") != "failed"
            and not self._is_of_excluded(letter.get(FIELD) or "")
        )

    def _values(self) -> Sequence[tuple[str, str]]:
        # What the candidates have in common need not be asked for.
        return [pair for pair in self.query.fields if self.driver != f"field {pair[0]}"]

    def _kinds(self, chunk: Chunk) -> Sequence[str]:
        return [chunk.source.kind] if chunk.source.kind else self.query.kinds

    def _fits(self, chunk: Chunk, job_id: str, record: Record) -> bool:
        query = self.query
        kind = message_type_of(record.get("description"))
        return (
            query.message_type in {None, kind}
            and not (chunk.source.state and kind in self.indexed)
            and (query.tenant is None or _text(record, FIELD) == tenant_mark(query.tenant) != "")
            and (query.excluded("type") is None or query.excluded("type") != kind)
            and self._is_of_queue(record)
            and not (FIELD in record and self._is_of_excluded(_text(record, FIELD)))
            and self._is_in_time(record)
            and self._took(record)
            and self._is_in_state(chunk, job_id, record)
        )

    def _is_of_queue(self, record: Record) -> bool:
        if "origin" not in record:
            return True
        queue = queue_of(_text(record, "origin"))
        return self.query.queue in {None, queue} and self.query.excluded("queue") != queue

    def _is_of_excluded(self, mark: str) -> bool:
        tenant = self.query.excluded("tenant")
        return tenant is not None and mark == tenant_mark(tenant) != ""

    def _is_in_state(self, chunk: Chunk, job_id: str, record: Record) -> bool:
        wanted, excluded = self.query.state, self.query.excluded("state")
        if wanted is None and excluded is None:
            return True
        state = chunk.source.state or state_of(job_id, record, self.active)
        return wanted in {None, state} and excluded != state

    def _took(self, record: Record) -> bool:
        query = self.query
        if query.now is None:
            return True
        return (query.wait is None or query.wait.holds(waited(record, query.now))) and (
            query.run is None or query.run.holds(ran(record, query.now))
        )

    def _is_in_time(self, record: Record) -> bool:
        if not self._since and not self._until:
            return True
        sent = record["created_at"] or b""
        return sent >= self._since and (not self._until or b"" < sent <= self._until)


def _text(record: Record, name: str) -> str:
    return as_text(record[name] or b"")
