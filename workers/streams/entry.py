"""An entry of a stream in the hands of a consumer, and what its message's run must know."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from typing_extensions import override

from messages.limits import MAX_BYTES
from messages.union import Parsed, read_message
from workers.engine.step import Lease
from workers.settings import Settings
from workers.streams.layouts import OURS
from workers.streams.wire import class_of, envelope_of, milliseconds, own_of, value_of

SUSPECT_AFTER = 2
"""Deliveries after which an entry is run alone, and counted alone: it may be what ended them."""

_ID = b"job_id"
_OURS = OURS.encode()


@dataclass(slots=True)
class Entry(Lease):
    """An entry that is ours to run. `list_name` is its stream's key, `execution` its id there.

    Args:
        flat: Names and values by turns, as Redis returned them.
        lost: How many consumers had it before and vanished.
        group: The group in whose name it was read.
    """

    flat: Sequence[bytes] = ()
    lost: int = 0
    group: str = ""

    @property
    @override
    def is_suspect(self) -> bool:
        """Whether it may have ended its consumers, so that it has to run without neighbours."""
        return self.lost >= SUSPECT_AFTER


def entry_of(
    stream: str, entry_id: bytes, flat: Sequence[bytes], group: str, lost: int = 0
) -> Entry:
    """An entry as Redis returned it.

    Args:
        stream: The stream's key.
        entry_id: The entry's id.
        flat: Names and values by turns.
        group: The group in whose name it was read.
        lost: How many consumers had it before and vanished.
    """
    execution = entry_id.decode()
    own = value_of(_ID, flat)
    job_id = own.decode() if own is not None and _IS_ID(own) else execution
    return Entry(job_id, stream, execution, _NO_FIELDS, 0, flat, lost, group)


_IS_ID = re.compile(rb"[A-Za-z0-9_\-]{1,128}").fullmatch  # as a message's id must be
_NO_FIELDS: Mapping[bytes, bytes] = {}


@dataclass(slots=True)
class Delivery:
    """What an entry says that the run of its message must know; see `Runnable`.

    Args:
        entry: The entry.
        timeout: Seconds that a run may take.
        enqueued_at: When it was added, in Unix seconds.
        restarts: How often it was started before.
        meta: What the lane remembers of the message between its runs.
        failed_parent: None: entries wait for nothing.
        result_ttl: None: results of entries are not kept.
        failure_ttl: None: their histories are kept as the settings say.
    """

    entry: Entry
    timeout: float
    enqueued_at: float
    restarts: int = 0
    meta: dict[str, Any] = field(default_factory=dict)
    failed_parent: None = None
    result_ttl: None = None
    failure_ttl: None = None

    def read(self) -> Parsed:
        """The message; raises InvalidMessage if it is none."""
        return read_message(envelope_of(self.entry.flat, self.entry.execution))

    def envelope(self) -> Any:
        """The message as an object; text if it cannot be read."""
        body = envelope_of(self.entry.flat, self.entry.execution)
        try:
            return json.loads(body)
        except ValueError:
            return body[:MAX_BYTES].decode(errors="replace")


def delivery_of(entry: Entry, settings: Settings) -> Delivery:
    """What an entry says.

    Args:
        entry: The entry.
        settings: The timeout of messages whose class names none.
    """
    flat = entry.flat
    kind = value_of(b"job_type", flat) or b""
    added = milliseconds(entry.execution) / 1000
    own: Mapping[str, Any] = own_of(flat) if _OURS in flat else {}
    restarts, meta = own.get("restarts", 0), own.get("meta", {})
    return Delivery(
        entry,
        _timeout(kind.decode(errors="replace"), settings.job_timeout),
        added,
        restarts if isinstance(restarts, int) else 0,
        meta if isinstance(meta, dict) else {},
    )


def successor_of(entry: Entry, *, restarts: int, meta: Mapping[str, Any]) -> Sequence[bytes]:
    """The fields of the entry that takes the place of this one.

    Args:
        entry: The entry whose run is over.
        restarts: How often the message was started by now.
        meta: What is to be remembered of it.

    Returns:
        Names and values by turns, `job_id` first.
    """
    own = {"restarts": restarts, "group": entry.group, "meta": meta}
    pairs = zip(entry.flat[::2], entry.flat[1::2], strict=True)
    kept = [part for name, value in pairs if name not in {_ID, _OURS} for part in (name, value)]
    return [_ID, entry.job_id.encode(), *kept, _OURS, json.dumps(own).encode()]


def is_for_others(entry: Entry) -> bool:
    """Whether an entry is the successor of one that another group ran."""
    if _OURS not in entry.flat:
        return False
    group = own_of(entry.flat).get("group")
    return isinstance(group, str) and group != entry.group


@lru_cache(maxsize=1_000)
def _timeout(job_type: str, otherwise: int) -> float:
    cls = class_of(job_type)
    seconds = None if cls is None else cls.timeout_seconds
    return otherwise if seconds is None else seconds
