"""Copies the stream of outcomes to the ledger while it is written: Redis keeps it short."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from redis import Redis, RedisError

from tests.faults.ledger import write
from workers import keys


@dataclass
class Outcomes:
    """Reads from one client; `cursor` is the last entry that was copied."""

    client: "Redis"
    path: Path
    cursor: str | bytes = "0"
    _lock: Lock = field(default_factory=Lock)

    def catch_up(self) -> None:
        """Copy what is new, if Redis answers."""
        with self._lock, suppress(RedisError):
            while answer := self._next():
                for entry, fields in answer[0][1]:
                    for job_id, status in _outcomes_in(fields):
                        write(self.path, status, job_id)
                    self.cursor = entry

    def _next(self) -> Any:
        return self.client.xread({keys.done(): self.cursor}, count=1_000)


@contextmanager
def followed(outcomes: Outcomes) -> Iterator[Outcomes]:
    over = Event()

    def _follow() -> None:
        while not over.wait(0.1):
            outcomes.catch_up()

    thread = Thread(target=_follow, daemon=True)
    thread.start()
    try:
        yield outcomes
    finally:
        over.set()
        thread.join(10)


def _outcomes_in(fields: Mapping[bytes, bytes]) -> Iterator[tuple[str, str]]:
    for status, ids in fields.items():
        for job_id in ids.decode().split():
            yield job_id, "finished" if status == b"finished" else "failed"
