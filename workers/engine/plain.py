"""Tells the jobs that the engine runs itself: exactly what our producer writes, and well formed.

Every other job, foreign, decorated with features of RQ, or damaged, is looked at by `admission`.
"""

import json
import zlib
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from messages.union import Parsed, read_message
from workers import dead_letters
from workers.engine.alike import Alike, Terms
from workers.record import JOB_FUNCTION

_HEAD = b'["%s", null, [' % JOB_FUNCTION.encode()
_TAIL = b"], {}]"
_HEAD_LENGTH, _TAIL_LENGTH = len(_HEAD), len(_TAIL)
_ZLIB = b"\x78"
_MOST_INFLATED = 4_000_000  # bytes; a message has 256 kB at most

_FIELDS = frozenset(
    {
        b"created_at",
        b"enqueued_at",
        b"data",
        b"origin",
        b"description",
        b"status",
        b"timeout",
        b"result_ttl",
        b"failure_ttl",
        b"meta",
        b"queue_ttl",
        b"expires_at",
        b"unique_key",
        b"parent_failed",
        b"dependency_id",
        b"dependency_ids",
        b"on_parent_failure",
        b"allow_dependency_failures",
        b"number_of_retries",
        b"lost",
        b"crashes",
        b"started_at",
        b"ended_at",
        b"last_heartbeat",
        b"worker_name",
        b"held",
        b"tenant",
    }
)
_TIMES = (b"created_at", b"enqueued_at", b"started_at", b"ended_at", b"last_heartbeat")
_TEXTS = (b"description", b"worker_name", b"unique_key", b"parent_failed")


class Plain:
    """What a plain job's record says.

    Args:
        body: The envelope.
        terms: What it may have in common with others.
        enqueued_at: When its time in the queue began, in Unix seconds.
        restarts: How often it was started before.
        expires_at: When its time in the queue is over; None: never.
        failed_parent: The job that it waited for in vain.
    """

    __slots__ = (
        *("_meta", "body", "enqueued_at", "expires_at", "failed_parent"),
        *("failure_ttl", "restarts", "result_ttl", "terms", "timeout"),
    )

    def __init__(  # noqa: PLR0913, PLR0917 - what a record says
        self,
        body: bytes,
        terms: Terms,
        enqueued_at: float,
        restarts: int = 0,
        expires_at: float | None = None,
        failed_parent: str | None = None,
    ) -> None:
        self.body = body
        self.terms = terms
        self.enqueued_at = enqueued_at
        self.restarts = restarts
        self.expires_at = expires_at
        self.failed_parent = failed_parent
        self.timeout = terms.timeout
        self.result_ttl = terms.result_ttl
        self.failure_ttl = terms.failure_ttl
        self._meta: dict[str, Any] | None = None

    @property
    def meta(self) -> dict[str, Any]:
        """What its sender chose; it may be changed."""
        if self._meta is None:
            self._meta = dict(self.terms.meta)
        return self._meta

    def read(self) -> Parsed:
        """The message; raises InvalidMessage if it is none."""
        return read_message(self.body)

    def envelope(self) -> Any:
        """The message as an object; text if it cannot be read."""
        try:
            return json.loads(self.body)
        except ValueError:
            return self.body[: dead_letters.MAX_DATA].decode(errors="replace")


def plain(fields: Mapping[bytes, bytes], list_name: str) -> Plain | None:
    """Read a plain job.

    Args:
        fields: Its hash.
        list_name: The list that it was in.

    Returns:
        What it says; None if it is anything else, or a field is damaged.
    """
    try:
        if type(fields) is Alike:
            return _read_alike(fields, list_name)
        if not fields.keys() <= _FIELDS:  # RQ's own producers write what is not there as empty
            fields = {name: value for name, value in fields.items() if value}
        return _read(fields, list_name) if fields.keys() <= _FIELDS else None
    except (ValueError, KeyError, TypeError, zlib.error):
        return None


def _read_alike(fields: Alike, list_name: str) -> Plain | None:
    terms, body = fields.common.terms, _body(fields.data)
    if body is None or terms is None or terms.list_name != list_name:
        return None
    fields.description.decode()
    return Plain(body, terms, _unix(fields.written_at))


@lru_cache(maxsize=100)  # a chunk of `enqueue_many` has one time
def _unix(written: bytes) -> float:
    return datetime.fromisoformat(written.decode()).timestamp()


def _read(fields: Mapping[bytes, bytes], list_name: str) -> Plain | None:
    body, terms = _body(fields[b"data"]), Terms.of(fields)
    if body is None or terms is None or terms.list_name != list_name:
        return None
    get = fields.get
    for name in _TIMES:
        if name in fields:
            _unix(fields[name])
    for name in _TEXTS:
        if name in fields:
            fields[name].decode()
    enqueued_at = _unix(fields[b"enqueued_at"])
    parent = get(b"parent_failed")
    return Plain(
        body,
        terms,
        enqueued_at,
        restarts=int(get(b"number_of_retries", 0)),
        expires_at=_expiry(fields, enqueued_at),
        failed_parent=parent.decode() if parent else None,
    )


def _body(data: bytes) -> bytes | None:
    if data.startswith(_HEAD) and data.endswith(_TAIL):
        return data[_HEAD_LENGTH:-_TAIL_LENGTH]
    if data[:1] == _ZLIB:  # a stock reader saved it again
        return _body(zlib.decompressobj().decompress(data, _MOST_INFLATED))
    return None


def _expiry(fields: Mapping[bytes, bytes], enqueued_at: float) -> float | None:
    if b"expires_at" in fields:
        return float(fields[b"expires_at"])
    # It waited for other jobs: its time in the queue began when they let it go.
    return enqueued_at + float(fields[b"queue_ttl"]) if b"queue_ttl" in fields else None
